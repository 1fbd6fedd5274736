"""What the cells of 05 and the applications read, refuse and compute."""

from __future__ import annotations

import ast
import re
from io import StringIO
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from scipy import sparse
from scipy.stats import kendalltau

from qglib import data
from qglib.causal import Cusum, change_point, cusum
from qglib.causal.tables import read_table
from qglib.data import load, read_columns
from qglib.data.files import read_csv

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PRICES = "date,A,B\n2020-01-01,1,2\n2020-01-02,3,4\n"


def reader(stem: str, name: str, **known):
    """A function as the cell of a notebook defines it."""
    cells = nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4).cells
    (source,) = (
        c.source for c in cells if c.cell_type == "code" and f"def {name}(" in c.source
    )
    space = {"np": np, "pd": pd, "re": re, "Path": Path, "load": load, "Chem": Chem}
    space |= {"read_csv": read_csv, "StringIO": StringIO, "Cusum": Cusum}
    space |= {"data": data, "read_columns": read_columns, "cusum": cusum}
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


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2020-01-02", "2020-01-01", "row 2, column 'date': '2020-01-01' is no later"),
        ("3,4", "3,-4", "row 2, column 'B': '-4' is no number above 0: correct"),
        ("3,4", "3,2", "column 'B' holds one price: drop it"),
    ],
)
@pytest.mark.parametrize("stem", ["55_finance", "65_investment"])
def test_broken_prices(written, stem, old, new, message) -> None:
    read = reader(stem, "read_prices")
    with pytest.raises(ValueError, match=f"mine.csv[:,] {message}"):
        read(written(PRICES.replace(old, new)))


@pytest.mark.parametrize(
    ("stem", "name"),
    [("55_finance", "read_prices"), ("57_sentiment", "read_messages")],
)
def test_another_encoding_is_named(tmp_path, stem, name) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("text,label\ncaf\xe9,good\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine.csv: line 2 is not in UTF-8: save"):
        reader(stem, name)(path)


def test_the_order_of_53_is_kendalls() -> None:
    trend = reader("53_manufacturing", "trend")
    some = np.random.default_rng(0).normal(size=(60, 2))  # no ties
    for rows in (20, 40):
        taus = [kendalltau(np.arange(rows), c).statistic for c in some[-rows:].T]
        assert np.isclose(trend(some, rows).iloc[-1], np.abs(taus).max())
        assert not trend(some, rows)[: rows - 1].any()


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


def test_one_pass_finds_the_alarm_and_change_of_the_whole_path() -> None:
    first = reader("57_sentiment", "first_alarm")
    z = np.r_[-np.ones(5), 1, -2, np.ones(6)]
    path = cusum(z)
    alarm = int((path > 2.5).argmax())
    assert first(z, 2.5) == (alarm, change_point(path, alarm)) == (9, 7)
    assert first(z, 99.0) is None


def test_the_cone_counts_each_history_apart() -> None:
    places = reader("66_recommendation", "places", sparse=sparse, n_items=3)
    cone = reader("66_recommendation", "cone", places=places)
    two = pd.DataFrame({"user": [0, 0, 0, 1, 1], "item": [0, 1, 2, 2, 0]})
    truth = [[0, 1, np.exp(-1)], [0, 0, 1], [1, 0, 0]]
    assert np.allclose(cone(two, 1, 0), truth)


ETHANOL = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")) + "$$$$\n"


def test_a_broken_file_of_molecules(tmp_path) -> None:
    path, read = tmp_path / "mine.sdf", reader("54_medicine", "read_sdf")
    broken = ETHANOL.replace("  3  2", "  9  2", 1)
    for text, record in ((broken, 1), (ETHANOL + broken, 2)):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=f"mine.sdf, record {record}: no molecul"):
            read(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(OSError, match=r"mine.sdf"):
        read(path)


def test_molecules_are_read(tmp_path) -> None:
    path, read = tmp_path / "mine.sdf", reader("54_medicine", "read_sdf")
    path.write_text(ETHANOL, encoding="utf-8")
    assert [one.GetNumAtoms() for one in read(path)] == [3]


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


def kinds_of(stem: str) -> dict[str, str]:
    """The columns that a notebook asks of the reader's own csv file."""
    cells = nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "code")
    assert "data.read_columns(" in text
    return ast.literal_eval(re.search(r"\bkinds\b.*?(\{\".*?\})\n", text)[1])


@pytest.mark.parametrize(
    ("stem", "one", "other"),
    [("51_language", "source", "target"), ("61_answers", "question", "answer")],
)
def test_pairs_of_texts_name_what_is_missing(written, stem, one, other) -> None:
    kinds, good = kinds_of(stem), f"{one},{other},note\nOpen,Ouvrir,x\n"
    found = data.read_columns(written(good), kinds)
    assert found.to_numpy().tolist() == [["Open", "Ouvrir"]]
    with pytest.raises(ValueError, match=f"mine.csv has no column '{other}': rename"):
        data.read_columns(written(f"{one},note\nOpen,x\n"), kinds)
    empty = f"mine.csv, row 2, column '{other}': '' is no text: correct"
    with pytest.raises(ValueError, match=empty):
        data.read_columns(written(good + "Close,,y\n"), kinds)


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
