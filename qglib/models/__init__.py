"""Models: one encoder, one set of heads, one training loop, for five kinds of data.

`build_tagger` puts a head on the encoder, `train_head` trains it on `frozen_features`,
`train_tagger` the encoder as well; `train` and `compare` take examples of any kind.
"""

from qglib.models import pipeline as pipeline  # registers itself
from qglib.models.comparison import compare
from qglib.models.encoder import encoder_path as encoder_path
from qglib.models.fine_tuning import head_logits as head_logits
from qglib.models.fine_tuning import train_head, train_tagger
from qglib.models.storage import build_tagger, load_tagger
from qglib.models.storage import save_head as save_head
from qglib.models.tagger import TokenTagger as TokenTagger
from qglib.models.tags import decode_all, entity_f1
from qglib.models.tags import f1_interval as f1_interval
from qglib.models.tokenizer import word_shape as word_shape
from qglib.models.training import load_model, train
from qglib.models.windows import frozen_features, word_logits

__all__ = [
    "build_tagger", "compare", "decode_all", "entity_f1", "frozen_features",
    "load_model", "load_tagger", "train", "train_head", "train_tagger", "word_logits",
]  # fmt: skip
