"""What the readers of 53 and 55 say about broken files; their cells are executed."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from qglib.data import load

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PRICES = "date,A,B\n2020-01-01,1,2\n2020-01-02,3,4\n"
PLANT = "time,a,b\n2020-01-01 00:00,1,2\n2020-01-01 00:03,3,4\n"


def reader(stem: str, name: str, **known):
    """A function as the cell of a notebook defines it."""
    cells = nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4).cells
    (source,) = (
        c.source for c in cells if c.cell_type == "code" and f"def {name}(" in c.source
    )
    space = {"np": np, "pd": pd, "Path": Path, "load": load} | known
    exec(source, space)  # the project's own cell
    return space[name]


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_good_files_are_read(written) -> None:
    prices = reader("55_finance", "read_prices")(written(PRICES))
    assert prices.to_numpy().tolist() == [[1, 2], [3, 4]]
    plant = reader("53_manufacturing", "plant")
    assert plant(written(PLANT)).to_numpy().tolist() == [[1, 2], [3, 4]]
    assert list(plant(written(PLANT), ["a"])) == ["b"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2020-01-02", "2019-01-02", "line 3, column 'date': '2019-01-02' is no later"),
        ("2020-01-02", "2020-01-01", "line 3, column 'date'"),
        ("2020-01-01", "soon", "line 2, column 'date': 'soon' is no later date"),
        ("3,4", "3,-4", "line 3, column 'B': '-4' is no price above 0: correct"),
        ("3,4", ",4", "line 3, column 'A': 'nan' is no price above 0"),
        ("3,4", "three,4", "line 3, column 'A': 'three' is no price above 0"),
    ],
)
def test_broken_prices(written, old, new, message) -> None:
    read = reader("55_finance", "read_prices")
    with pytest.raises(ValueError, match=f"mine.csv, {message}"):
        read(written(PRICES.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("00:03", "00:00", "line 3, column 'time': .* is no later time: sort"),
        ("3,4", "3,off", "line 3, column 'b': 'off' is no number: fill it"),
        ("3,4", "3,", "line 3, column 'b': 'nan' is no number"),
    ],
)
def test_a_broken_record_of_a_plant(written, old, new, message) -> None:
    read = reader("53_manufacturing", "plant")
    with pytest.raises(ValueError, match=f"mine.csv, {message}"):
        read(written(PLANT.replace(old, new)))


def test_messages(written, tmp_path) -> None:
    labelled = reader("55_finance", "labelled")
    read = reader("55_finance", "read_messages", labelled=labelled)
    assert len(read("")) == 72
    assert list(read(written("text,category\nhello,good\n")).label) == ["good"]
    with pytest.raises(ValueError, match="lacks column 'label'; it has text, mood"):
        read(written("text,mood\nhello,good\n"))
    with pytest.raises(ValueError, match=r"mine.csv, line 3: fill or drop the gap"):
        read(written("text,label\nhello,good\n,bad\n"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no csv file"):
        read(str(tmp_path / "empty"))
