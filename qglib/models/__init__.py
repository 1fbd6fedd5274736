"""Token tagging: encoder, word shapes, heads, training, decoding, scores."""

from qglib.models.association import document_error_rate, strongest_association
from qglib.models.baselines import SurfaceLookup
from qglib.models.building import build_tagger
from qglib.models.comparison import (
    compare_heads,
    fine_tune_heads,
    mean_interval,
    paired_gain,
)
from qglib.models.configuration import TokenTaggerConfig
from qglib.models.decoding import decode, decode_all
from qglib.models.encoder import encoder_path
from qglib.models.evaluation import (
    article_table,
    entity_f1,
    entity_report,
    f1_difference,
    f1_interval,
    implied_averages,
    token_report,
)
from qglib.models.figures import (
    draw_circuit,
    draw_heads,
    draw_history,
    draw_subsets,
)
from qglib.models.head_training import head_logits, train_head
from qglib.models.inference import WordFeatures, frozen_features, word_logits
from qglib.models.shapes import N_SHAPES, word_shape
from qglib.models.storage import load_tagger, save_head
from qglib.models.subsets import subset_report
from qglib.models.tagger import TokenTagger
from qglib.models.targets import check_training
from qglib.models.tokenizer import ShapeTokenizer
from qglib.models.training import train_tagger

__all__ = [
    "N_SHAPES",
    "ShapeTokenizer",
    "SurfaceLookup",
    "TokenTagger",
    "TokenTaggerConfig",
    "WordFeatures",
    "article_table",
    "build_tagger",
    "check_training",
    "compare_heads",
    "decode",
    "decode_all",
    "document_error_rate",
    "draw_circuit",
    "draw_heads",
    "draw_history",
    "draw_subsets",
    "encoder_path",
    "entity_f1",
    "entity_report",
    "f1_difference",
    "f1_interval",
    "fine_tune_heads",
    "frozen_features",
    "head_logits",
    "implied_averages",
    "load_tagger",
    "mean_interval",
    "paired_gain",
    "save_head",
    "strongest_association",
    "subset_report",
    "token_report",
    "train_head",
    "train_tagger",
    "word_logits",
    "word_shape",
]
