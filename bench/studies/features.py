"""Do causal-set features help a classifier? One real task per kind of data.

Question. On real tasks from text, image, sound, tables and time series: what do the
features F of the causal order add to an ordinary description of the same items, what
do they hold alone, and what is left of both when times and contents are paired at
random?

Protocol. `judge_features`: repeated nested cross-validation (outer 5 parts, 4 repeats
unless said; inner 3 parts choose the strength of a logistic regression), the same parts
for every variant, corrected-t 95 % intervals of paired differences, each interval by
itself. A "gain" needs baseline + F above the baseline and above baseline + shuffled F,
both intervals above zero. A rival that is blind to order stands at chance by
construction in the tasks of direction and of sentence order: a gain beside it says that
F reads the order, not that F reads it better than the second rival does.

Two kinds of rows. "fixed": nothing was chosen, defaults of the library. "choose" and
"confirm": several readings of the data as an order are tried on the first part, the one
with the largest mean of F alone minus shuffled F alone is kept and judged again on data
that had no part in the choice. The parts are halves of a series, documents of even and
odd number, speakers 1-3 and 4-6 in alphabetical order, disjoint sets of recordings. The
sunspots and the unemployment rate take the reading chosen on the first halves of the
other two series. An earlier trial looked at the direction of whole series (CO2,
sunspots, El Nino) with two of the four readings, and at 450 recordings of three
speakers, before the parts were fixed; unemployment and the other three speakers were
not looked at. "tried" rows are shorter windows of the first halves, reported only.

Data: newswire (this project), digits, breast cancer and wine (scikit-learn), four
series of statsmodels; banking77 and the Free Spoken Digit Dataset from a folder beside
the project (QGLIB_SHARED_DATA), as the tests find it.

Run: python -m bench.studies.features    (about 7 minutes on one core)
"""

from __future__ import annotations

import csv
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from qglib import data
from qglib.data import Task, crossing_events, load_series
from qglib.record import ROOT, versions, write_json
from qglib.spacetime.dominance import DominancePosition
from qglib.spacetime.feature_verdict import ALONE, FeatureVerdict
from qglib.spacetime.judging import judge_features
from qglib.spacetime.transformer import CausalSetFeatures

RESULT = ROOT / "data" / "reference" / "results" / "features_judged.json"
SEED = 20
GRID = (0.001, 0.01, 0.1, 1.0)
SETTINGS = {"folds": 5, "repeats": 4, "inner_folds": 3, "grid": list(GRID)}
SERIES = {  # length, stride, block in steps; halves are told apart by `part`
    "co2": (104, 13, 156),
    "elnino": (36, 6, 72),
    "sunspots": (33, 4, 44),
    "unemployment": (24, 4, 32),
}
SHORTER = (  # further windows, first halves only
    ("co2", (16, 4, 52)),
    ("co2", (26, 4, 78)),
    ("co2", (39, 4, 78)),
    ("elnino", (24, 3, 36)),
)
Row = dict[str, Any]
Pair = tuple[Any, Any]  # F and shuffled F: arrays or transformers


def rng_of(*names: object) -> np.random.Generator:
    """A generator that depends on the study's seed and on the names only."""
    return np.random.default_rng([SEED, *(zlib.crc32(str(n).encode()) for n in names)])


# --------------------------------------------------------------------- readings
def as_order(task: Task, order: str = "speed", window: float | None = None) -> Pair:
    """F of a task and of its shuffled copy, both fitted without labels."""
    maker = CausalSetFeatures(order, window=window).fit(task.items)
    mixed = task.shuffled(rng_of(task.name, "shuffle"))
    return maker.transform(task.items), maker.transform(mixed)


def as_crossings(task: Task) -> Pair:
    """F of the quantile crossings of each series."""
    items = [crossing_events(row) for row in task.items]
    rng = rng_of(task.name, "shuffle")
    maker = CausalSetFeatures().fit(items)
    return maker.transform(items), maker.transform([e.shuffled(rng) for e in items])


SERIES_READINGS: dict[str, Callable[[Task], Pair]] = {
    "speed, window a quarter": as_order,
    "speed, window 2": lambda task: as_order(task, window=2),
    "ranks": lambda task: as_order(task, order="ranks"),
    "crossings": as_crossings,
}


# ----------------------------------------------------------------------- rows
def judge(task: Task, pair: Pair, baseline: str, **options: Any) -> FeatureVerdict:
    """One verdict with the study's settings."""
    settings = {**SETTINGS, "grid": GRID, **options}
    return judge_features(
        task.baselines[baseline],
        *pair,
        task.labels,
        rng=rng_of(task.name, "parts"),
        groups=task.groups,
        **settings,
    )


