"""Labelled examples from the reader's own csv files, every cell checked."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qglib.data.examples import SPLITS, Examples, divided

GAPS = ("", "na", "nan", "n/a", "null", "?")
GROUPS = ("group", "document", "speaker", "patient", "subject")
MOST_VALUES = 20  # different words of a column that becomes columns of 0 and 1


def read_csv(path: Path) -> pd.DataFrame:
    """The cells of a file as strings; the index tells file and row, from 1.

    Tabs divide the columns of a .tsv file, semicolons those of a file whose header
    has more of them than commas.

    Raises:
        ValueError: no rows, no UTF-8, an empty or repeated name in the header, or a
            row of another length.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        comma = ";" if first.count(";") > first.count(",") else ","
        comma = "\t" if path.suffix == ".tsv" else comma
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=comma)
        rows = [[cell.strip() for cell in line] for line in lines if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path.name} is no csv file in UTF-8 ({error}): save it as one"
        ) from error
    if len(rows) < 2:
        raise ValueError(
            f"{path.name} holds {len(rows)} rows: a header and labelled rows are needed"
        )
    header, *rows = rows
    twice = sorted(name for name in header if header.count(name) > 1 or not name)
    if twice:
        raise ValueError(
            f"{path.name}: the header {header} repeats {twice[0]!r} or leaves a column "
            "without name: give every column a name of its own"
        )
    places = [f"{path.name}, row {number}" for number in range(1, len(rows) + 1)]
    for place, row in zip(places, rows, strict=True):
        if len(row) != len(header):
            raise ValueError(
                f"{place}: {len(row)} values for {len(header)} columns ({row[:3]} "
                "...): quote texts that hold the separator"
            )
    return pd.DataFrame(rows, columns=header, index=places, dtype=str)


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
    if path.is_file() and path.suffix not in (".csv", ".tsv", ".txt"):
        raise ValueError(f"{path.name}: .csv and .tsv files are read; convert it first")
    frame, parts = (read_csv(path), None) if path.is_file() else _parts_of(path)
    target = _label_column(frame, label)
    group, own = (_column(frame, names, target) for names in (GROUPS, ("split",)))
    rest = [c for c in frame.columns if c not in (target, group, own)]
    labels = _labels(frame[target])
    groups = None if group is None else frame[group].tolist()
    if parts is None and own is not None:
        parts = frame[own].to_numpy(dtype=str)
    if kind == "text" or (not kind and [c.lower() for c in rest] == ["text"]):
        inputs, kind, columns = _texts(frame[rest]), "text", ()
    else:
        inputs, columns = _numbers(frame[rest])
    split = _split(labels, seed, groups, parts)
    return Examples(inputs, labels, split, kind or "table", groups, columns)


def _parts_of(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of all files of a folder, and the part of the split of each."""
    files = {s: folder / f"{s}.csv" for s in SPLITS}
    frames = {s: read_csv(file) for s, file in files.items() if file.is_file()}
    if "test" not in frames:
        raise FileNotFoundError(
            f"{folder.name} holds train.csv and no test.csv: give both, or name "
            "the one file to have it split"
        )
    header = list(frames["train"].columns)
    for name, frame in frames.items():
        if list(frame.columns) != header:
            raise ValueError(
                f"{name}.csv has the columns {list(frame.columns)}, train.csv "
                f"{header}: make them equal"
            )
    sizes = [len(frame) for frame in frames.values()]
    return pd.concat(frames.values()), np.repeat(list(frames), sizes)


def _column(frame: pd.DataFrame, names: Sequence[str], but: str = "") -> str | None:
    """The first column with one of the names, capitals ignored, or None."""
    known = {c.lower(): c for c in frame.columns if c != but}
    return next((known[name] for name in names if name in known), None)


def _file(frame: pd.DataFrame) -> str:
    return frame.index[0].split(",")[0]


def _label_column(frame: pd.DataFrame, label: str) -> str:
    """The column of labels: the one named, else label or category, else the last."""
    if label and label not in frame.columns:
        raise ValueError(
            f"label is {label!r}: the header has the columns {list(frame.columns)}"
        )
    if len(frame.columns) < 2:
        raise ValueError(
            f"{_file(frame)} has one column, {frame.columns[0]!r}: "
            "labels and at least one column to learn from are needed"
        )
    return label or _column(frame, ("label", "category")) or frame.columns[-1]


def _refuse(cells: pd.Series, gaps: pd.Series, what: str) -> None:
    if gaps.any():
        raise ValueError(
            f"{cells.index[gaps][0]}, column {cells.name!r}: {what}, and "
            f"{gaps.sum() - 1} more: fill the gaps or drop the rows"
        )


def _labels(cells: pd.Series) -> list[str]:
    """The labels as strings; numbers, few as classes are, lose a trailing ".0"."""
    _refuse(cells, cells.str.lower().isin(GAPS), "no label")
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().any():
        return cells.tolist()
    if numbers.nunique() > MOST_VALUES:
        raise ValueError(
            f"column {cells.name!r} holds {numbers.nunique()} different numbers: "
            "labels are classes; cut the numbers into classes, or name another column"
        )
    return [f"{value:g}" for value in numbers]


def _texts(frame: pd.DataFrame) -> list[str]:
    """The column text, or the only one."""
    source = frame.columns[0] if len(frame.columns) == 1 else _column(frame, ("text",))
    if source is None:
        raise ValueError(
            f"{_file(frame)}: the header beside the labels is {list(frame.columns)}; "
            "expected the columns text and label (or category)"
        )
    _refuse(frame[source], frame[source] == "", "the text is empty")
    return frame[source].tolist()


def _numbers(frame: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """All columns as finite numbers, and their names.

    A column of at most 20 words becomes one column of 0 and 1 per word, named
    "column=word"; of two words the second is enough.
    """
    if frame.columns.empty:
        raise ValueError("the file has no column beside the labels: add some")
    found = []
    for name, cells in frame.items():
        _refuse(cells, cells.str.lower().isin(GAPS), "the value is missing")
        numbers = pd.to_numeric(cells, errors="coerce").astype(float)
        if numbers.isna().all():
            n = cells.nunique()
            if n > MOST_VALUES:
                raise ValueError(
                    f"column {name!r} holds {n} different words: leave it out, or read "
                    'it as text with kind="text"'
                )
            found.append(pd.get_dummies(cells, name, "=", drop_first=n == 2))
            continue
        wrong = ~np.isfinite(numbers)
        if wrong.any():
            place = wrong.idxmax()
            raise ValueError(
                f"{place}, column {name!r}: {cells[place]!r} is no finite number, "
                "others are: correct it"
            )
        found.append(numbers)
    table = pd.concat(found, axis=1)
    return np.ascontiguousarray(table, dtype=float), tuple(table.columns)


def _split(
    labels: Sequence[str],
    seed: int,
    groups: Sequence[str] | None,
    parts: np.ndarray | None,
) -> np.ndarray:
    """The parts that the data brings along, or a random split of what has none."""
    if parts is None:
        return divided(labels, seed, groups)
    parts = parts.copy()
    rows = np.flatnonzero(parts == "train")
    if "dev" not in parts and len(rows):
        of = groups and [groups[k] for k in rows]
        found = divided([labels[k] for k in rows], seed, of)
        parts[rows[found == "dev"]] = "dev"
    return parts
