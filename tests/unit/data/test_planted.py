from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from qglib.data.conll import entities, illegal
from qglib.data.lexicon import AFFIXES, GENRES, TYPES, frames, names
from qglib.data.structural import (
    ADVERBS,
    ENDINGS,
    PLANTED_EDGES,
    TYPE_GIVEN_GENRE,
    VARIABLES,
    planted,
)

SUFFIXES = {
    "PER": ("son", "sen", "ova", "ides"),
    "LOC": ("ville", "burg", "stead", "haven"),
    "ORG": ("tech", "corp", "bank", "works"),
    "MISC": ("ian", "ese", "ish", "cup"),
}
ENDING = tuple(s for group in SUFFIXES.values() for s in group)


def draw(n, seed=0, **settings):
    return planted(n, np.random.default_rng(seed), **settings)


def near(hits, p):
    """Share of hits within 4 standard errors of p."""
    hits = np.asarray(hits, float)
    error = 4 * np.sqrt(p * (1 - p) / len(hits))
    assert abs(hits.mean() - p) <= error + 1e-12, (hits.mean(), p, len(hits))


def per_slot(examples):
    """(example, slot, values of the variables in the slot)."""
    for e in examples:
        for i in range(len(e.slots)):
            yield e, i, {k: v[i] for k, v in e.variables.items()}


@pytest.fixture(scope="module")
def train():
    return draw(4000)


@pytest.fixture(scope="module")
def test():
    return draw(2000, 1, split="test", rho=0.0)


# --- lexicon ---------------------------------------------------------------


def test_frames_counts_and_held_out_frames():
    train, test = frames("train"), frames("test")
    cue = [sum(len(f) for f in part.cue.values()) for part in (train, test)]
    order = [sum(len(f) for f in part.order.values()) for part in (train, test)]
    assert cue == [140, 28]
    assert order == [48, 12]
    for t in TYPES:
        both = [f for p in (train, test) for g in GENRES for f in p.cue[t, g]]
        assert len(both) == len(set(both)) == 42
    flat = [
        {f for group in (p.cue, p.order) for fs in group.values() for f in fs}
        for p in (train, test)
    ]
    assert not flat[0] & flat[1]
    assert len(flat[0] | flat[1]) == 228 >= 150
    # the index of a training frame tells nothing about type or genre
    assert {len(f) for f in train.cue.values()} == {7}
    assert {len(f) for f in train.order.values()} == {4}


def test_frames_do_not_hold_the_words_of_the_nuisance():
    words = {
        w
        for p in ("train", "test")
        for group in (frames(p).cue, frames(p).order)
        for fs in group.values()
        for f in fs
        for w in f.split()
    }
    assert not words & set(ADVERBS.values())


def test_names_are_distinct_held_out_and_no_words_of_frames():
    words = []
    for split in ("train", "test"):
        n = names(split)
        pools = [*n.suffixed.values(), n.first, n.ambiguous]
        words.append([w.lower() for pool in pools for w in pool])
    taught = [w.lower() for pool in names().taught.values() for w in pool]
    every = [*words[0], *words[1], *taught]
    assert len(every) == len(set(every)) == 4 * 400 + 200 + 300 + 4 * 8
    assert len(words[1]) == round(0.2 * 2100)
    assert names("test").taught == names("train").taught
    vocabulary = {
        w
        for p in ("train", "test")
        for group in (frames(p).cue, frames(p).order)
        for fs in group.values()
        for f in fs
        for w in f.split()
    }
    assert not vocabulary & set(every)


def test_only_suffixed_names_show_a_type():
    for split in ("train", "test"):
        n = names(split)
        bare = [*n.first, *n.ambiguous, *(w for p in n.taught.values() for w in p)]
        assert not [w for w in bare if w.lower().endswith(ENDING)]
        for t in TYPES:
            assert all(w.endswith(SUFFIXES[t]) for w in n.suffixed[t])


def test_frames_hold_their_slots_as_words_of_their_own():
    for split in ("train", "test"):
        for group, slots in ((frames(split).cue, 1), (frames(split).order, 2)):
            for frame in (f for fs in group.values() for f in fs):
                marks = [w for w in frame.split() if "{" in w or "}" in w]
                assert marks == ["{0}", "{1}"][:slots], frame