def row_of(
    task: Task, part: str, reading: str, baseline: str, found: FeatureVerdict
) -> Row:
    """What the recorded file keeps of one verdict."""
    kept, dropped = task.events_per_item
    contrasts = found.contrasts.round(6).itertuples()
    return {
        "task": task.name,
        "part": part,
        "reading": reading,
        "n": len(task),
        "classes": len(np.unique(task.labels)),
        "baseline": baseline,
        "baseline_columns": int(task.baselines[baseline].shape[1]),
        "events_per_item": round(kept, 2),
        "dropped_per_item": round(dropped, 2),
        "accuracy": found.table.accuracy.round(6).to_dict(),
        "contrasts": {c[0]: [round(v, 6) for v in c[1:]] for c in contrasts},
        "verdict": found.verdict,
        "order_speaks": found.order_speaks,
    }


def rows_of(task: Task, part: str, reading: str, pair: Pair, **options: Any) -> list:
    """One row per baseline of the task."""
    verdicts = {b: judge(task, pair, b, **options) for b in task.baselines}
    used = {key: options.get(key, SETTINGS[key]) for key in ("folds", "repeats")}
    return [row_of(task, part, reading, b, v) | used for b, v in verdicts.items()]


def chosen(rows: Sequence[Row]) -> str:
    """The reading with the largest mean of F alone minus shuffled F alone."""
    gains: dict[str, list[float]] = {}
    for row in rows:
        gains.setdefault(row["reading"], []).append(row["contrasts"][ALONE][0])
    return max(gains, key=lambda reading: np.mean(gains[reading]))


# ------------------------------------------------------------------ the tasks
def series_part(name: str, part: slice = slice(None)) -> Task:
    """Windows of a series, forwards and backwards."""
    return data.direction_task(load_series(name), *SERIES[name], part=part)


