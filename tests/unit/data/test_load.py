"""Examples by name, and from files as readers have them, broken ones included."""

from __future__ import annotations

import wave
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from qglib.data import load
from qglib.data.loading import NAMED, OTHER_NAMES

KIND = {  # and number of examples
    "language": ("text", 1086),
    "topic": ("text", 1086),
    "sentiment": ("text", 72),
    "customer_service": ("text", 84),
    "vision": ("image", 1797),
    "audio": ("sound", 400),
    "manufacturing": ("series", 400),
    "product_origin": ("table", 178),
    "medicine": ("table", 569),
}


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table(path: Path, header: str = "a,b,label", rows: int = 10, **cells: str) -> Path:
    """A csv file of two classes; ``cells`` overwrites lines by number, r3="…"."""
    lines = [f"{k},{k % 3}.5,{'yes' if k % 2 else 'no'}" for k in range(rows)]
    for name, line in cells.items():
        lines[int(name[1:]) - 1] = line
    return write(path, header, *lines)


def tone(path: Path, frequency: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.sin(2 * np.pi * frequency * np.arange(800) / 8000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((samples * 30000).astype("<i2").tobytes())


@pytest.mark.parametrize("name", KIND)
def test_every_name_loads_and_a_seed_repeats(name: str) -> None:
    assert set(KIND) == set(NAMED)
    first, again = load(name, 3), load(name, 3)
    assert (first.kind, len(first)) == KIND[name]
    assert np.array_equal(first.split, again.split)
    assert list(first.labels) == list(again.labels)
    if first.kind == "table":
        assert len(first.columns) == first.inputs.shape[1]
    if first.groups is not None:  # documents never stand in two parts
        parts = {(g, p) for g, p in zip(first.groups, first.split, strict=True)}
        assert len(parts) == len(set(first.groups))


def test_names_of_sets_are_understood_and_misspellings_answered() -> None:
    assert set(OTHER_NAMES.values()) <= set(NAMED)
    assert load("wine").columns == load("product_origin").columns
    with pytest.raises(ValueError, match="did you mean 'medicine'"):
        load("medecine")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load("nowhere/table.csv")
    with pytest.raises(ValueError, match="kind is 'graph'"):
        load("wine", kind="graph")


def test_a_table_of_numbers_and_words(tmp_path: Path) -> None:
    shops = ("none", "town", "web")  # "none" is a word here, not a gap
    lines = [f"{k};{'ab'[k % 2]};{shops[k % 3]};{k % 2}.0" for k in range(12)]
    found = load(write(tmp_path / "t.csv", "size;side;shop;label", *lines))
    assert found.columns == ("size", "side=b", "shop=none", "shop=town", "shop=web")
    assert found.inputs[4].tolist() == [4, 0, 0, 1, 0]
    assert set(found.labels) == {"0", "1"}  # 1.0 is the class 1
    assert found.kind == "table"


def test_the_label_column_is_named_or_the_last(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "a,b,answer", rows=18)
    assert load(path).columns == ("a", "b")
    by_b = load(path, label="b")
    assert by_b.columns == ("a", "answer=yes")
    with pytest.raises(ValueError, match=r"label is 'c': the header has .*'answer'"):
        load(path, label="c")


def test_groups_and_splits_of_the_file_are_kept(tmp_path: Path) -> None:
    rows = [f"{k},p{k // 2},{'no' if k // 2 % 2 else 'yes'}" for k in range(24)]
    found = load(write(tmp_path / "g.csv", "a,patient,label", *rows))
    assert found.columns == ("a",)
    parts = dict(zip(found.groups, found.split, strict=True))
    assert all(parts[g] == p for g, p in zip(found.groups, found.split, strict=True))
    own = ["train", "train", "dev", "dev", "test", "test"]
    rows = [f"{k},{k % 2},{own[k]}" for k in range(6)]
    found = load(write(tmp_path / "s.csv", "a,label,split", *rows))
    assert found.split.tolist() == own
    few = [f"{k},{k % 3},{k % 2}" for k in range(12)]
    with pytest.raises(ValueError, match="3 groups cannot be divided"):
        load(write(tmp_path / "few.csv", "a,group,label", *few))


def test_texts_from_two_columns(tmp_path: Path) -> None:
    rows = [f"{'good' if k % 2 else 'bad'}\ttext, number {k}" for k in range(10)]
    found = load(write(tmp_path / "t.tsv", "label\ttext", *rows))
    assert found.kind == "text"
    assert found.inputs[1] == "text, number 1"
    rows = [f'"said ""no"" {k}",{k % 2}' for k in range(10)]
    found = load(write(tmp_path / "t.csv", "remark,label", *rows), kind="text")
    assert found.inputs[0] == 'said "no" 0'


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"r3": "1,,no"}, r"t.csv, row 3, column 'b': the value is missing"),
        ({"r3": "1,2,"}, r"t.csv, row 3, column 'label': no label"),
        ({"r4": "1,high,no"}, r"row 4, column 'b': 'high' is no finite number"),
        ({"r4": "1,inf,no"}, r"row 4, column 'b': 'inf' is no finite number"),
        ({"r5": "1,2"}, r"row 5: 2 values for 3 columns"),
        ({"header": "a,a,label"}, r"repeats 'a'"),
        ({"header": "a,,label"}, r"without name"),
        ({"rows": 0}, r"holds 1 rows"),
        ({"rows": 1}, r"5 examples of every class"),
    ],
)
def test_a_broken_table_is_answered(tmp_path: Path, cells: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(table(tmp_path / "t.csv", **cells))


def test_labels_that_are_no_classes(tmp_path: Path) -> None:
    rows = [f"{k},{k * 1.5}" for k in range(30)]
    with pytest.raises(ValueError, match=r"30 different numbers: labels are classes"):
        load(write(tmp_path / "t.csv", "a,label", *rows))
    rows = [f"{k},same" for k in range(30)]
    with pytest.raises(ValueError, match="one class"):
        load(write(tmp_path / "t.csv", "a,label", *rows))
    rows = [f"word{k},{k % 2}" for k in range(30)]
    with pytest.raises(ValueError, match=r"30 different words.*kind=.text"):
        load(write(tmp_path / "t.csv", "a,label", *rows))
    with pytest.raises(ValueError, match="holds 'label' alone: add a column"):
        load(write(tmp_path / "t.csv", "label", "1", "2"))


def test_files_that_are_no_csv(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,label\n\xff\xfe,1\n")
    with pytest.raises(ValueError, match="line 2 is not in UTF-8"):
        load(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="convert it first"):
        load(write(tmp_path / "t.xlsx", "a,label"))


def test_ties_and_copies_are_no_trouble(tmp_path: Path) -> None:
    rows = [f"1,{k % 2}" for k in range(20)]
    found = load(write(tmp_path / "t.csv", "a,label", *rows))
    assert (found.inputs == 1).all()


def test_a_folder_of_csv_files_keeps_its_test_part(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", rows=20)
    table(tmp_path / "test.csv", rows=6)
    found = load(tmp_path)
    assert [(found.split == p).sum() for p in ("train", "dev", "test")] == [16, 4, 6]
    assert (found.split[-6:] == "test").all()
    table(tmp_path / "test.csv", "a,c,label")
    with pytest.raises(ValueError, match=r"test\.csv has the columns"):
        load(tmp_path)
    (tmp_path / "test.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no test\.csv"):
        load(tmp_path)


def test_a_row_of_a_table_may_be_a_series(tmp_path: Path) -> None:
    found = load(table(tmp_path / "t.csv"), kind="series")
    assert found.kind == "series" and found.inputs.shape == (10, 2)


def test_folders_of_classes(tmp_path: Path) -> None:
    for label, grey in (("dark", 0.2), ("light", 0.8)):
        for k in range(5):
            write(tmp_path / "texts" / label / f"{k}.txt", f"a {label} day")
            tone(tmp_path / "sounds" / label / f"{k}.wav", 200 + 1000 * grey)
            image = np.full((6, 4), grey)
            (tmp_path / "images" / label).mkdir(parents=True, exist_ok=True)
            path = tmp_path / "images" / label / f"{k}.png"
            matplotlib.image.imsave(path, image, cmap="gray", vmin=0, vmax=1)
    for name, kind in (("texts", "text"), ("sounds", "sound"), ("images", "image")):
        found = load(tmp_path / name)
        assert (found.kind, len(found)) == (kind, 10)
        assert found.labels == ["dark"] * 5 + ["light"] * 5
    assert load(tmp_path / "texts").inputs[0] == "a dark day"
    assert load(tmp_path / "images").inputs[-1] == pytest.approx(0.8, abs=0.01)
    write(tmp_path / "texts" / "dark" / "9.txt", "")
    with pytest.raises(ValueError, match=r"dark, 9\.txt is empty"):
        load(tmp_path / "texts")
    tone(tmp_path / "texts" / "dark" / "9.wav", 100)
    with pytest.raises(ValueError, match=r"holds \.txt, \.wav: keep one kind"):
        load(tmp_path / "texts")
    matplotlib.image.imsave(tmp_path / "images" / "light" / "7.png", np.eye(5))
    with pytest.raises(ValueError, match=r"7\.png has \(5, 5\) pixels, 0\.png \(6, 4\)"):
        load(tmp_path / "images")
    write(tmp_path / "images" / "dark" / "9.png", "no image")
    with pytest.raises(ValueError, match=r"9\.png is no readable png"):
        load(tmp_path / "images")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no data that is known here"):
        load(tmp_path / "empty")


def test_speakers_of_named_recordings_stay_apart(tmp_path: Path) -> None:
    for speaker in ("ann", "ben", "cy", "dee"):
        for digit in "01":
            tone(tmp_path / f"{digit}_{speaker}_0.wav", 300 + 300 * int(digit))
    found = load(tmp_path)
    assert set(found.labels) == {"0", "1"}
    assert {p: (found.split == p).sum() for p in ("dev", "test")} == {
        "dev": 2,
        "test": 2,
    }
    parts = dict(zip(found.groups, found.split, strict=True))
    assert sorted(parts.values()) == ["dev", "test", "train", "train"]
    assert found.inputs[0].speaker == found.groups[0]


def test_a_tagged_corpus_from_a_folder(tmp_path: Path) -> None:
    for part in ("train", "dev", "test"):
        write(tmp_path / f"{part}.conll", "Paris\tB-LOC", "sleeps\tO", f"{part}\tO")
    found = load(tmp_path)
    assert found.tagged
    assert found.inputs[0] == ("Paris", "sleeps", "train")
    assert found.groups is None
