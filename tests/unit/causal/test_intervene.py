"""Interventions on every kind of data, with effects known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from qglib.causal import intervene
from qglib.data import Examples


def examples(inputs, labels, kind: str, **more) -> Examples:
    split = np.array(["train", "test"] * len(labels))[: len(labels)]
    return Examples(inputs, labels, split, kind=kind, **more)


def two_classes(score) -> callable:
    """Probabilities (n, 2) from a number per input."""

    def predict(inputs):
        p = 1 / (1 + np.exp(-np.array([float(score(x)) for x in inputs])))
        return np.stack([1 - p, p], 1)

    return predict


def table(seed: int = 0) -> Examples:
    rows = np.random.default_rng(seed).normal(size=(40, 3))
    labels = list((rows[:, 1] > 0).astype(int))
    return examples(rows, labels, "table", columns=("a", "b", "c"))


def test_a_reader_of_one_column_moves_under_its_edits_only() -> None:
    found = intervene(
        two_classes(lambda x: 3 * x[1]), table(), np.random.default_rng(1), draws=3
    )
    assert list(found.index) == ["a", "b", "c", "placebo"]
    still = found.loc[["a", "c", "placebo"], ["effect", "low", "high", "flipped"]]
    assert (still == 0).all(axis=None)
    assert found.high["b"] < 0 and found.flipped["b"] > 0.2
    assert (found.interventions == 60).all() and (found.groups == 20).all()


def test_the_own_label_may_be_watched() -> None:
    data = table()
    predict = two_classes(lambda x: -3 * x[1])  # always wrong
    decided = intervene(predict, data, np.random.default_rng(1))
    own = intervene(predict, data, np.random.default_rng(1), classes=[0, 1])
    assert decided.effect["b"] == pytest.approx(-own.effect["b"])
    with pytest.raises(ValueError, match="not among classes"):
        intervene(predict, data, np.random.default_rng(1), classes=["no", "yes"])


def kinds() -> dict[str, tuple[Examples, callable, set[str]]]:
    """Data, a score of one input, and the edits that cannot move it."""
    from qglib.data import Sound

    rng = np.random.default_rng(3)
    labels = [0, 1] * 6
    words = ["one two three four five", "six seven eight nine ten"] * 6
    images = list(rng.random((12, 8, 8)))
    sounds = [Sound(rng.normal(size=400), 8000) for _ in labels]
    series = list(rng.normal(size=(12, 32)))
    return {
        "text": (examples(words, labels, "text"), lambda x: len(x.split()), {"swap"}),
        "image": (examples(images, labels, "image"), np.mean, {"exchange"}),
        "sound": (
            examples(sounds, labels, "sound"),
            lambda x: np.square(x.samples).mean(),
            {"shift", "reverse"},
        ),
        "series": (
            examples(series, labels, "series"),
            np.mean,
            {"exchange", "reverse"},
        ),
    }


@pytest.mark.parametrize("kind", ["text", "image", "sound", "series"])
def test_every_kind_has_edits_and_a_placebo_that_is_exactly_zero(kind: str) -> None:
    data, score, still = kinds()[kind]
    found = intervene(two_classes(score), data, np.random.default_rng(0), draws=2)
    assert found.index[-1] == "placebo" and len(found) >= 3
    assert (found.loc["placebo", ["effect", "flipped"]] == 0).all()
    assert found.effect[sorted(still)].abs().max() < 1e-12
    assert (found.low <= found.effect).all() and (found.effect <= found.high).all()


def test_groups_are_resampled_whole() -> None:
    rows = np.random.default_rng(5).normal(size=(40, 2))
    split = np.array(["test"] * 40)
    alone = Examples(rows, [0] * 40, split)
    pairs = Examples(rows, [0] * 40, split, groups=np.repeat(range(4), 10))

    def edits(x, rng):
        return {"up": x + np.array([1, 0]), "placebo": x.copy()}

    wide, narrow = (
        intervene(
            two_classes(lambda x: x[0]), one, np.random.default_rng(0), edits=edits
        )
        for one in (pairs, alone)
    )
    assert wide.groups["up"] == 4 and narrow.groups["up"] == 40
    assert wide.effect["up"] == pytest.approx(narrow.effect["up"])


def test_bad_input() -> None:
    data, rng = table(), np.random.default_rng(0)
    with pytest.raises(ValueError, match="draws=0"):
        intervene(two_classes(sum), data, rng, draws=0)
    with pytest.raises(ValueError, match="one column per class"):
        intervene(lambda inputs: np.ones(len(inputs)), data, rng)
    unsplit = Examples(data.inputs, data.labels, np.array(["train"] * 40))
    with pytest.raises(ValueError, match="0 in the test part"):
        intervene(two_classes(sum), unsplit, rng)
    odd = Examples(data.inputs, data.labels, data.split, kind="graph")
    with pytest.raises(ValueError, match="kind is 'graph'"):
        intervene(two_classes(sum), odd, rng)
