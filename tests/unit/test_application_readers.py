"""What the readers of 05 and 53 to 56 say about broken files, by their own cells."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from qglib import data
from qglib.causal import Cusum, change_point, cusum
from qglib.causal.tables import read_table
from qglib.data import load, read_columns
from qglib.data.files import read_csv

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PRICES = "date,A,B\n2020-01-01,1,2\n2020-01-02,3,4\n"
PLANT = "time,a,b\n2020-01-01 00:00,1,2\n2020-01-01 00:03,3,4\n"


def reader(stem: str, name: str, **known):
    """A function as the cell of a notebook defines it."""
    cells = nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4).cells
    (source,) = (
        c.source for c in cells if c.cell_type == "code" and f"def {name}(" in c.source
    )
    space = {"np": np, "pd": pd, "re": re, "Path": Path, "load": load, "Chem": Chem}
    space |= {"read_csv": read_csv, "StringIO": StringIO, "Cusum": Cusum}
    space |= {"read_columns": read_columns, "cusum": cusum}
    space |= {"change_point": change_point} | known
    exec(source, space)  # the project's own cell
    return space[name]


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("stem", ["55_finance", "65_investment"])
def test_good_prices_are_read(written, stem) -> None:
    prices = reader(stem, "read_prices")(written(PRICES))
    assert prices.to_numpy().tolist() == [[1, 2], [3, 4]]
    assert str(prices.index[1])[:10] == "2020-01-02"


def test_good_files_are_read(written) -> None:
    plant = reader("53_manufacturing", "plant")
    assert plant(written(PLANT)).to_numpy().tolist() == [[1, 2], [3, 4]]
    assert list(plant(written(PLANT), ["a"])) == ["b"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2020-01-02", "2019-01-02", "row 2, column 'date': '2019-01-02' is no later"),
        ("2020-01-02", "2020-01-01", "row 2, column 'date': '2020-01-01' is no later"),
        ("2020-01-01", "soon", "row 1, column 'date': 'soon' is no later time"),
        ("3,4", "3,-4", "row 2, column 'B': '-4' is no number above 0: correct"),
        ("3,4", ",4", "row 2, column 'A': '' is no number above 0"),
        ("3,4", "three,4", "row 2, column 'A': 'three' is no number above 0"),
        ("3,4", "inf,4", "row 2, column 'A': 'inf' is no number above 0"),
        ("3,4", "3,2", "column 'B' holds one price: drop it"),
        ("3,4", "3", "row 2: 2 values for 3 columns: quote"),
        ("A,B", "A,A", "the header .* repeats 'A'"),
    ],
)
@pytest.mark.parametrize("stem", ["55_finance", "65_investment"])
def test_broken_prices(written, stem, old, new, message) -> None:
    read = reader(stem, "read_prices")
    with pytest.raises(ValueError, match=f"mine.csv[:,] {message}"):
        read(written(PRICES.replace(old, new)))


@pytest.mark.parametrize(
    ("stem", "name"),
    [("55_finance", "read_prices"), ("57_sentiment", "read_messages"),
     ("56_services", "read_histories")],
)  # fmt: skip
def test_another_encoding_is_named(tmp_path, stem, name) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("text,label\ncaf\xe9,good\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine.csv: line 2 is not in UTF-8: save"):
        reader(stem, name)(path)


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
    read = reader("57_sentiment", "read_messages")
    assert len(read("")) == 72
    assert list(read(written("text,label\nhello,good\n")).label) == ["good"]
    with pytest.raises(ValueError, match="has no column 'label': rename one of"):
        read(written("text,mood\nhello,good\n"))
    with pytest.raises(ValueError, match=r"mine.csv, row 2, column 'text': '' is no t"):
        read(written("text,label\nhello,good\n,bad\n"))
    with pytest.raises(ValueError, match=r"mine.csv, row 1, column 'label': '' is no "):
        read(written("text,label\nhello,\n"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no csv file"):
        read(str(tmp_path / "empty"))


def test_dated_messages(written) -> None:
    read = reader("57_sentiment", "read_messages")
    found = read(written("date,text,label\n2024-02-01,a,good\n5 Jan 2024,b,bad\n"))
    assert found.date.dt.month.tolist() == [2, 1]
    with pytest.raises(ValueError, match="row 1, column 'date': 'soon' is no time"):
        read(written("date,text,label\nsoon,a,good\n"))


def test_the_first_alarm_and_its_change_are_those_of_one_pass() -> None:
    first = reader("57_sentiment", "first_alarm")
    z, watch = np.r_[-np.ones(5), 1, -2, np.ones(6)], Cusum(2.5)
    alarm = next(k for k, value in enumerate(z) if watch.update(value))
    assert first(z, 2.5) == (alarm, watch.since) == (9, 7)
    assert first(z, 99.0) is None


HISTORIES = "user,item,time\na,x,1\na,y,2\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("time", "when", "has no column 'time': rename one of .*'when'"),
        ("y,2", "y,soon", "row 2, column 'time': 'soon' is no time: correct it"),
        ("y,2", ",2", "row 2, column 'item': '' is no item"),
        ("y,2", "y", "row 2: 2 values for 3 columns"),
    ],
)
def test_broken_histories(written, old, new, message) -> None:
    read = reader("56_services", "read_histories")
    with pytest.raises(ValueError, match=f"mine.csv.*{message}"):
        read(written(HISTORIES.replace(old, new)))


def test_histories_by_number_and_by_date(written) -> None:
    read = reader("56_services", "read_histories")
    assert read(written(HISTORIES)).time.tolist() == [1, 2]
    dated = HISTORIES.replace(",1", ",2024-01-02").replace(",2\n", ",2024-01-01\n")
    assert read(written(dated)).time.is_monotonic_decreasing


ETHANOL = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
WITH_VALUE = ETHANOL + "> <SOL>\n{}\n\n$$$$\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ETHANOL.replace("  3  2", "  9  2", 1) + "$$$$\n", "record 1: no molecule"),
        (
            WITH_VALUE.format("1.5") + WITH_VALUE.format("high"),
            "record 2: SOL is 'high",
        ),
        (
            WITH_VALUE.format(1) + ETHANOL + "$$$$\n",
            "record 2: SOL is None, no number; corr",
        ),
    ],
)
def test_a_broken_file_of_molecules(tmp_path, text, message) -> None:
    path = tmp_path / "mine.sdf"
    path.write_text(text, encoding="utf-8")
    read = reader("54_medicine", "read_sdf")
    with pytest.raises(ValueError, match=f"mine.sdf, {message}"):
        read(path, "SOL")


def test_molecules_are_read(tmp_path) -> None:
    path, read = tmp_path / "mine.sdf", reader("54_medicine", "read_sdf")
    path.write_text(WITH_VALUE.format("-1.5"), encoding="utf-8")
    assert read(path, "SOL")[1].tolist() == [-1.5]
    assert read(path)[0][0].GetNumAtoms() == 3
    path.write_text("", encoding="utf-8")
    with pytest.raises((ValueError, OSError), match=r"mine.sdf"):
        read(path)


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


def test_pairs_of_texts_name_what_is_missing(written) -> None:
    read = reader("51_language", "from_file", data=data)
    good = "source,target,note\nOpen,Ouvrir,x\n"
    asked = "source", "target"
    assert read(written(good), *asked).tolist() == [["Open", "Ouvrir"]]
    with pytest.raises(ValueError, match=r"mine.csv has .*note: name one 'target'"):
        read(written("source,note\nOpen,x\n"), *asked)
    with pytest.raises(ValueError, match=r"mine.csv, row 2, column 'target' is empty"):
        read(written(good + "Close,,y\n"), *asked)


def test_a_broken_table_names_its_line(written, tmp_path) -> None:
    read = reader("05_your_own_data", "read_file")
    assert read(written("a;b\n1;2\n")).to_numpy().tolist() == [[1, 2]]
    for cells in ("1,2,3", "1"):
        wrong = rf"mine.csv, row 2: {cells.count(',') + 1} values for 2 columns"
        with pytest.raises(ValueError, match=wrong):
            read(written(f"a,b\n1,2\n{cells}\n"))
    with pytest.raises(ValueError, match=r"mine.csv: the header .* repeats 'a'"):
        read(written("a,b,a\n1,2,3\n"))
    path = tmp_path / "old.csv"
    path.write_bytes("a,b\n1,x\n2,Köln\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"old.csv: line 3 is not in UTF-8: save"):
        read(path)
