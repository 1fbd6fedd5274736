"""Labelled examples from the reader's own files: csv tables, texts, images, sounds."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qglib.data.audio import Sound, read_wav
from qglib.data.columns import (
    column_of,
    label_column,
    labels_in,
    numeric_columns,
    series_windows,
)
from qglib.data.examples import SPLITS, Examples, divided, in_order

GROUPS = ("group", "document", "speaker", "patient", "subject")


def read_csv(path: Path) -> pd.DataFrame:
    """The cells of a file as strings; the index tells file and row, from 1.

    Tabs divide the columns of a .tsv file, semicolons those of a file whose header
    has more of them than commas.

    Raises:
        ValueError: no rows, no UTF-8, an empty or repeated name in the header, or a
            row of another length.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            comma = ";" if first.count(";") > first.count(",") else ","
            reader = csv.reader(
                stream, delimiter="\t" if path.suffix == ".tsv" else comma
            )
            rows = [row for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path.name} is no csv file in UTF-8 ({error}): save it as one"
        ) from error
    if len(rows) < 2:
        raise ValueError(
            f"{path.name} holds {len(rows)} rows: a header and labelled rows are needed"
        )
    header = [name.strip() for name in rows[0]]
    twice = sorted({name for name in header if header.count(name) > 1 or not name})
    if twice:
        raise ValueError(
            f"{path.name}: the header {header} repeats {twice[0]!r} or leaves a column "
            "without name: give every column a name of its own"
        )
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(header):
            raise ValueError(
                f"{path.name}, row {number}: {len(row)} values for {len(header)} "
                f"columns ({row[:3]} ...): quote texts that hold the separator"
            )
    places = [f"{path.name}, row {number}" for number in range(1, len(rows))]
    cells = [[cell.strip() for cell in row] for row in rows[1:]]
    return pd.DataFrame(cells, columns=header, index=places, dtype=str)


def labelled_csv(
    path: Path, seed: int, kind: str = "", label: str = "", window: int = 16
) -> Examples:
    """Examples from one csv file; see `qglib.data.load`."""
    if path.suffix not in (".csv", ".tsv", ".txt"):
        raise ValueError(f"{path.name}: .csv and .tsv files are read; convert it first")
    return _examples(read_csv(path), seed, kind, label, window)


def csv_folder(
    folder: Path, seed: int, kind: str = "", label: str = "", window: int = 16
) -> Examples:
    """Examples from train.csv, test.csv and, where it exists, dev.csv.

    Raises:
        FileNotFoundError: no test.csv.
        ValueError: the files have different columns.
    """
    names = [s for s in SPLITS if s == "test" or (folder / f"{s}.csv").is_file()]
    frames = []
    for name in names:
        if not (folder / f"{name}.csv").is_file():
            raise FileNotFoundError(
                f"{folder.name} holds train.csv and no test.csv: give both, or name "
                "the one file to have it split"
            )
        frames.append(read_csv(folder / f"{name}.csv"))
        if list(frames[-1].columns) != list(frames[0].columns):
            raise ValueError(
                f"{name}.csv has the columns {list(frames[-1].columns)}, train.csv "
                f"{list(frames[0].columns)}: make them equal"
            )
    parts = np.repeat(names, [len(f) for f in frames])
    return _examples(pd.concat(frames), seed, kind, label, window, parts)


def labelled_texts(path: Path, seed: int) -> Examples:
    """Texts with labels from a file with the columns label (or category) and text."""
    return labelled_csv(path, seed, kind="text")


def _examples(
    frame: pd.DataFrame,
    seed: int,
    kind: str,
    label: str,
    window: int,
    parts: np.ndarray | None = None,
) -> Examples:
    if kind not in ("", "text", "table", "series"):
        raise ValueError(
            f'kind is {kind!r}: a csv file is read as "text", "table" or "series"'
        )
    target = label_column(frame, label)
    group = column_of(frame, GROUPS, but=target)
    own = column_of(frame, ("split",), but=target)
    rest = [c for c in frame.columns if c not in (target, group, own)]
    labels = labels_in(frame[target])
    groups = None if group is None else frame[group].tolist()
    if parts is None and own is not None:
        parts = frame[own].to_numpy(dtype="<U5")
    if kind == "series":
        inputs, rows, columns = series_windows(frame[rest], groups, window)
        labels = [labels[k] for k in rows]
        groups = groups and [groups[k] for k in rows]
        parts = parts if parts is None else parts[rows]
        if parts is None and groups is None:
            parts = in_order(len(labels))
    elif kind == "text" or (not kind and [c.lower() for c in rest] == ["text"]):
        inputs, kind, columns = _texts(frame, rest), "text", ()
    else:
        inputs, columns = numeric_columns(frame[rest])
    split = _split(labels, seed, groups, parts)
    return Examples(inputs, labels, split, kind or "table", groups, columns)


