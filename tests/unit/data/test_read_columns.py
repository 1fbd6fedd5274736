"""Columns of a csv file by kind: what is read, and how another kind is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from qglib.data import read_columns

PRICES = "day,A,B\n2020-01-01,1,2\n2020-01-02,3,4\n"
MARKET = ({0: "later"}, "positive")
EVENTS = "time,user,note\n2,x,a\n1,y,b\n"
ASKED = {"user": "text", "time": "time", "place": "text?"}


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str, name: str = "mine.csv") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_all_other_columns_are_of_one_kind(written) -> None:
    found = read_columns(written(PRICES), *MARKET)
    assert list(found) == ["day", "A", "B"]
    assert found[["A", "B"]].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert found.day.tolist() == [datetime(2020, 1, 1), datetime(2020, 1, 2)]
    assert list(found.index) == ["mine.csv, row 1", "mine.csv, row 2"]


def test_named_columns_in_the_order_asked_for(written) -> None:
    found = read_columns(str(written(EVENTS)), ASKED)
    assert found.to_dict("list") == {"user": ["x", "y"], "time": [2, 1]}


def test_numbers_and_dates_are_times_and_words_that_mean_nothing_are_texts(
    written,
) -> None:
    dated = EVENTS.replace("2,", "2024-01-02,").replace("1,y", "2024-01-01,null")
    found = read_columns(written(dated), ASKED)
    assert found.time.is_monotonic_decreasing
    assert found.user.tolist() == ["x", "null"]
    tabs = written(EVENTS.replace(",", "\t"), "mine.tsv")
    assert read_columns(tabs, ASKED).time.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2020-01-02", "2019-01-02", "row 2, column 'day': '2019-01-02' is no later time"),
        ("2020-01-02", "2020-01-01", "row 2, column 'day': '2020-01-01' is no later time"),
        ("2020-01-01", "soon", "row 1, column 'day': 'soon' is no later time"),
        ("3,4", "3,-4", "row 2, column 'B': '-4' is no number above 0: correct, fill or"),
        ("3,4", "0,4", "row 2, column 'A': '0' is no number above 0"),
        ("3,4", ",4", "row 2, column 'A': '' is no number above 0"),
        ("3,4", "three,4", "row 2, column 'A': 'three' is no number above 0"),
        ("1,2", "nan,2", "row 1, column 'A': 'nan' is no number above 0"),
        ("3,4", "inf,4", "row 2, column 'A': 'inf' is no number above 0"),
        ("1,2\n2020-01-02,3", "x,2\n2020-01-02,y", "row 1, column 'A': .*, and 1 more"),
        ("3,4", "3", "row 2: 2 values for 3 columns: quote"),
        ("A,B", "A,A", "the header .* repeats 'A'"),
    ],
)
def test_a_cell_of_another_kind_is_named(written, old, new, message) -> None:
    with pytest.raises(ValueError, match=rf"mine.csv[:,] {message}"):
        read_columns(written(PRICES.replace(old, new)), *MARKET)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("time", "when", r" has no column 'time': rename one of \['when', 'user', 'note"),
        ("1,y", "1,", ", row 2, column 'user': '' is no text"),
        ("1,y", "soon,y", ", row 2, column 'time': 'soon' is no time"),
        ("2,x,a\n1,y,b\n", "", " holds 1 rows: give a header and data"),
    ],
)
def test_a_column_that_is_absent_is_named(written, old, new, message) -> None:
    path = written(EVENTS.replace(old, new))
    with pytest.raises(ValueError, match=f"mine.csv{message}"):
        read_columns(path, ASKED)


def test_a_column_that_may_be_absent_is_read_where_it_is_there(written) -> None:
    found = read_columns(written(EVENTS.replace("note", "place")), ASKED)
    assert found.place.tolist() == ["a", "b"]


PLANT = "time,a,b\n2020-01-01 00:00,-1,2\n2020-01-01 00:03,3,4.5\n"


def test_numbers_may_be_below_0_and_columns_left_out(written) -> None:
    found = read_columns(written(PLANT), {0: "later"}, "number")
    assert found[["a", "b"]].to_numpy().tolist() == [[-1, 2], [3, 4.5]]
    part = read_columns(written(PLANT), {0: "later", "b": "number"})
    assert list(part) == ["time", "b"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("00:03", "00:00", "column 'time': '2020-01-01 00:00' is no later time"),
        ("4.5", "off", "column 'b': 'off' is no finite number: correct, fill"),
        ("4.5", "", "column 'b': '' is no finite number"),
        ("4.5", "inf", "column 'b': 'inf' is no finite number"),
    ],
)
def test_a_broken_row_of_numbers(written, old, new, message) -> None:
    with pytest.raises(ValueError, match=f"mine.csv, row 2, {message}"):
        read_columns(written(PLANT.replace(old, new)), {0: "later"}, "number")


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("text,label\ncaf\xe9,good\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"mine.csv: line 2 is not in UTF-8: save"):
        read_columns(path, {"text": "text"})
