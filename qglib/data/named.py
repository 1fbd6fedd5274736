"""Labelled examples that come with the project or with an installed package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qglib.data.corpus import EMBEDDED, SPLITS, Corpus, load_corpus
from qglib.data.examples import Examples, divided, in_order
from qglib.data.files import labelled_csv
from qglib.data.simulated import gliding_tones, machine_vibration

MODES = ("air", "train", "bus", "car")
QUARTERS = 4  # quarters a forecast of the rate looks back


def tagged(corpus: Corpus) -> Examples:
    """Sentences with one tag per word, in the parts of the corpus."""
    return _sentences(corpus, lambda s: s.words, lambda s: s.tags)


def _sentences(corpus: Corpus, input_of: Callable, label_of: Callable) -> Examples:
    """One example per sentence; documents are the groups where all are known."""
    rows = [(s, part) for part in SPLITS for s in getattr(corpus, part)]
    names = [f"{part}: {s.document}" if s.document else "" for s, part in rows]
    return Examples(
        [input_of(s) for s, _ in rows],
        [label_of(s) for s, _ in rows],
        np.array([part for _, part in rows]),
        kind="text",
        groups=names if all(names) else None,
    )


def language(seed: int) -> Examples:
    """Sentences of news with tagged names; the split is the corpus's own."""
    return tagged(load_corpus("newswire"))


def topic(seed: int) -> Examples:
    """1086 sentences of news, five topics; the split is the corpus's own."""
    corpus = load_corpus("newswire")
    return _sentences(corpus, lambda s: " ".join(s.words), lambda s: s.topic)


def sentiment(seed: int) -> Examples:
    """72 authored sentences on products and firms: positive, negative, neutral."""
    return labelled_csv(EMBEDDED / "messages" / "sentiment.tsv", seed, "text")


def customer_service(seed: int) -> Examples:
    """84 authored messages to a help desk, six intents."""
    return labelled_csv(EMBEDDED / "messages" / "intents.tsv", seed, "text")


def vision(seed: int) -> Examples:
    """1797 handwritten digits of 8 x 8 pixels (UCI)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    labels = [str(k) for k in found.target]
    return Examples(found.images / 16, labels, divided(labels, seed), kind="image")


def product_origin(seed: int) -> Examples:
    """178 chemical analyses of a product (wine): which of three makers (UCI)."""
    from sklearn.datasets import load_wine

    return _table(load_wine(), ("maker 1", "maker 2", "maker 3"), seed)


def medicine(seed: int) -> Examples:
    """569 biopsies, 30 measurements of cell nuclei: malignant or benign (UCI)."""
    from sklearn.datasets import load_breast_cancer

    return _table(load_breast_cancer(), ("malignant", "benign"), seed)


def _table(found: Any, names: Sequence[str], seed: int) -> Examples:
    """A set of scikit-learn with the names of its classes."""
    labels = [names[k] for k in found.target]
    columns = tuple(map(str, found.feature_names))
    return Examples(found.data, labels, divided(labels, seed), columns=columns)


def recommendation(seed: int) -> Examples:
    """210 travellers: which of four modes to offer first; they then chose one.

    Waiting time, cost and times of each mode, household income and party size; real
    choices between Sydney, Canberra and Melbourne (Greene, through statsmodels).
    """
    from statsmodels.datasets import modechoice

    table, offered = modechoice.load_pandas().data, ["ttme", "invc", "invt", "gc"]
    n = len(table) // len(MODES)
    offers = table[offered].to_numpy(float).reshape(n, -1)
    person = table[["hinc", "psize"]].to_numpy(float)[:: len(MODES)]
    chosen = table["choice"].to_numpy().reshape(n, len(MODES)).argmax(axis=1)
    labels = [MODES[k] for k in chosen]
    columns = (*(f"{mode} {c}" for mode in MODES for c in offered), "hinc", "psize")
    values = np.hstack([offers, person])
    return Examples(values, labels, divided(labels, seed), columns=columns)


def finance(seed: int) -> Examples:
    """197 quarters: will the US three-month rate rise in the next one?

    The changes of six series over the last four quarters; split along time, so the
    seed changes nothing. Changes, because the levels drift and two drifting series
    always seem related (Granger and Newbold 1974). From statsmodels, ``macrodata``,
    public domain; the first two quarters have no inflation and are left out.
    """
    from statsmodels.datasets import macrodata

    raw = macrodata.load_pandas().data
    logs = {"growth": "realgdp", "consumption": "realcons", "money": "m1"}
    levels = {"bill_rate": "tbilrate", "unemployment": "unemp", "inflation": "infl"}
    found = {k: 100 * np.log(raw[column]).diff() for k, column in logs.items()}
    found |= {k: raw[column].diff() for k, column in levels.items()}
    changes = pd.DataFrame(found).iloc[2:]
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