def test_unknown_splits_are_refused():
    for read in (frames, names):
        with pytest.raises(ValueError, match="split must be"):
            read("dev")


# --- sentences -------------------------------------------------------------


def test_same_seed_same_sentences():
    assert draw(50, 3) == draw(50, 3)
    assert draw(50, 3) != draw(50, 4)


def test_sentence_agrees_with_its_variables(train, test):
    for e in (*train, *test):
        words, tags = e.sentence.words, e.sentence.tags
        assert set(e.variables) == set(VARIABLES)
        assert 1 <= len(e.slots) <= 3
        assert not illegal(tags)
        assert 8 <= len(words) <= 40
        capitals = e.variables["H"][0]
        assert capitals == e.sentence.words[-2].isupper()
        assert e.sentence.topic == e.variables["G"][0]
        assert e.sentence.ambiguous == ("AMB" in e.pools)
        spans = {(start, stop): i for i, (start, stop) in enumerate(e.slots)}
        assert sorted(spans) == [(a, b) for _, a, b in entities(tags)]
        for i, (start, stop) in enumerate(e.slots):
            name = e.variables["S"][i]
            assert " ".join(words[start:stop]) == (name.upper() if capitals else name)
            assert tags[start] == "B-" + e.variables["L"][i]
            pool, cue = e.pools[i], e.variables["C"][i]
            assert e.variables["L"][i] == (cue if pool == "AMB" else pool)
        assert [w.lower() for w in words].count(e.variables["N"][0]) == 1
        assert len({n for n in e.variables["S"]}) == len(e.slots)


def test_number_of_names_per_sentence(train):
    counts = Counter(len(e.slots) for e in train)
    assert set(counts) == {1, 2, 3}
    near([len(e.clauses[0]) == 2 for e in train], 0.3)
    near([len(e.clauses) == 2 for e in train], 0.35)


def test_genre_and_type(train):
    near([e.variables["G"][0] == "science" for e in train], 0.2)
    for genre, weights in TYPE_GIVEN_GENRE.items():
        types = [e.variables["Y"][0] for e in train if e.variables["G"][0] == genre]
        for t, p in zip(TYPES, weights, strict=True):
            near([y == t for y in types], p)


def test_cue_follows_type(train):
    rows = [v for e, i, v in per_slot(train) if i == 0]
    near([v["A"] for v in rows], 0.45)
    assert all(v["C"] == v["Y"] for v in rows if v["A"])
    near([v["C"] != v["Y"] for v in rows if not v["A"]], 0.075)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95, 1.0])
def test_adverb_follows_type_with_probability_rho(rho):
    examples = draw(2000, 6, rho=rho)
    hits = [e.variables["N"][0] == ADVERBS[e.variables["Y"][0]] for e in examples]
    near(hits, rho + (1 - rho) / 4)


def test_capitals_and_endings(train):
    near([e.variables["H"][0] for e in train], 0.12)
    for ending in ENDINGS:
        near([e.variables["E"][0] == ending for e in train], 1 / 6)


def test_ambiguous_names_are_bare_and_carry_every_type(train):
    labels = Counter()
    for _, _, v in per_slot(train):
        if v["A"]:
            assert v["S"] in names().ambiguous  # one word, no affix
            labels[v["L"]] += 1
    assert set(labels) == set(TYPES)


def test_affixes_stand_on_typed_names_only(train):
    typed = [(e, v) for e, i, v in per_slot(train) if not v["A"]]
    suffixed = [v for _, v in typed if v["S"].lower().split()[0].endswith(ENDING)]
    organisations = [v for v in suffixed if v["Y"] == "ORG"]
    near([v["S"].split()[-1] in AFFIXES for v in organisations], 0.3)
    persons = [
        v for _, v in typed if v["Y"] == "PER" and v["S"] not in names().taught["PER"]
    ]
    near([len(v["S"].split()) == 2 for v in persons], 0.5)
    assert all(len(v["S"].split()) == 1 for _, v in typed if v["Y"] in ("LOC", "MISC"))


