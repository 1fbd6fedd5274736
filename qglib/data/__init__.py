"""Data: labelled examples by name or path, five kinds, tagged and planted sentences."""

from __future__ import annotations

from qglib.data.audio import Sound, load_speech, spectral_events
from qglib.data.conll import Sentence, entities, illegal, read_conll
from qglib.data.corpus import Corpus, documents, labels_of, load_corpus
from qglib.data.events import Events, token_events
from qglib.data.examples import Examples, divided
from qglib.data.images import pixel_events, scale_space_events
from qglib.data.interventions import intervene, true_flip
from qglib.data.kinds import KINDS
from qglib.data.loading import load
from qglib.data.simulated import synthetic_partials
from qglib.data.structural import PLANTED_EDGES, planted
from qglib.data.series import load_series

# Reachable here, though notebooks of one step or the library alone use them.
_OTHERS = (
    PLANTED_EDGES,
    divided,
    documents,
    illegal,
    labels_of,
    load_series,
    load_speech,
    pixel_events,
    scale_space_events,
    spectral_events,
    token_events,
    true_flip,
)

__all__ = [
    "KINDS",
    "Corpus",
    "Events",
    "Examples",
    "Sentence",
    "Sound",
    "entities",
    "intervene",
    "load",
    "load_corpus",
    "planted",
    "read_conll",
    "synthetic_partials",
]
