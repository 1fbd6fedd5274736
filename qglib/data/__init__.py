"""Loaders: tagged text, images, sound and tables, without downloads."""

from qglib.data.audio import (
    Sound,
    load_speech,
    read_wav,
    spectral_events,
    spectrogram,
)
from qglib.data.conll import Sentence, read_conll, write_conll
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
from qglib.data.planted import planted, planted_corpus, planted_table
from qglib.data.series import SERIES, Series, load_series, windows
from qglib.data.speech import cepstra_by_segment, log_mel, speech_task
from qglib.data.streams import crossing_events, stream_events
from qglib.data.structural import PLANTED_EDGES, Mechanism, PlantedSentence
from qglib.data.tables import RankedRows, Table, load_table, ranked_rows
from qglib.data.tasks import (
    Task,
    digit_task,
    direction_task,
    sentence_order_task,
    topic_task,
)

__all__ = [
    "KINDS",
    "PLANTED_EDGES",
    "SERIES",
    "Corpus",
    "Document",
    "Events",
    "Examples",
    "ImageSet",
    "Mechanism",
    "Partials",
    "PlantedSentence",
    "RankedRows",
    "Sentence",
    "Series",
    "Sound",
    "Table",
    "Task",
    "cepstra_by_segment",
    "crossing_events",
    "digit_task",
    "direction_task",
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
    "load_series",
    "load_speech",
    "load_table",
    "log_mel",
    "pixel_events",
    "planted",
    "planted_corpus",
    "planted_table",
    "ranked_rows",
    "read_conll",
    "read_wav",
    "scale_space_events",
    "sentence_order_task",
    "spectral_events",
    "spectrogram",
    "speech_task",
    "split_table",
    "stream_events",
    "synthetic_partials",
    "token_events",
    "topic_task",
    "true_flip",
    "windows",
    "write_conll",
]
