"""Labelled examples from the reader's own files: csv tables, texts, images, sounds."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qglib.data.audio import read_wav
from qglib.data.examples import SPLITS, Examples, divided

GAPS = ("", "na", "nan", "n/a", "null", "?")
GROUPS = ("group", "document", "speaker", "patient", "subject")
MOST_VALUES = 20  # different words of a column that becomes columns of 0 and 1
CELLS = dict(text="text", number="finite number", positive="number above 0", time="time")
CELLS["later"] = "later time than the row before"
KIND_OF = {".txt": "text", ".png": "image", ".wav": "sound"}


def labelled_csv(path: Path, seed: int, kind: str = "", label: str = "") -> Examples:
    """A csv file, or a folder with train.csv, test.csv and maybe dev.csv: `load`."""
    if kind not in ("", "text", "table", "series"):
        raise ValueError(f'kind is {kind!r}: a csv file is "text", "table" or "series"')
    frame, parts = (read_csv(path), None) if path.is_file() else _parts_of(path)
    if label and label not in frame.columns:
        raise ValueError(f"label is {label!r}: the header has {list(frame.columns)}")
    target = label or _column(frame, "label", "category") or frame.columns[-1]
    others = frame.drop(columns=target)
    group, own = _column(others, *GROUPS), _column(others, "split")
    rest = others.drop(columns=[c for c in (group, own) if c is not None])
    if rest.columns.empty:
        raise ValueError(f"{path.name} holds {target!r} alone: add a column to it")
    labels = _labels(frame[target])
    groups = None if group is None else frame[group].tolist()
    if parts is None and own is not None:
        parts = frame[own].to_numpy(dtype=str)
    if not kind and [c.lower() for c in rest] == ["text"]:
        kind = "text"
    inputs, columns = (_texts(rest), ()) if kind == "text" else _numbers(rest)
    if parts is None:
        parts = divided(labels, seed, groups)
    elif "dev" not in parts and "train" in parts:
        rows = np.flatnonzero(parts == "train")
        of = groups and [groups[k] for k in rows]
        found = divided([labels[k] for k in rows], seed, of)
        parts[rows[found == "dev"]] = "dev"
    return Examples(inputs, labels, parts, kind or "table", groups, columns)


def read_csv(path: Path) -> pd.DataFrame:
    """The cells of a file as strings; the index tells file and row, from 1.

    Tabs divide the columns of a .tsv file, semicolons those of a file whose header
    has more of them than commas.
    """
    if path.suffix not in (".csv", ".tsv", ".txt"):
        raise ValueError(f"{path.name}: .csv and .tsv files are read; convert it first")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        comma = ";" if first.count(";") > first.count(",") else ","
        comma = "\t" if path.suffix == ".tsv" else comma
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=comma)
        rows = [[cell.strip() for cell in line] for line in lines if line]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        wrong = f"{path.name}: line {line} is not in UTF-8: save the file in UTF-8"
        raise ValueError(wrong) from error
    except csv.Error as error:
        raise ValueError(f"{path.name}: {error}: save it as a csv file") from error
    if len(rows) < 2:
        raise ValueError(f"{path.name} holds {len(rows)} rows: give a header and data")
    header, *rows = rows
    twice = sorted(name for name in header if header.count(name) > 1 or not name)
    if twice:
        raise ValueError(
            f"{path.name}: the header {header} repeats {twice[0]!r} or has a column "
            "without name: name every column"
        )
    places = [f"{path.name}, row {number}" for number in range(1, len(rows) + 1)]
    for place, row in zip(places, rows, strict=True):
        if len(row) != len(header):
            raise ValueError(
                f"{place}: {len(row)} values for {len(header)} columns: quote texts "
                f"that hold the separator ({row[:3]} ...)"
            )
    return pd.DataFrame(rows, columns=header, index=places, dtype=str)


def read_columns(
    path: str | Path, kinds: Mapping[str | int, str], others: str = ""
) -> pd.DataFrame:
    """Columns of a csv or tsv file (`read_csv`), each cell of the kind asked for.

    Args:
        path: of the file, ``~`` allowed.
        kinds: column, by name or by place, to a kind of `CELLS`: "text" (not empty),
            "number" (finite), "positive", "time" (all numbers, or dates) or "later"
            (time above that of the row before); a "?" behind it where the column may
            be absent. Other columns are left out, or are of the kind ``others``.

    Raises:
        ValueError: a column that is absent, or a cell of another kind, by file, row,
            column and value.
    """
    path = Path(path).expanduser()
    cells = read_csv(path)
    has = list(cells.columns)
    asked = {has[k] if isinstance(k, int) else k: v for k, v in kinds.items()}
    asked |= {name: others for name in has if others and name not in asked}
    found = {}
    for name, kind in asked.items():
        if name in has:
            found[name] = _of_kind(cells[name], kind.rstrip("?"))
        elif not kind.endswith("?"):
            raise ValueError(f"{path.name} has no column {name!r}: rename one of {has}")
    return pd.DataFrame(found, index=cells.index)


def _of_kind(cells: pd.Series, kind: str) -> pd.Series:
    """The cells as numbers, times or texts; the first of another kind is named."""
    values, wrong = cells, cells == ""
    if kind != "text":
        values = pd.to_numeric(cells, errors="coerce")
        wrong = ~np.isfinite(values) | ((kind == "positive") & (values <= 0))
    if kind in ("time", "later"):
        if values.isna().all():
            values = pd.to_datetime(cells, errors="coerce", format="mixed")
        wrong = values.isna() | ((kind == "later") & (values <= values.shift()))
    _refuse(cells, wrong, f"{cells.iloc[int(wrong.argmax())]!r} is no {CELLS[kind]}")
    return values


def _parts_of(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of all files of a folder, and the part of the split of each."""
    files = {s: folder / f"{s}.csv" for s in SPLITS}
    frames = {s: read_csv(file) for s, file in files.items() if file.is_file()}
    if "test" not in frames:
        raise FileNotFoundError(f"{folder.name} holds no test.csv beside train.csv")
    header = list(frames["train"].columns)
    for name, frame in frames.items():
        if (found := list(frame.columns)) != header:
            raise ValueError(f"{name}.csv has the columns {found}: give {header}")
    sizes = [len(frame) for frame in frames.values()]
    return pd.concat(frames.values()), np.repeat(list(frames), sizes)


