from __future__ import annotations

import builtins
import hashlib
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from qglib.data import Corpus, corpus, entities, illegal, load_corpus, read_conll

PART = "Ann\tB-PER\nleft\tO\nRome\tB-LOC\n"


def folder(tmp_path, names=("train.txt", "valid.txt", "test.txt")):
    for number, name in enumerate(names):
        (tmp_path / name).write_text(PART.replace("Ann", f"Ann{number}"))
    return tmp_path


@pytest.mark.parametrize(
    "names",
    [
        ("train.conll", "dev.conll", "test.conll"),
        ("train.txt", "valid.txt", "test.txt"),
        ("eng.train", "eng.testa", "eng.testb"),
        ("TRAIN.TXT", "val.txt", "test.txt"),
        ("a-ud-train.conllu", "a-ud-dev.conllu", "a-ud-test.conllu"),
        ("x17train.conll", "emerging.dev.conll", "emerging.test.annotated"),
    ],
)
def test_folder_names(tmp_path, names) -> None:
    (tmp_path / "README.md").write_text("about train, dev and test")
    (tmp_path / "dev.stats").write_text("{}")
    got = load_corpus(folder(tmp_path, names))
    assert isinstance(got, Corpus)
    assert got.types == ("LOC", "PER")
    assert got.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert len(got.train) == len(got.dev) == len(got.test) == 1


def test_folder_without_a_split(tmp_path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"no file for the dev split.*train\.txt"
    ):
        load_corpus(folder(tmp_path, ("train.txt", "test.txt")))


def test_two_files_for_one_split(tmp_path) -> None:
    names = ("a-train.txt", "b-train.txt", "dev.txt", "test.txt")
    with pytest.raises(ValueError, match="several files for the train split"):
        load_corpus(folder(tmp_path, names))


def test_equal_splits_are_refused(tmp_path) -> None:
    folder(tmp_path)
    (tmp_path / "test.txt").write_text((tmp_path / "train.txt").read_text())
    with pytest.raises(ValueError, match="two splits are equal, give each its own"):
        load_corpus(tmp_path)


def test_documents_of_columns_have_names_of_their_own(tmp_path) -> None:
    names = ("eng.train", "eng.testa", "eng.testb")
    for number, name in enumerate(names):
        text = PART.replace("Ann", f"Ann{number}").replace("\t", " - - ")
        (tmp_path / name).write_text("-DOCSTART- -X- O O\n\n" + text)
    got = load_corpus(tmp_path)
    found = [s.document for part in (got.train, got.dev, got.test) for s in part]
    assert found == [f"{name}-1" for name in names]


