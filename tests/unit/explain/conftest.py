"""Tiny models in double precision, small enough for brute force."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    BertConfig,
    BertForTokenClassification,
    BertModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import (
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

from qglib.explain import decision_graphs, patched_logits

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["jordan", "paris", "said", "scored", "the", "plan", "##ner", "plan##x", "in"]
LABELS = {0: "O", 1: "B-PER", 2: "B-LOC"}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer():
    vocab = {word: i for i, word in enumerate(SPECIAL + WORDS)}
    inner = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    )


def tiny_config(**changes) -> BertConfig:
    settings = {
        "vocab_size": len(SPECIAL + WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 24,
        "initializer_range": 0.3,
        "id2label": LABELS,
        "label2id": {v: k for k, v in LABELS.items()},
        "attn_implementation": "eager",
    }
    return BertConfig(**settings | changes)


@pytest.fixture
def bert():
    torch.manual_seed(0)
    return BertForTokenClassification(tiny_config()).double().eval()


class LayerReader(nn.Module):
    """A linear head that reads several hidden layers side by side."""

    def __init__(self, read_layers: tuple[int, ...]) -> None:
        super().__init__()
        self.config = tiny_config()
        self.encoder = BertModel(self.config)
        self.read_layers = read_layers
        self.head = nn.Linear(16 * len(read_layers), len(LABELS))

    def get_input_embeddings(self):
        return self.encoder.get_input_embeddings()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        out = self.encoder(input_ids, attention_mask, output_hidden_states=True)
        states = [out.hidden_states[k] for k in self.read_layers]
        return TokenClassifierOutput(logits=self.head(torch.cat(states, -1)))


@pytest.fixture
def two_layer_reader():
    torch.manual_seed(0)
    return LayerReader((1, 3)).double().eval()


class BagOfWords(nn.Module):
    """A text classifier that is linear in its word embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.config = tiny_config()
        self.table = nn.Embedding(self.config.vocab_size, 4)
        self.head = nn.Linear(4, len(LABELS))

    def get_input_embeddings(self):
        return self.table

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        return TokenClassifierOutput(logits=self.head(self.table(input_ids).sum(1)))


@pytest.fixture
def bag_of_words():
    torch.manual_seed(1)
    return BagOfWords().double().eval()


@pytest.fixture
def nearly_equal_words():
    """Make two words nearly synonyms, so that first order is nearly exact."""

    def change(model, tokenizer, first="jordan", second="paris", size=1e-4):
        table = (
            model.get_input_embeddings()
            if hasattr(model, "get_input_embeddings")
            else model.encoder.get_input_embeddings()
        )
        a, b = tokenizer.convert_tokens_to_ids([first, second])
        generator = torch.Generator().manual_seed(3)
        noise = torch.randn(table.weight.shape[1], generator=generator)
        with torch.no_grad():
            table.weight[b] = table.weight[a] + size * noise.to(table.weight)

    return change


def quantum(n_inputs: int) -> nn.Module:
    from qglib.models.heads import QuantumTokenHead

    torch.manual_seed(3)
    return QuantumTokenHead(n_inputs, len(LABELS), 3, 2, gain=1.0, spread=0.5)


class PooledText(nn.Module):
    """A text classifier: mean of the last layer, then a quantum head."""

    def __init__(self) -> None:
        super().__init__()
        self.config = tiny_config()
        self.encoder = BertModel(self.config)
        self.head = quantum(16)

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        out = self.encoder(input_ids, attention_mask)
        return SequenceClassifierOutput(logits=self.head(out.last_hidden_state.mean(1)))


@pytest.fixture
def quantum_tagger():
    torch.manual_seed(0)
    model = LayerReader((1, 3))
    model.head = quantum(32)
    return model.double().eval()


@pytest.fixture
def quantum_classifier():
    torch.manual_seed(0)
    return PooledText().double().eval()


@pytest.fixture
def decision_graph():
    """The graph of one pair of texts."""

    def graph(model, tokenizer, clean, corrupt, target, **options):
        pair = [(clean, corrupt)]
        return decision_graphs(model, tokenizer, pair, [target], **options)[0]

    return graph


@pytest.fixture
def node_effects():
    """Exact effect of patching each node alone, (L+1, T)."""

    def effects(model, tokenizer, clean, corrupt, target):
        pair = [(clean, corrupt)]
        (graph,) = decision_graphs(model, tokenizer, pair, [target])
        shape = graph.node_scores.shape
        alone = [[], *([node] for node in np.ndindex(shape))]
        logits = patched_logits(model, tokenizer, *pair[0], target, alone)
        return (logits[1:] - logits[0]).reshape(shape)

    return effects