def _texts(frame: pd.DataFrame, rest: list[str]) -> list[str]:
    """The column text, or the only column beside the labels."""
    source = column_of(frame[rest], ("text",)) or (rest[0] if len(rest) == 1 else None)
    if source is None:
        raise ValueError(
            f"{frame.index[0].split(',')[0]}: the header is {list(frame.columns)}; "
            "expected the columns text and label (or category)"
        )
    missing = frame.index[frame[source] == ""]
    if len(missing):
        raise ValueError(
            f"{missing[0]}: the text is empty: drop the row, or quote the text"
        )
    return frame[source].tolist()


def _split(
    labels: Sequence[str],
    seed: int,
    groups: Sequence[str] | None,
    parts: np.ndarray | None,
) -> np.ndarray:
    """The parts that the data brings along, or a random split of what has none."""
    if parts is None:
        return divided(labels, seed, groups)
    parts = np.asarray(parts, dtype="<U5").copy()
    rows = np.flatnonzero(parts == "train")
    if "dev" not in parts and len(rows):
        found = divided(
            [labels[k] for k in rows], seed, groups and [groups[k] for k in rows]
        )
        parts[rows[found == "dev"]] = "dev"
    return parts


def class_folder(folder: Path, seed: int) -> Examples:
    """Examples from a folder with one sub-folder of .txt, .png or .wav per class.

    Sounds may lie in the folder itself, or in a folder `recordings`, named
    label_speaker_index.wav. Where three speakers or more are known, the parts of the
    split share none: one is for test, one for dev.

    Raises:
        FileNotFoundError: no such files.
        ValueError: files of several kinds, or one that cannot be read.
    """
    place = folder / "recordings" if (folder / "recordings").is_dir() else folder
    flat = sorted(place.glob("*.wav"))
    files = flat or sorted(
        f
        for f in folder.glob("*/*")
        if f.suffix in (".txt", ".png", ".wav") and not f.name.startswith(".")
    )
    suffixes = sorted({f.suffix for f in files})
    if not files:
        raise FileNotFoundError(
            f"{folder.name} holds no data that is known here: expected train.csv and "
            "test.csv, CoNLL files train, dev and test, one sub-folder per class with "
            ".txt, .png or .wav files, or files like 7_jackson_3.wav"
        )
    if len(suffixes) > 1:
        raise ValueError(f"{folder.name} holds {', '.join(suffixes)}: keep one kind")
    labels = [f.stem.split("_")[0] if flat else f.parent.name for f in files]
    if suffixes == [".wav"]:
        return _sounds(files, labels, seed)
    if suffixes == [".txt"]:
        texts = [_text(f) for f in files]
        return Examples(texts, labels, divided(labels, seed), "text")
    return Examples(_images(files), labels, divided(labels, seed), "image")


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text in UTF-8: save it as one") from error
    if not text:
        raise ValueError(f"{path.parent.name}, {path.name} is empty: remove it")
    return text


def _images(files: Sequence[Path]) -> np.ndarray:
    """Grey images from .png files of one size; colours are averaged."""
    from matplotlib.image import imread

    images: list[np.ndarray] = []
    for path in files:
        try:
            image = imread(path)
        except (OSError, SyntaxError) as error:
            raise ValueError(
                f"{path.parent.name}, {path.name} is no readable png: save it again"
            ) from error
        image = image if image.ndim == 2 else image[..., :3].mean(axis=2)
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"{path.parent.name}, {path.name} has {image.shape} pixels, the first "
                f"image {images[0].shape}: bring them to one size"
            )
        images.append(image.astype(float))
    return np.array(images)


def _sounds(files: Sequence[Path], labels: Sequence[str], seed: int) -> Examples:
    sounds = []
    for path, label in zip(files, labels, strict=True):
        sound, pieces = read_wav(path), path.stem.split("_")
        speaker = pieces[1] if len(pieces) == 3 else ""
        sounds.append(Sound(sound.samples, sound.rate, label, speaker))
    groups = [s.speaker for s in sounds]
    speakers = sorted(set(groups))
    if "" in speakers or len(speakers) < 3:
        known = None if "" in speakers else groups
        return Examples(sounds, labels, divided(labels, seed), "sound", known)
    order = np.random.default_rng(seed).permutation(speakers)
    part = {s: "train" for s in order} | {order[0]: "test", order[1]: "dev"}
    split = np.array([part[s] for s in groups])
    return Examples(sounds, labels, split, "sound", groups)