def test_a_document_in_two_splits_is_refused(tmp_path) -> None:
    folder(tmp_path)
    for name in ("train.txt", "test.txt"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text("# doc = one\n" + text)
    with pytest.raises(ValueError, match=r"document 'one' \(and 0 more\) is in two"):
        load_corpus(tmp_path)


def test_scheme_reaches_the_reader(tmp_path) -> None:
    folder(tmp_path)
    text = PART + "\nx\tO\ny\tI-LOC\n"
    (tmp_path / "train.txt").write_text(text)
    with pytest.raises(ValueError, match="line 6: expected B-LOC"):
        load_corpus(tmp_path)
    assert load_corpus(tmp_path, "iob1").train[1].tags == ("O", "B-LOC")


def test_no_entities(tmp_path) -> None:
    for name in ("train.txt", "dev.txt", "test.txt"):
        (tmp_path / name).write_text(f"{name}\tO\n")
    with pytest.raises(ValueError, match="every tag is O"):
        load_corpus(tmp_path)


def test_missing_folder() -> None:
    with pytest.raises(FileNotFoundError, match="is no folder"):
        load_corpus("./not-here")


def embed(tmp_path, monkeypatch):
    home = tmp_path / "embedded"
    (home / "newswire").mkdir(parents=True)
    folder(home / "newswire", ("train.conll", "dev.conll", "test.conll"))
    monkeypatch.setattr(corpus, "EMBEDDED", home)
    return home


def test_embedded_corpus_and_its_checksums(tmp_path, monkeypatch) -> None:
    home = embed(tmp_path, monkeypatch)
    assert load_corpus("newswire").name == "newswire"
    files = sorted((home / "newswire").iterdir())
    sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    lines = [
        f"{found}  newswire/{file.name}\n"
        for found, file in zip(sums, files, strict=True)
    ]
    (home / "SHA256SUMS").write_text("".join(lines))
    assert len(load_corpus("newswire").train) == 1
    (home / "newswire" / "dev.conll").write_text(PART + "\nx\tO\n")
    with pytest.raises(ValueError, match=r"dev\.conll: sha256 is .* restore the file"):
        load_corpus("newswire")
    (home / "newswire" / "dev.conll").unlink()
    with pytest.raises(FileNotFoundError, match=r"dev\.conll is missing.*checkout"):
        load_corpus("newswire")


def test_hub_without_datasets(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(RuntimeError, match="pip install datasets"):
        load_corpus("conll2003")


class FakePart(list):
    def __init__(self, rows, names):
        super().__init__(rows)
        inner = SimpleNamespace(names=names)
        self.features = {"tokens": None, "ner_tags": SimpleNamespace(feature=inner)}


def test_hub_corpus(monkeypatch) -> None:
    rows = [
        {"tokens": ["Ann", "left"], "ner_tags": [1, 0]},
        {"tokens": [], "ner_tags": []},
    ]
    other = [{"tokens": ["Bo"], "ner_tags": [1]}]
    splits = {"train": FakePart(other, ["O", "B-PER"])}
    splits["validation"] = FakePart(rows, ["O", "B-PER"])
    splits["test"] = FakePart([{"tokens": ["a"], "ner_tags": [0]}], ["O", "B-PER"])
    fake = SimpleNamespace(load_dataset=lambda name: splits)
    monkeypatch.setitem(sys.modules, "datasets", fake)
    got = load_corpus("someone/corpus")
    assert [s.tags for s in got.dev] == [("B-PER", "O")]
    del splits["validation"]
    with pytest.raises(RuntimeError, match="KeyError: 'validation'"):
        load_corpus("someone/corpus")

    def down(name):
        raise builtins.ConnectionError("no route")

    fake.load_dataset = down
    with pytest.raises(RuntimeError, match=r"ConnectionError: no route.*newswire"):
        load_corpus("someone/corpus")


WNUT = {
    # sentences, tokens, person, location, group, creative-work, product,
    # corporation, sentences without entity, longest
    "train": (3394, 62730, 660, 548, 264, 140, 142, 221, 2166, 41),
    "dev": (1009, 15733, 470, 74, 39, 105, 114, 34, 381, 82),
    "test": (1287, 23394, 429, 150, 165, 142, 127, 66, 598, 105),
}
UNER = {  # sentences, tokens, LOC, ORG, PER, without entity, documents, longest
    "dev": (2001, 25149, 399, 224, 343, 1377, 318, 75),
    "test": (2075, 25020, 312, 319, 448, 1368, 316, 81),
}


def profile(sentences, types):
    kinds = Counter(kind for s in sentences for kind, _, _ in entities(s.tags))
    return (
        len(sentences),
        sum(map(len, sentences)),
        *(kinds[t] for t in types),
        sum(not entities(s.tags) for s in sentences),
        max(map(len, sentences)),
    )


def test_wnut_counts(shared_data) -> None:
    got = load_corpus(shared_data / "wnut17")
    types = "person location group creative-work product corporation".split()
    assert got.types == tuple(sorted(types))
    for split, expected in WNUT.items():
        part = getattr(got, split)
        assert profile(part, types) == expected
        assert not any(illegal(s.tags) for s in part)
    parts = (got.train, got.dev, got.test)
    words = [[w for s in part for w in s.words] for part in parts]
    assert [sum(w[0] == "#" for w in part) for part in words] == [828, 22, 247]
    assert [part.count('"') for part in words] == [263, 108, 181]
    pairs = [
        {
            (" ".join(s.words[a:b]).lower(), kind)
            for s in part
            for kind, a, b in entities(s.tags)
        }
        for part in parts
    ]
    assert [(len(p), len(p & pairs[0])) for p in pairs[1:]] == [(720, 21), (943, 16)]


@pytest.mark.parametrize("split", ["dev", "test"])
def test_uner_counts(shared_data, split) -> None:
    got = read_conll(shared_data / "uner_ewt" / f"en_ewt-ud-{split}.iob2")
    counts = list(profile(got, ["LOC", "ORG", "PER"]))
    counts.insert(-1, len({s.document for s in got}))
    assert tuple(counts) == UNER[split]