def series_rows() -> Iterator[Row]:
    """Direction of time in four series."""
    first, tried = {}, []
    for name in ("co2", "elnino"):
        first[name] = len(load_series(name)) // 2
        task = series_part(name, slice(first[name]))
        for reading, make in SERIES_READINGS.items():
            rows = rows_of(task, "choose", reading, make(task), folds=3)
            tried += rows
            yield from rows
    for name, size in SHORTER:  # looked at, not chosen from
        part = slice(len(load_series(name)) // 2)
        task = data.direction_task(load_series(name), *size, part=part)
        pair = as_order(task, order="ranks")
        yield from rows_of(task, "tried", f"ranks, windows of {size[0]}", pair)
    best = chosen(tried)
    for name in SERIES:
        part = slice(first.get(name, 0), None)
        task = series_part(name, part)
        pair = SERIES_READINGS[best](task)
        yield from rows_of(task, "confirm", best, pair, folds=3)


def image_rows() -> Iterator[Row]:
    """Digits from pixels by brightness, and from blobs from coarse to fine."""
    for kind in ("pixels", "blobs"):
        task = data.digit_task(600, rng_of("digits"), kind)
        yield from rows_of(task, "fixed", "defaults", as_order(task), repeats=2)


def table_rows() -> Iterator[Row]:
    """Dominance position of a row among the training rows of its part.

    Its "events" are the training rows it is compared with.
    """
    for name in ("breast_cancer", "wine"):
        table = data.load_table(name)
        values, note = table.features.to_numpy(float), "class of a row"
        base = {f"{values.shape[1]} columns": values}
        task = Task(f"table {name}", values, table.target.to_numpy(), base, None, note)
        pair = DominancePosition(), DominancePosition(shuffle=True, random_state=SEED)
        for row in rows_of(task, "fixed", "dominance", pair, repeats=2):
            compared = len(table) * (SETTINGS["folds"] - 1) / SETTINGS["folds"]
            dropped = data.ranked_rows(table).dropped
            sizes = {"events_per_item": compared, "dropped_per_item": dropped}
            yield row | sizes


def encoded(texts: Sequence[Sequence[str]]) -> tuple[list, np.ndarray]:
    """Third-layer vectors of the words, and the mean last-layer vector, per text."""
    from qglib import models

    tagger, tokenizer = models.build_tagger(hidden_layers=(3, 6), seed=SEED)
    read = models.frozen_features(tagger, tokenizer, texts, dtype=np.float32)
    layers = np.split(read.hidden, np.cumsum([len(words) for words in texts])[:-1])
    means = np.array([rows[:, 384:].mean(axis=0) for rows in layers])
    return [rows[:, :384] for rows in layers], means


def text_rows(folder: Path) -> Iterator[Row]:
    """Newswire topics, banking intents, and the order of sentences."""
    documents = data.documents(data.load_corpus("newswire"))
    sizes = [len(item.sentences) for item in documents]
    words, means = encoded([s for item in documents for s in item.sentences])
    ends = np.cumsum(sizes)[:-1]
    sentences = np.split(means, ends)
    whole = [
        np.concatenate(words[b - s : b])
        for s, b in zip(sizes, np.cumsum(sizes), strict=True)
    ]
    lengths = [[len(s) for s in item.sentences] for item in documents]
    summary = [
        np.average(m, axis=0, weights=w)
        for m, w in zip(sentences, lengths, strict=True)
    ]
    topics, keep = [d.topic for d in documents], [d.is_content() for d in documents]
    for window in (16, 64):
        task = data.topic_task(whole, topics, summary, window, keep, "newswire topic")
        yield from rows_of(task, "fixed", f"window {window}", as_order(task))
    texts, intents = banking(folder / "banking77" / "train.csv")
    words, means = encoded(texts)
    task = data.topic_task(words, intents, means, 16, name="banking intent")
    yield from rows_of(task, "fixed", "window 16", as_order(task), repeats=2)
    tried, windows = [], {f"window {w}": w for w in (3, 8)}
    for part, start in (("choose", 0), ("confirm", 1)):
        for reading in windows if part == "choose" else [chosen(tried)]:
            rng = rng_of("sentences", part)
            task = data.sentence_order_task(sentences[start::2], rng, windows[reading])
            rows = rows_of(task, part, reading, as_order(task))
            tried += rows
            yield from rows


def banking(path: Path, intents: int = 10, each: int = 40) -> tuple[list, list]:
    """Words and intents of some requests: the first intents of the alphabet."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [(r["text"], r["category"]) for r in csv.DictReader(file)]
    names = sorted({name for _, name in rows})[:intents]
    texts, labels = [], []
    for name in names:
        own = [text for text, category in rows if category == name]
        for k in rng_of("banking", name).permutation(len(own))[:each]:
            texts.append(re.findall(r"\w+|[^\w\s]", own[k]))
            labels.append(name)
    return texts, labels


def speech_rows(folder: Path) -> Iterator[Row]:
    """Digit, speaker and direction of time of recorded words."""
    every = data.load_speech(folder / "fsdd")
    order = rng_of("speech").permutation(len(every))
    speakers = sorted({sound.speaker for sound in every})
    mixed = [every[k] for k in order]
    for target in ("digit", "speaker"):
        task = data.speech_task(mixed[:600], target)
        yield from rows_of(task, "fixed", "defaults", as_order(task), repeats=2)
    speeds = {f"{s:g} octaves per second": s for s in (2.0, 6.0)}
    halves = {
        "choose": [s for s in mixed if s.speaker in speakers[:3]][:250],
        "confirm": [s for s in mixed if s.speaker in speakers[3:]][:250],
    }
    yield from _chosen_speed(halves, speeds, "direction", repeats=2)
    # Every speaker's recordings in two: folds are speakers, so both need all six.
    halves = {"choose": mixed[600:1200], "confirm": mixed[1200:1800]}
    yield from _chosen_speed(
        halves, speeds, "digit", by_speaker=True, folds=6, repeats=1
    )


def _chosen_speed(
    halves: dict[str, list],
    speeds: dict[str, float],
    target: str,
    by_speaker: bool = False,
    **options: Any,
) -> Iterator[Row]:
    tried: list[Row] = []
    for part, sounds in halves.items():
        for reading in speeds if part == "choose" else [chosen(tried)]:
            task = data.speech_task(
                sounds, target, speeds[reading], by_speaker=by_speaker
            )
            rows = rows_of(task, part, reading, as_order(task), **options)
            tried += rows
            yield from rows


# ------------------------------------------------------------------ the study
def small_slice() -> list[Row]:
    """A part that takes seconds: direction of the sunspots, by ranks, 2 repeats."""
    task = series_part("sunspots")
    pair = as_order(task, order="ranks")
    return rows_of(task, "slice", "ranks", pair, folds=3, repeats=2)


def shared_folder() -> Path:
    """Folder of real data beside the project, as the tests find it."""
    named = os.environ.get("QGLIB_SHARED_DATA", "")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        raise FileNotFoundError("no real data: set QGLIB_SHARED_DATA to their folder")
    return folder


def write(rows: Sequence[Row], part: Sequence[Row]) -> None:
    """The recorded file, complete or not at all."""
    content = {
        "study": "features_judged",
        "question": "what causal-set features add to an ordinary description",
        "settings": {**SETTINGS, "seed": SEED, "series": SERIES},
        "protocol": __doc__.split("\n\n")[2:4],
        "versions": versions(),
        "rows": list(rows),
        "slice": list(part),
    }
    write_json(RESULT, content)


def main() -> None:
    """Run everything and write the file, growing with every row."""
    folder = shared_folder()
    part, rows = small_slice(), []
    sources = (
        series_rows(),
        image_rows(),
        table_rows(),
        text_rows(folder),
        speech_rows(folder),
    )
    with tqdm(desc="verdicts", unit="row") as bar:
        for source in sources:
            for row in source:
                rows.append(row)
                bar.update()
                gain = row["contrasts"]["baseline + F - baseline"]
                bar.write(
                    f"{row['task']} | {row['part']} | {row['reading']} | "
                    f"{row['baseline']} | {row['verdict']} {gain} | order "
                    f"{row['contrasts'][ALONE]}"
                )
                write(rows, part)


if __name__ == "__main__":
    main()
