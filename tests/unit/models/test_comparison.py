from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qglib.data import Sentence
from qglib.models import (
    SurfaceLookup,
    build_tagger,
    compare_heads,
    document_error_rate,
    draw_circuit,
    draw_heads,
    draw_history,
    draw_subsets,
    frozen_features,
    mean_interval,
    paired_gain,
    strongest_association,
    subset_report,
)
from qglib.models.head_training import DEFAULTS
from qglib.models.rate_search import RATES, search_rates
from qglib.run import REFERENCE

PER, LOC, OUT = "B-PER", "B-LOC", "O"


def sentence(text: str, *tags: str, document: str = "d") -> Sentence:
    return Sentence(tuple(text.split()), tags, document=document)


TRAIN = [
    sentence("Anna met New York", PER, OUT, LOC, "I-LOC"),
    sentence("York won", LOC, OUT),
    sentence("York slept", PER, OUT),
    sentence("York slept again", PER, OUT, OUT),
]


def test_the_longest_remembered_name_wins_with_its_usual_type() -> None:
    lookup = SurfaceLookup(TRAIN)
    found = lookup.predict([["New", "York", "and", "York"], ["anna"], []])
    assert found == [["B-LOC", "I-LOC", "O", "B-PER"], ["O"], []]


def test_nothing_remembered_tags_nothing() -> None:
    lookup = SurfaceLookup([sentence("all quiet", OUT, OUT)])
    assert lookup.predict([["all", "Anna"]]) == [["O", "O"]]


def test_the_interval_of_a_mean_is_that_of_student() -> None:
    values = [0.1, 0.2, 0.4]
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert found == pytest.approx((np.mean(values), low, high))
    assert mean_interval([0.3]) == (0.3, 0.3, 0.3)
    assert found.claim() == {"effect": found.value, "low": low, "high": high}


def test_a_gain_over_oneself_is_zero_and_a_perfect_one_is_positive() -> None:
    rng = np.random.default_rng(5)
    gold = [[PER, OUT], [OUT, LOC], [PER, LOC], [OUT, OUT]] * 5
    empty = [[OUT, OUT]] * len(gold)
    groups = [str(k % 7) for k in range(len(gold))]
    assert paired_gain(gold, [gold, empty], [gold, empty], groups, rng) == (0, 0, 0)
    gain = paired_gain(gold, [gold, gold], [empty, empty], groups, rng)
    assert gain.value == 1
    assert gain.low <= 1 <= gain.high


def test_association_finds_a_planted_one_and_keeps_its_level() -> None:
    rng = np.random.default_rng(11)
    index = [f"d{k}" for k in range(40)]
    table = pd.DataFrame(rng.normal(size=(40, 6)), index, list("abcdef"))
    table["constant"] = 1.0
    outcome = pd.Series(table["c"] ** 3, index)
    found = strongest_association(table, outcome, rng)
    assert found.feature == "c"
    assert found.statistic == pytest.approx(1)
    assert found.pvalue == pytest.approx(1 / 1001)
    rejected = 0
    for _ in range(200):
        noise = pd.Series(rng.normal(size=40), index)
        rejected += strongest_association(table, noise, rng, draws=99).pvalue <= 0.05
    # 99.9 % of Binomial(200, .05) lies below 22
    assert rejected < 22


def test_association_equals_scipy_with_ties() -> None:
    rng = np.random.default_rng(3)
    index = list(range(30))
    x = pd.DataFrame({"x": rng.integers(0, 4, 30)}, index)
    y = pd.Series(rng.integers(0, 3, 30), index)
    found = strongest_association(x, y, rng, draws=9)
    assert found.statistic == pytest.approx(stats.spearmanr(x["x"], y).statistic)


@pytest.mark.parametrize(
    ("features", "outcome", "said"),
    [
        (pd.DataFrame({"x": [1, 2, 3]}), pd.Series([1, 2, 3]), "share 3 rows"),
        (pd.DataFrame({"x": [1] * 9}), pd.Series(range(9)), "0 features"),
        (
            pd.DataFrame({"x": range(9)}),
            pd.Series([np.nan, *range(8)]),
            "missing values",
        ),
    ],
)
def test_association_refuses(features, outcome, said) -> None:
    with pytest.raises(ValueError, match=said):
        strongest_association(features, outcome, np.random.default_rng(0))