def test_taught_names_have_one_type_and_recur(train):
    rows = [v for _, i, v in per_slot(train) if not v["A"] and i == 0]
    taught = {n: t for t, pool in names().taught.items() for n in pool}
    near([v["S"] in taught for v in rows], 0.2)
    assert all(taught[v["S"]] == v["L"] for v in rows if v["S"] in taught)
    counts = Counter(v["S"] for _, _, v in per_slot(train[:1000]))
    assert np.mean([counts[n] for n in taught]) > 4


def test_test_split_holds_out_names_and_frames(train, test):
    def words(examples):
        return {w for _, _, v in per_slot(examples) for w in v["S"].split()}

    known = {n for pool in names().taught.values() for n in pool} | set(AFFIXES)
    assert not (words(train) & words(test)) - known

    def skeletons(examples):
        return {
            tuple(e.sentence.words[i].lower() for i in span)
            for e in examples
            for span, pool in zip(e.cause_spans, e.pools, strict=True)
            if pool == "AMB"
        }

    assert not skeletons(train) & skeletons(test)
    assert len(skeletons(train)) == 188  # every training frame occurs
    assert len(skeletons(test)) == 40


# --- interventions ---------------------------------------------------------


def intervene(e, variable, value, rng, slot=0):
    """Set a variable to a value, or to another one than it has."""
    now, options = {
        "C": (e.variables["C"][slot], TYPES),
        "N": (e.variables["N"][0], tuple(ADVERBS.values())),
        "H": (e.variables["H"][0], (False, True)),
        "ORDER": (e.clauses[0] == (1, 0), (False, True)),
    }[variable]
    others = [o for o in options if o != now] if value is None else [value]
    at = slot if variable == "C" else 0
    return e.do(variable, others[int(rng.integers(len(others)))], at)


def true_flip(before, after):
    pairs = zip(before.variables["L"], after.variables["L"], strict=True)
    return tuple(a != b for a, b in pairs)


def fixed(before, after, but):
    """Every variable outside ``but`` has kept its values."""
    for k in VARIABLES:
        if k not in but:
            assert before.variables[k] == after.variables[k], k


def test_do_cue_flips_ambiguous_names_and_no_others(test):
    rng = np.random.default_rng(0)
    flips = {True: [], False: []}
    for e in test[:600]:
        for clause in e.clauses:
            if len(clause) == 2:
                continue
            slot = clause[0]
            after = intervene(e, "C", None, rng, slot=slot)
            fixed(e, after, {"C", "K", "L"})
            assert after.variables["C"][slot] != e.variables["C"][slot]
            flip = true_flip(e, after)
            flips[e.variables["A"][slot]].append(flip[slot])
            assert not any(f for i, f in enumerate(flip) if i != slot)
    assert min(len(f) for f in flips.values()) > 100
    assert np.mean(flips[True]) == 1
    assert np.mean(flips[False]) == 0


def test_do_adverb_and_do_capitals_never_flip(train):
    rng = np.random.default_rng(0)
    for e in train[:400]:
        after = intervene(e, "N", None, rng)
        fixed(e, after, {"N"})
        assert not any(true_flip(e, after))
        pairs = zip(e.sentence.words, after.sentence.words, strict=True)
        changed = [a.lower() for a, b in pairs if a != b]
        assert changed == [e.variables["N"][0]]
        after = intervene(e, "H", None, rng)
        fixed(e, after, {"H"})
        assert not any(true_flip(e, after))
        assert after.sentence.tags == e.sentence.tags
        upper = [[w.upper() for w in s.sentence.words] for s in (e, after)]
        assert upper[0] == upper[1]


def test_do_order_exchanges_labels_of_ambiguous_names_only(test):
    rng = np.random.default_rng(0)
    seen = {True: 0, False: 0}
    for e in test:
        if len(e.clauses[0]) == 1:
            continue
        after = intervene(e, "ORDER", None, rng)
        ambiguous = e.variables["A"][0]
        seen[ambiguous] += 1
        fixed(e, after, {"C", "L"})
        assert true_flip(e, after)[:2] == (ambiguous, ambiguous)
        assert not any(true_flip(e, after)[2:])
        (a, b), (c, d) = e.variables["L"][:2], after.variables["L"][:2]
        assert (c, d) == ((b, a) if ambiguous else (a, b))
        assert Counter(e.sentence.words) == Counter(after.sentence.words) or (
            e.slots[0][0] == 0  # the first word is capitalised either way
        )
        back = intervene(after, "ORDER", None, rng)
        assert back.sentence == e.sentence
        assert intervene(e, "ORDER", True, rng) == after
    assert min(seen.values()) > 100


