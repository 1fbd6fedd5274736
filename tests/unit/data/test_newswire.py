from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from qglib.data.conll import entities, illegal
from qglib.data.corpus import EMBEDDED, load_corpus

SPLITS = ("train", "dev", "test")
TOPICS = {"sport", "markets", "travel", "science", "politics"}
README = Path(EMBEDDED).parent / "README.md"


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("newswire")


@pytest.fixture(scope="module")
def splits(corpus):
    return {name: getattr(corpus, name) for name in SPLITS}


def surfaces(sentence):
    """(surface, type) of every entity."""
    return [(" ".join(sentence.words[a:b]), t) for t, a, b in entities(sentence.tags)]


def masked(sentence):
    """The sentence with its entities replaced by their types, lower case."""
    words, last = [], 0
    for kind, start, stop in entities(sentence.tags):
        words += [*sentence.words[last:start], f"<{kind}>"]
        last = stop
    return " ".join([*words, *sentence.words[last:]]).lower()


@pytest.fixture(scope="module")
def types_of(splits):
    """Surface -> its types in the whole corpus."""
    types = defaultdict(set)
    for part in splits.values():
        for s in part:
            for surface, kind in surfaces(s):
                types[surface].add(kind)
    return types


def test_size(splits):
    minimum = {"train": 600, "dev": 100, "test": 200}
    for name, least in minimum.items():
        assert len(splits[name]) >= least
    assert sum(map(len, splits.values())) >= 900
    for name in SPLITS:
        file = EMBEDDED / "newswire" / f"{name}.conll"
        assert file.stat().st_size < 1_500_000


def test_no_two_masked_sentences_are_equal(splits):
    counts = Counter(masked(s) for part in splits.values() for s in part)
    assert [text for text, n in counts.items() if n > 1] == []


def test_tags_are_iob2_and_lengths_natural(splits, corpus):
    assert corpus.types == ("LOC", "MISC", "ORG", "PER")
    for name, part in splits.items():
        raw = (EMBEDDED / "newswire" / f"{name}.conll").read_text()
        tags = re.findall(r"\t(\S+)$", raw, re.MULTILINE)
        assert not illegal(tags), "the file itself is IOB2"
        for s in part:
            assert not illegal(s.tags)
            assert 8 <= len(s) <= 35, " ".join(s.words)
            assert s.words[-1] in {".", "?", "!", '"'}, " ".join(s.words)
            assert not any(set(w) & set("[]|{}") for w in s.words)


def test_every_split_has_every_type_and_topic(splits, corpus):
    for part in splits.values():
        assert {s.topic for s in part} == TOPICS
        assert {t for s in part for _, t in surfaces(s)} == set(corpus.types)


def test_documents_do_not_cross_splits(splits):
    homes = defaultdict(set)
    topics = defaultdict(set)
    for name, part in splits.items():
        for s in part:
            assert s.document
            homes[s.document].add(name)
            topics[s.document].add(s.topic)
    assert all(len(h) == 1 for h in homes.values())
    assert all(len(t) == 1 for t in topics.values())


def test_ambiguity_flags_match_the_surfaces(splits, types_of):
    for part in splits.values():
        for s in part:
            several = any(len(types_of[surface]) > 1 for surface, _ in surfaces(s))
            assert s.ambiguous == several, " ".join(s.words)
    assert sum(s.ambiguous for part in splits.values() for s in part) >= 150
    assert sum(s.ambiguous for s in splits["test"]) >= 60
    assert sum(len(types) > 1 for types in types_of.values()) >= 40


def test_ambiguous_test_entities_never_stand_in_train_with_the_same_type(splits):
    seen = {pair for s in splits["train"] for pair in surfaces(s)}
    leaks = [
        (pair, " ".join(s.words))
        for s in splits["test"]
        if s.ambiguous
        for pair in surfaces(s)
        if pair in seen
    ]
    assert leaks == []


def test_half_of_the_test_surfaces_are_unseen(splits):
    seen = {surface for s in splits["train"] for surface, _ in surfaces(s)}
    test = [surface for s in splits["test"] for surface, _ in surfaces(s)]
    assert sum(surface not in seen for surface in test) / len(test) >= 0.5


def test_checksums_are_those_of_the_files():
    listed = {}
    for line in (EMBEDDED / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split(maxsplit=1)
        listed[name] = digest
    expected = {f"newswire/{name}.conll" for name in SPLITS} | {
        "planted/frames.tsv",
        "planted/names.tsv",
    }
    expected |= {"messages/intents.tsv", "messages/sentiment.tsv"}
    assert set(listed) == expected
    for name, digest in listed.items():
        assert hashlib.sha256((EMBEDDED / name).read_bytes()).hexdigest() == digest


def test_the_table_in_the_readme_is_true(splits):
    text = README.read_text(encoding="utf-8")
    for name, part in splits.items():
        row = re.search(rf"^\| `{name}\.conll` \|(.*)\|$", text, re.MULTILINE)
        assert row is not None
        found = [int(cell.replace(",", "")) for cell in row[1].split("|")]
        kinds = Counter(t for s in part for _, t in surfaces(s))
        assert found == [
            len({s.document for s in part}),
            len(part),
            sum(map(len, part)),
            *(kinds[t] for t in ("LOC", "MISC", "ORG", "PER")),
            sum(not surfaces(s) for s in part),
            sum(s.ambiguous for s in part),
            (EMBEDDED / "newswire" / f"{name}.conll").stat().st_size,
        ], name
    digests = (EMBEDDED / "SHA256SUMS").read_text().split()[::2]
    assert all(digest in text for digest in digests)