def test_errors_are_counted_by_document() -> None:
    part = [
        sentence("a b", OUT, PER, document="one"),
        sentence("c d", OUT, OUT, document="two"),
        sentence("e f", LOC, OUT, document="one"),
    ]
    rate = document_error_rate(part, [[OUT, OUT], [OUT, OUT], [LOC, OUT]])
    assert rate.to_dict() == {"one": 0.25, "two": 0.0}


@pytest.fixture(scope="module")
def small(encoder_dir):
    names = ["Anna", "Omar", "Ines", "Paris", "Oslo", "Cairo"]
    kinds = [PER] * 3 + [LOC] * 3
    verbs = ["sings", "waits", "grew", "burned"]
    part = [
        sentence(f"{name} {verb}", kind, OUT)
        for name, kind in zip(names, kinds, strict=True)
        for verb in verbs
    ]
    model, tokenizer = build_tagger(encoder_dir, ("LOC", "PER"), "linear")
    features = frozen_features(model, tokenizer, [s.words for s in part])
    gold = [s.tags for s in part]
    both = {k: features for k in ("train", "dev", "test")}
    return both, {k: gold for k in both}, str(encoder_dir)


def test_heads_are_compared_on_equal_terms(small) -> None:
    features, gold, encoder = small
    heads = compare_heads(
        ("linear", "quantum"),
        (1, 2),
        features,
        gold,
        types=("LOC", "PER"),
        epochs=12,
        encoder=encoder,
        qubits=3,
        layers=1,
    )
    assert heads.scores[["head", "seed"]].to_numpy().tolist() == [
        ["linear", 1],
        ["linear", 2],
        ["quantum", 1],
        ["quantum", 2],
    ]
    assert heads.scores.query("head == 'linear'")["f1"].min() > 0.9
    summary = heads.summary()
    assert list(summary.index) == ["linear", "quantum"]
    assert (summary["min"] <= summary["mean"]).all()
    assert (heads.seconds("quantum") > 0).all()
    assert len(heads.predicted["quantum"]) == 2
    fig = draw_heads(heads.scores, {"floor": 0.2})
    assert fig.axes[0].get_title().startswith("Frozen encoder")


def test_taken_features_are_those_of_the_sentences(small) -> None:
    features, _, _ = small
    whole = features["train"]
    part = whole.take([5, 0])
    rows = whole.split(whole.hidden)
    assert (part.hidden == np.concatenate([rows[5], rows[0]])).all()
    assert part.lengths.tolist() == [2, 2]


def test_the_rate_search_reads_dev_only(small) -> None:
    features, gold, encoder = small
    points = search_rates(
        {k: features[k] for k in ("train", "dev")},
        {k: gold[k] for k in ("train", "dev")},
        ("LOC", "PER"),
        heads=("linear",),
        rates=(1e-6, 1e-2),
        seeds=(3,),
        epochs=8,
        encoder=encoder,
    )
    scores = points.set_index("rate")["dev_f1"]
    assert scores[1e-2] > scores[1e-6]


def test_figures_hold_what_they_were_given() -> None:
    history = pd.DataFrame({"epoch": [1, 2], "dev_f1": [0.2, 0.5], "loss": [1.0, 0.3]})
    axes = draw_history(history).axes
    assert axes[0].lines[0].get_ydata().tolist() == [0.2, 0.5]
    assert "0.50, epoch 2" in axes[0].get_title()
    test = TRAIN[:2]
    report = subset_report(test, [list(s.tags) for s in test], TRAIN)
    axes = draw_subsets(report).axes[0]
    assert "Hardest part" in axes.get_title()
    drawn = [label.get_text() for label in axes.get_yticklabels()]
    assert "ambiguous sentences" not in drawn, "no sentence is marked"
    assert draw_circuit(2).axes


def test_the_default_rates_are_those_the_search_found() -> None:
    found = json.loads((REFERENCE / "results" / "head_rates.json").read_text())
    assert {head: rate for head, (_, rate) in DEFAULTS.items()} == found["best"]
    means = pd.DataFrame(found["points"]).groupby(["head", "rate"])["dev_f1"].mean()
    for head, rate in found["best"].items():
        assert means[head].idxmax() == rate
        assert min(RATES) < rate < max(RATES), "the best rate is not at the edge"
