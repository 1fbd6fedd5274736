"""What the readers of 05, 53 and 55 say about broken files, by their own cells."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from qglib.causal.tables import read_table
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
    space = {"np": np, "pd": pd, "re": re, "Path": Path, "load": load} | known
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


def taken_for(cells: list, name: str = "dose") -> tuple[str, str]:
    """What 05 takes a column for, and its note."""
    stem = "05_your_own_data"
    parts = {"identifier": reader(stem, "identifier")}
    parts["oddity"] = reader(stem, "oddity", **parts)
    roles = dict.fromkeys(("target", "group", "time"), "")
    take = reader(stem, "taken_for", read_table=read_table, **parts, **roles)
    return take(pd.Series(cells, name=name))


@pytest.mark.parametrize(
    ("cells", "name", "note"),
    [
        ([*range(5, 65)], "nr", "a row number"),
        ([3, 1, 2, *range(9, 66)], "patient_id", "an identifier"),
        (
            [7, 1, 7, *range(9, 66)],
            "ID",
            "rows 1 and 3 share 7: drop one, or pass grou",
        ),
        (
            [0.5] * 9 + ["off"] + [*range(50)],
            "dose",
            "but for 'off' in row 10: correct",
        ),
        ([np.nan] * 25 + [*range(35)], "dose", "42% of its rows are missing"),
        ([4] * 60, "dose", "constant"),
        ([f"2024-01-{k % 28 + 1:02d}" for k in range(60)], "day", "dates: time=day"),
        ([f"name {k}" for k in range(60)], "who", "60 different texts"),
    ],
)
def test_a_column_that_is_left_out_says_why(cells, name, note) -> None:
    kind, said = taken_for(cells, name)
    assert kind == "left out"
    assert note in said


def test_a_column_that_is_kept(written) -> None:
    assert taken_for([*np.linspace(0, 1, 60)]) == ("number", "")
    assert taken_for(["a", "b"] * 30)[0] == "category"
    assert taken_for(["1", "2", "x", "y"] * 15)[0] == "category"
    assert taken_for([0.5, 0.25] * 30, "paid")[0] != "left out"


def test_a_broken_table_names_its_line(written, tmp_path) -> None:
    read = reader("05_your_own_data", "read_file")
    assert read(written("a;b\n1;2\n")).to_numpy().tolist() == [[1, 2]]
    with pytest.raises(ValueError, match=r"mine.csv .* in line 3, saw 3: correct"):
        read(written("a,b\n1,2\n1,2,3\n"))
    path = tmp_path / "old.csv"
    path.write_bytes("a,b\n1,x\n2,Köln\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"old.csv .* line 3 is not in UTF-8: save"):
        read(path)