def _column(frame: pd.DataFrame, *names: str) -> str | None:
    """The first column with one of the names, capitals ignored, or None."""
    known = {c.lower(): c for c in frame.columns}
    return next((known[name] for name in names if name in known), None)


def _refuse(cells: pd.Series, gaps: pd.Series, what: str) -> None:
    if gaps.any():
        rest = f", and {gaps.sum() - 1} more" if gaps.sum() > 1 else ""
        where = f"{cells.index[gaps][0]}, column {cells.name!r}"
        raise ValueError(f"{where}: {what}{rest}: correct, fill or drop the rows")


def _labels(cells: pd.Series) -> list[str]:
    """The labels as strings; numbers, few as classes are, lose a trailing ".0"."""
    _refuse(cells, cells.str.lower().isin(GAPS), "no label")
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().any():
        return cells.tolist()
    if numbers.nunique() > MOST_VALUES:
        raise ValueError(
            f"column {cells.name!r} holds {numbers.nunique()} different numbers: "
            "labels are classes; cut them into classes, or name another column"
        )
    return [f"{value:g}" for value in numbers]


def _texts(frame: pd.DataFrame) -> list[str]:
    """The column text, or the only one."""
    source = frame.columns[0] if len(frame.columns) == 1 else _column(frame, "text")
    if source is None:
        file, columns = frame.index[0].split(",")[0], list(frame.columns)
        raise ValueError(f"{file}: no column text beside the labels, but {columns}")
    _refuse(frame[source], frame[source] == "", "the text is empty")
    return frame[source].tolist()


