"""Labelled examples from the reader's own files: csv tables, texts, images, sounds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qglib.data.audio import Sound, read_wav
from qglib.data.columns import column_of, label_column, labels_in, numeric_columns
from qglib.data.examples import SPLITS, Examples, divided

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


def labelled_csv(path: Path, seed: int, kind: str = "", label: str = "") -> Examples:
    """Examples from a csv file, or a folder with train.csv, test.csv and maybe dev.csv.

    See `qglib.data.load`.

    Raises:
        FileNotFoundError: a folder without test.csv.
        ValueError: another kind of file, broken cells, or files of other columns.
    """
    if kind not in ("", "text", "table", "series"):
        raise ValueError(
            f'kind is {kind!r}: a csv file is read as "text", "table" or "series"'
        )
    frame, parts = _parts_of(path) if path.is_dir() else (_one_file(path), None)
    target = label_column(frame, label)
    group = column_of(frame, GROUPS, but=target)
    own = column_of(frame, ("split",), but=target)
    rest = [c for c in frame.columns if c not in (target, group, own)]
    labels = labels_in(frame[target])
    groups = None if group is None else frame[group].tolist()
    if parts is None and own is not None:
        parts = frame[own].to_numpy(dtype="<U5")
    if kind == "text" or (not kind and [c.lower() for c in rest] == ["text"]):
        inputs, kind, columns = _texts(frame, rest), "text", ()
    else:
        inputs, columns = numeric_columns(frame[rest])
    split = _split(labels, seed, groups, parts)
    return Examples(inputs, labels, split, kind or "table", groups, columns)


def _one_file(path: Path) -> pd.DataFrame:
    if path.suffix not in (".csv", ".tsv", ".txt"):
        raise ValueError(f"{path.name}: .csv and .tsv files are read; convert it first")
    return read_csv(path)


def _parts_of(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of all files of a folder, and the part of the split of each."""
    names = [s for s in SPLITS if (folder / f"{s}.csv").is_file()]
    if "test" not in names:
        raise FileNotFoundError(
            f"{folder.name} holds train.csv and no test.csv: give both, or name "
            "the one file to have it split"
        )
    frames = [read_csv(folder / f"{name}.csv") for name in names]
    for name, frame in zip(names, frames, strict=True):
        if list(frame.columns) != list(frames[0].columns):
            raise ValueError(
                f"{name}.csv has the columns {list(frame.columns)}, train.csv "
                f"{list(frames[0].columns)}: make them equal"
            )
    return pd.concat(frames), np.repeat(names, [len(f) for f in frames])


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
    files = flat or [f for f in sorted(folder.glob("*/[!.]*")) if f.suffix in READERS]
    suffixes = sorted({f.suffix for f in files})
    if not files:
        raise FileNotFoundError(
            f"{folder.name} holds no data that is known here: expected train.csv and "
            "test.csv, CoNLL files train, dev and test, one sub-folder per class with "
            ".txt, .png or .wav files, or files like 7_jackson_3.wav"
        )
    if len(suffixes) > 1:
        raise ValueError(f"{folder.name} holds {', '.join(suffixes)}: keep one kind")
    kind, read = READERS[suffixes[0]]
    labels = [f.stem.split("_")[0] if flat else f.parent.name for f in files]
    inputs = [_readable(f, read) for f in files]
    if kind == "sound":
        return _sounds(files, inputs, labels, seed)
    shapes = [np.shape(x) for x in inputs]
    odd = [f for f, shape in zip(files, shapes, strict=True) if shape != shapes[0]]
    if odd:
        raise ValueError(
            f"{odd[0].parent.name}, {odd[0].name} has another number of pixels than the "
            f"first image, {shapes[0]}: bring them to one size"
        )
    return Examples(
        np.array(inputs) if kind == "image" else inputs,
        labels,
        divided(labels, seed),
        kind,
    )


def _readable(path: Path, read: Callable[[Path], Any]) -> Any:
    """What a file holds, or an error that names it."""
    try:
        return read(path)
    except (UnicodeDecodeError, OSError, SyntaxError) as error:
        raise ValueError(
            f"{path.parent.name}, {path.name} is no readable {path.suffix[1:]} "
            f"({error}): save it again, texts as UTF-8"
        ) from error


def _text(path: Path) -> str:
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        raise ValueError(f"{path.parent.name}, {path.name} is empty: remove it")
    return text


def _image(path: Path) -> np.ndarray:
    """A grey image; colours are averaged."""
    from matplotlib.image import imread

    image = imread(path)
    return (image if image.ndim == 2 else image[..., :3].mean(axis=2)).astype(float)


READERS: dict[str, tuple[str, Callable]] = {
    ".txt": ("text", _text),
    ".png": ("image", _image),
    ".wav": ("sound", read_wav),
}


def _sounds(
    files: Sequence[Path], read: Sequence[Sound], labels: Sequence[str], seed: int
) -> Examples:
    """Sounds with label and, where the names tell, speaker; see `class_folder`."""
    pieces = [path.stem.split("_") for path in files]
    groups = [p[1] if len(p) == 3 else "" for p in pieces]
    named = zip(read, labels, groups, strict=True)
    sounds = [replace(s, label=label, speaker=who) for s, label, who in named]
    speakers = sorted(set(groups))
    if "" in speakers or len(speakers) < 3:
        known = None if "" in speakers else groups
        return Examples(sounds, labels, divided(labels, seed), "sound", known)
    order = np.random.default_rng(seed).permutation(speakers)
    part = {s: "train" for s in order} | {order[0]: "test", order[1]: "dev"}
    split = np.array([part[s] for s in groups])
    return Examples(sounds, labels, split, "sound", groups)
