"""Labelled examples that come with the project or with an installed package."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qglib.data.corpus import EMBEDDED, SPLITS, Corpus, load_corpus
from qglib.data.economy import load_economy
from qglib.data.examples import Examples, divided, in_order
from qglib.data.files import labelled_texts
from qglib.data.images import load_digits_images
from qglib.data.simulated import gliding_tones, machine_vibration
from qglib.data.tables import load_table

MODES = ("air", "train", "bus", "car")
QUARTERS = 4  # quarters a forecast of the rate looks back


def tagged(corpus: Corpus) -> Examples:
    """Sentences with one tag per word, in the parts of the corpus."""
    rows = [(s, part) for part in SPLITS for s in getattr(corpus, part)]
    return Examples(
        [s.words for s, _ in rows],
        [s.tags for s, _ in rows],
        np.array([part for _, part in rows]),
        kind="text",
        groups=_documents(rows),
    )


def _documents(rows: list) -> list[str] | None:
    names = [f"{part}: {s.document}" if s.document else "" for s, part in rows]
    return names if all(names) else None


def language(seed: int) -> Examples:
    """Sentences of news with tagged names; the split is the corpus's own."""
    return tagged(load_corpus("newswire"))


def topic(seed: int) -> Examples:
    """1086 sentences of news, five topics; the split is the corpus's own."""
    corpus = load_corpus("newswire")
    rows = [(s, part) for part in SPLITS for s in getattr(corpus, part)]
    return Examples(
        [" ".join(s.words) for s, _ in rows],
        [s.topic for s, _ in rows],
        np.array([part for _, part in rows]),
        kind="text",
        groups=_documents(rows),
    )


def sentiment(seed: int) -> Examples:
    """72 authored sentences on products and firms: positive, negative, neutral."""
    return labelled_texts(EMBEDDED / "messages" / "sentiment.tsv", seed)


def customer_service(seed: int) -> Examples:
    """84 authored messages to a help desk, six intents."""
    return labelled_texts(EMBEDDED / "messages" / "intents.tsv", seed)


def vision(seed: int) -> Examples:
    """1797 handwritten digits of 8 x 8 pixels (UCI)."""
    found = load_digits_images()
    labels = [str(k) for k in found.labels]
    return Examples(found.images, labels, divided(labels, seed), kind="image")


def product_origin(seed: int) -> Examples:
    """178 chemical analyses of a product (wine): which of three makers (UCI)."""
    return _table("wine", {k: f"maker {k + 1}" for k in range(3)}, seed)


def medicine(seed: int) -> Examples:
    """569 biopsies, 30 measurements of cell nuclei: malignant or benign (UCI)."""
    return _table("breast_cancer", {0: "malignant", 1: "benign"}, seed)


def _table(name: str, names: dict[int, str], seed: int) -> Examples:
    table = load_table(name)
    labels = [names[int(k)] for k in table.target]
    values = table.features.to_numpy(float)
    columns = tuple(table.features.columns)
    return Examples(values, labels, divided(labels, seed), columns=columns)


def recommendation(seed: int) -> Examples:
    """210 travellers: which of four modes to offer first; they then chose one.

    Waiting time, cost and times of each mode, household income and party size; real
    choices between Sydney, Canberra and Melbourne (Greene, through statsmodels).
    """
    table = load_table("modechoice")
    n, offered = len(table) // len(MODES), ["ttme", "invc", "invt", "gc"]
    offers = table.features[offered].to_numpy(float).reshape(n, -1)
    person = table.features[["hinc", "psize"]].to_numpy(float)[:: len(MODES)]
    chosen = table.target.to_numpy().reshape(n, len(MODES)).argmax(axis=1)
    labels = [MODES[k] for k in chosen]
    columns = (*(f"{mode} {c}" for mode in MODES for c in offered), "hinc", "psize")
    values = np.hstack([offers, person])
    return Examples(values, labels, divided(labels, seed), columns=columns)


def finance(seed: int) -> Examples:
    """197 quarters: will the US three-month rate rise in the next one?

    The changes of six series over the last four quarters; split along time, so the
    seed changes nothing. See `qglib.data.economy.load_economy`.
    """
    changes = load_economy()
    values, n = changes.to_numpy(), len(changes) - QUARTERS
    past = np.hstack([values[k : k + n] for k in range(QUARTERS)])
    rises = changes["bill_rate"].to_numpy()[QUARTERS:] > 0
    labels = ["rise" if up else "no rise" for up in rises]
    ago = range(QUARTERS, 0, -1)
    columns = tuple(f"{c}, {k} quarters ago" for k in ago for c in changes.columns)
    return Examples(past, labels, in_order(n), columns=columns)


NAMED: dict[str, Callable[[int], Examples]] = {
    "language": language,
    "topic": topic,
    "sentiment": sentiment,
    "customer_service": customer_service,
    "vision": vision,
    "audio": gliding_tones,
    "manufacturing": machine_vibration,
    "product_origin": product_origin,
    "medicine": medicine,
    "finance": finance,
    "recommendation": recommendation,
}
"""Name of a task to its loader; `qglib.data.load` also takes the names of the sets."""

OTHER_NAMES = {
    "newswire": "language",
    "names": "language",
    "topics": "topic",
    "intents": "customer_service",
    "digits": "vision",
    "gliding_tones": "audio",
    "vibration": "manufacturing",
    "wine": "product_origin",
    "breast_cancer": "medicine",
    "bill_rate": "finance",
    "travel": "recommendation",
}