def _numbers(frame: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """All columns as finite numbers, and their names.

    A column of at most 20 words becomes one column of 0 and 1 per word, named
    "column=word"; of two words the second is enough.
    """
    found = []
    for name, cells in frame.items():
        _refuse(cells, cells.str.lower().isin(GAPS), "the value is missing")
        numbers = pd.to_numeric(cells, errors="coerce").astype(float)
        wrong, n = ~np.isfinite(numbers), cells.nunique()
        if numbers.notna().any():
            what = f"{cells[wrong.idxmax()]!r} is no finite number, others are"
            _refuse(cells, wrong, what)
            found.append(numbers)
            continue
        if n > MOST_VALUES:
            raise ValueError(
                f"column {name!r} holds {n} different words: leave it out, or read "
                'it as text with kind="text"'
            )
        found.append(pd.get_dummies(cells, name, "=", drop_first=n == 2))
    table = pd.concat(found, axis=1)
    return np.ascontiguousarray(table, dtype=float), tuple(table.columns)


def class_folder(folder: Path, seed: int) -> Examples:
    """A folder with one sub-folder of .txt, .png or .wav per class, see `load`.

    Sounds may lie in the folder itself, or in a folder `recordings`. Where three
    speakers or more are known, one is for test, one for dev.
    """
    place = folder / "recordings" if (folder / "recordings").is_dir() else folder
    flat = sorted(place.glob("*.wav"))
    files = flat or [f for f in sorted(folder.glob("*/[!.]*")) if f.suffix in KIND_OF]
    suffixes = sorted({f.suffix for f in files})
    if not files:
        raise FileNotFoundError(
            f"{folder.name} holds no data that is known here: expected train.csv and "
            "test.csv, CoNLL files train, dev and test, one sub-folder of .txt, .png "
            "or .wav files per class, or files like 7_jackson_3.wav"
        )
    if len(suffixes) > 1:
        raise ValueError(f"{folder.name} holds {', '.join(suffixes)}: keep one kind")
    kind, groups = KIND_OF[suffixes[0]], None
    labels = [f.stem.split("_")[0] if flat else f.parent.name for f in files]
    inputs: Any = [_content(f) for f in files]
    if kind == "image":
        for file, image in zip(files, inputs, strict=True):
            if (own := image.shape) != (one := inputs[0].shape):
                odd = f"{file.parent.name}, {file.name} has {own} pixels"
                raise ValueError(f"{odd}, {files[0].name} {one}: resize to one size")
        inputs = np.array(inputs)
    elif kind == "sound":
        names = [f.stem.split("_") for f in files]
        groups = [name[1] if len(name) == 3 else "" for name in names]
        every = zip(inputs, labels, groups, strict=True)
        inputs = [replace(x, label=label, speaker=who) for x, label, who in every]
        groups = None if "" in groups else groups
    who = sorted(set(groups or ()))
    if len(who) < 3:
        return Examples(inputs, labels, divided(labels, seed), kind, groups)
    test, dev = np.random.default_rng(seed).permutation(who)[:2]
    split = [{test: "test", dev: "dev"}.get(speaker, "train") for speaker in groups or ()]
    return Examples(inputs, labels, np.array(split), kind, groups)


def _content(path: Path) -> Any:
    """The text, grey image (colours are averaged) or sound that a file holds."""
    from matplotlib.image import imread

    file = f"{path.parent.name}, {path.name}"
    try:
        if path.suffix == ".wav":
            return read_wav(path)
        if path.suffix == ".png":
            image = np.asarray(imread(path), dtype=float)
            return image if image.ndim == 2 else image[..., :3].mean(axis=2)
        text = path.read_text(encoding="utf-8").strip()
    except (UnicodeDecodeError, OSError, SyntaxError) as error:
        wanted = f"no readable {path.suffix[1:]} ({error})"
        raise ValueError(f"{file} is {wanted}: save it, texts as UTF-8") from error
    if not text:
        raise ValueError(f"{file} is empty: remove it")
    return text
