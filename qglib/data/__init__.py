"""Loaders: tagged text, images, sound and tables, without downloads."""

from qglib.data.audio import (
    Sound,
    load_speech,
    read_wav,
    spectral_events,
    spectrogram,
)
from qglib.data.conll import Sentence, read_conll
from qglib.data.corpus import Corpus, labels_of, load_corpus, split_table
from qglib.data.documents import Document, documents
from qglib.data.drawing import draw_blobs, draw_partials, draw_peaks
from qglib.data.events import Events, token_events
from qglib.data.examples import Examples, divided, in_order
from qglib.data.images import (
    ImageSet,
    load_digits_images,
    pixel_events,
    scale_space_events,
)
from qglib.data.interventions import intervene, true_flip
from qglib.data.iob import entities, illegal
from qglib.data.kinds import KINDS
from qglib.data.loading import load
from qglib.data.partials import Partials, synthetic_partials
from qglib.data.planted import planted
from qglib.data.signals import cepstra_by_segment, log_mel
from qglib.data.structural import PLANTED_EDGES, Mechanism, PlantedSentence
from qglib.data.tables import Table, load_table

__all__ = [
    "KINDS",
    "PLANTED_EDGES",
    "Corpus",
    "Document",
    "Events",
    "Examples",
    "ImageSet",
    "Mechanism",
    "Partials",
    "PlantedSentence",
    "Sentence",
    "Sound",
    "Table",
    "cepstra_by_segment",
    "divided",
    "documents",
    "draw_blobs",
    "draw_partials",
    "draw_peaks",
    "entities",
    "illegal",
    "in_order",
    "intervene",
    "labels_of",
    "load",
    "load_corpus",
    "load_digits_images",
    "load_speech",
    "load_table",
    "log_mel",
    "pixel_events",
    "planted",
    "read_conll",
    "read_wav",
    "scale_space_events",
    "spectral_events",
    "spectrogram",
    "split_table",
    "synthetic_partials",
    "token_events",
    "true_flip",
]
