"""Data: labelled examples by name or path, five kinds, tagged and planted sentences."""

# ruff: noqa: F401 (names beyond __all__ serve notebooks of one step or the library)
from qglib.data.audio import Sound, spectral_events
from qglib.data.conll import Sentence, entities, illegal, read_conll
from qglib.data.corpus import Corpus, documents, labels_of, load_corpus
from qglib.data.events import Events, token_events
from qglib.data.examples import Examples, divided
from qglib.data.files import read_columns
from qglib.data.kinds import KINDS
from qglib.data.loading import load, load_series
from qglib.data.simulated import synthetic_partials
from qglib.data.structural import ADVERBS, PLANTED_EDGES, planted
from qglib.data.wheels import wheel_file, wheel_licence

__all__ = [
    "KINDS", "Corpus", "Events", "Examples", "Sentence", "Sound", "entities", "load",
    "load_corpus", "planted", "read_columns", "read_conll", "synthetic_partials",
    "wheel_file", "wheel_licence",
]  # fmt: skip