def test_do_name(test):
    for k, e in enumerate(test[:400]):
        slot = len(e.slots) - 1
        for t in TYPES:
            pool = names("test").suffixed[t]
            other = e.do("S", (t, pool[k % len(pool)]), slot)
            assert other.variables["L"][slot] == t
            assert other.variables["S"][slot] == pool[k % len(pool)]
            assert true_flip(e, other)[slot] == (t != e.variables["L"][slot])
        free = e.do("S", ("AMB", names("test").ambiguous[0]), slot)
        assert free.variables["L"][slot] == e.variables["C"][slot]
        assert free.sentence.ambiguous


def test_interventions_add_up():
    rng = np.random.default_rng(0)
    for e in draw(200, 11, order_share=0.0):
        both = intervene(intervene(e, "N", None, rng), "H", None, rng)
        swapped = intervene(e, "H", None, rng)
        swapped = intervene(swapped, "N", both.variables["N"][0], rng)
        assert both.sentence == swapped.sentence
        assert not any(true_flip(e, both))
        flip = true_flip(e, intervene(e, "C", None, rng))
        assert flip[0] == e.variables["A"][0]


def test_cause_spans_hold_what_decides(train):
    for e in train[:500]:
        words = e.sentence.words
        for i, span in enumerate(e.cause_spans):
            name = set(range(*e.slots[i]))
            if e.pools[i] == "AMB":
                assert span and not name & set(span)
            else:
                assert set(span) == name
            assert e.variables["N"][0] not in {words[k].lower() for k in span}
            assert words[-1] == "." and len(words) - 1 not in span


def test_bad_input():
    rng = np.random.default_rng(0)
    for name in ("rho", "order_share"):
        for value in (-0.1, 1.1, float("nan")):
            with pytest.raises(ValueError, match=f"{name} must be a probability"):
                planted(5, rng, **{name: value})
    for n in (0, -1, 2.5):
        with pytest.raises(ValueError, match="n must be"):
            planted(n, rng)
    with pytest.raises(ValueError, match="split must be"):
        planted(5, rng, split="dev")
    with pytest.raises(TypeError, match="default_rng"):
        planted(5, 0)
    cue = draw(1, order_share=0.0)[0]
    order = draw(1, order_share=1.0)[0]
    for wrong, variable in ((cue, "G"), (cue, "ORDER"), (order, "C")):
        with pytest.raises(ValueError, match="variable is"):
            wrong.do(variable, None)


# --- the declared graph -----------------------------------------------------


def test_table_has_the_declared_graph():
    rows = [
        {k: e.pools[0] if k == "S" else e.variables[k][0] for k in VARIABLES}
        for e in draw(6000, 12, order_share=0.0)
    ]
    table = pd.DataFrame(rows)
    assert len(table) == 6000
    assert {v for edge in PLANTED_EDGES for v in edge} | {"H", "K", "E"} == set(
        VARIABLES
    )
    assert set(table["S"]) == {*TYPES, "AMB"}
    for lonely in ("H", "K", "E"):
        for other in VARIABLES:
            if other == lonely:
                continue
            assert cramer(table[lonely], table[other]) < 0.06, (lonely, other)
    # A is independent of Y and N, and every edge is a dependence
    assert cramer(table["A"], table["Y"]) < 0.06
    assert cramer(table["A"], table["N"]) < 0.06
    for a, b in PLANTED_EDGES:
        assert cramer(table[a], table[b]) > 0.02 or (a, b) == ("A", "C")


def cramer(a, b):
    """Cramér's V of two categorical columns."""
    _, i = np.unique(np.asarray(a, str), return_inverse=True)
    _, j = np.unique(np.asarray(b, str), return_inverse=True)
    counts = np.zeros((i.max() + 1, j.max() + 1))
    np.add.at(counts, (i, j), 1)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / counts.sum()
    chi2 = ((counts - expected) ** 2 / expected).sum()
    return np.sqrt(chi2 / counts.sum() / (min(counts.shape) - 1))
