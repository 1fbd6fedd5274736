"""What is refused, and that the message says what, which value and what to do."""

import numpy as np
import pytest

from qglib import memory
from qglib.spacetime import (
    Causet,
    interval_abundances,
    manifold_likeness,
    myrheim_meyer_dimension,
    ordering_fraction,
    sprinkle_diamond,
)
from qglib.spacetime.features import causal_set_features
from qglib.spacetime.observables import chain_counts, midpoint_dimension

INF, NAN = float("inf"), float("nan")


def rng():
    return np.random.default_rng(0)


def chain(size):
    return Causet.from_ranks(range(size), range(size))


def events(times, contents, speed=1.0, metric="euclidean"):
    return lambda: Causet.from_events(times, contents, speed, metric)


def matrix(rows, **options):
    return lambda: Causet.from_order(np.array(rows), **options)


# Each case: what is called, then what the message must hold, in order: the
# argument, the value seen, the remedy.
CASES = {
    # relations
    "not square": (matrix(np.ones((2, 3))), "matrix", "(2, 3)", "(N, N)"),
    "not an array": (matrix([0, 1]), "matrix", "(2,)", "(N, N)"),
    "not boolean": (matrix([[0, 2], [0, 0]]), "matrix", "0 and 1", "booleans"),
    "NaN relation": (matrix([[0, NAN], [0, 0]]), "matrix", "0 and 1", "booleans"),
    "cycle": (matrix([[0, 1], [1, 0]]), "matrix", "cycle [0, 1]", "Remove"),
    "own past": (matrix([[1, 0], [0, 0]]), "matrix", "cycle [0]", "Remove"),
    "closed cycle": (
        matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]], close=True),
        "matrix",
        "cycle [0, 1, 2]",
        "Remove",
    ),
    "intransitive": (
        matrix([[0, 1, 0], [0, 0, 1], [0, 0, 0]]),
        "matrix",
        "0 does not precede 2",
        "close=True",
    ),
    "intransitive, re-sorted": (
        matrix([[0, 0, 1], [1, 0, 0], [0, 0, 0]]),
        "matrix",
        "1 does not precede 2",
        "close=True",
    ),
    # ranks and columns
    "NaN rank": (lambda: Causet.from_ranks([1, NAN], [1, 2]), "x", "nan", "drop"),
    "infinite": (lambda: Causet.from_ranks([1, 2], [INF, 2]), "y", "inf", "drop"),
    "tied": (lambda: Causet.from_ranks([1, 1], [1, 2]), "x", "1 tied", "ties="),
    "tied y": (lambda: Causet.from_ranks([1, 2], [3, 3]), "y", "1 tied", "ties="),
    "no generator": (
        lambda: Causet.from_ranks([1, 1], [1, 2], ties="random"),
        "rng",
        "",
        "Generator",
    ),
    "unknown ties": (
        lambda: Causet.from_ranks([1, 2], [1, 2], ties="stable"),
        "ties",
        "'stable'",
        "weak",
    ),
    "mixed lengths": (
        lambda: Causet.from_ranks([1, 2], [1, 2, 3]),
        "x has shape (2,)",
        "(3,)",
        "(N,)",
    ),
    "table as rank": (
        lambda: Causet.from_ranks(np.zeros((2, 2)), np.zeros((2, 2))),
        "x",
        "(2, 2)",
        "(N,)",
    ),
    "one column": (
        lambda: Causet.from_dominance(np.zeros(3)),
        "values",
        "(3,)",
        "(N, k)",
    ),
    "no column": (
        lambda: Causet.from_dominance(np.zeros((3, 0))),
        "values",
        "(3, 0)",
        "k >= 1",
    ),
    "NaN column": (
        lambda: Causet.from_dominance([[0, 1, 2], [1, NAN, 3]]),
        "values",
        "nan) in row 1",
        "drop",
    ),
    # events
    "speed zero": (events([0, 1], [0, 1], 0.0), "speed", "0.0", "positive"),
    "speed negative": (events([0, 1], [0, 1], -2), "speed", "-2", "positive"),
    "speed NaN": (events([0, 1], [0, 1], NAN), "speed", "nan", "positive"),
    "speed infinite": (events([0, 1], [0, 1], INF), "speed", "inf", "positive"),
    "NaN content": (events([0, 1], [0, NAN]), "contents", "nan) in row 1", "drop"),
    "infinite time": (events([-INF, 1], [0, 1]), "times", "-inf) in row 0", "drop"),
    "twins": (events([3, 0, 0], [1, 5, 5]), "events 1 and 2", "equal", "drop"),
    "far twins": (
        events([*range(600), 0], [[k, 1] for k in (*range(600), 0)]),
        "events 0 and 600",
        "equal",
        "drop",
    ),
    "events of mixed length": (
        events([0, 1], [[1, 0]]),
        "times has shape (2,)",
        "(1, 2)",
        "one content each",
    ),
    "single content": (events([0.0], 1.0), "contents", "()", "one content each"),
    "time table": (events(np.zeros((2, 2)), [0, 1]), "times", "(2, 2)", "(N,)"),
    "cosine": (
        events([0, 1], [[1, 0], [0, 1]], 1, "cosine"),
        "metric",
        "'cosine'",
        "'angle'",
    ),
    "unknown metric": (
        events([0, 1], [[1, 0], [0, 1]], 1, "manhattan"),
        "metric",
        "'manhattan'",
        "cityblock",
    ),
    "no direction": (
        events([0, 1], [[0, 0], [0, 1]], 1, "angle"),
        "content 0",
        "zero vector",
        "euclidean",
    ),
    "absolute of a table": (
        events([0, 1], [[0, 0], [0, 1]], 1, "absolute"),
        "contents",
        "2 columns",
        "cityblock",
    ),
    "no distance table": (
        events([0, 1], [1, 2], 1, "precomputed"),
        "contents",
        "(2, 1)",
        "(N, N)",
    ),
    "broken table": (
        events([5, 6, 7], [[0, 1, 9], [1, 0, 3], [9, 3, 0]], 1, "precomputed"),
        "contents",
        "events 0, 1, 2: the direct distance 9 exceeds the way round 4",
        "true metric",
    ),
    "one-sided distance": (
        events([0, 1], [[0, 1], [2, 0]], 1, "precomputed"),
        "contents",
        "not symmetric",
        "true metric",
    ),
    "negative distance": (
        events([0, 1], [[0, -1], [-1, 0]], 1, "precomputed"),
        "contents",
        "distance 0 exceeds the way round -2",
        "true metric",
    ),
    "distance to itself": (
        events([0, 1], [[1, 2], [2, 0]], 1, "precomputed"),
        "contents",
        "distance to itself",
        "true metric",
    ),
    # sprinklings
    "negative count": (
        lambda: sprinkle_diamond(2, -1, rng()),
        "mean_count",
        "-1",
        "at least 0",
    ),
    "NaN count": (lambda: sprinkle_diamond(2, NAN, rng()), "mean_count", "nan", "0"),
    "infinite count": (
        lambda: sprinkle_diamond(2, INF, rng()),
        "mean_count",
        "inf",
        "finite",
    ),
    "broken count": (
        lambda: sprinkle_diamond(2, 2.5, rng(), fixed=True),
        "mean_count",
        "2.5",
        "whole",
    ),
    # observables
    "max_interior": (
        lambda: interval_abundances(chain(6), -1),
        "max_interior",
        "-1",
        "at least 0",
    ),
    "chain length": (lambda: chain_counts(chain(6), 0), "max_length", "0", "1"),
    "unrelated": (
        lambda: Causet.from_ranks([1, 2], [2, 1]).interval(0, 1),
        "element 0",
        "does not precede element 1",
        "future_of",
    ),
}
CASES["gate, scope"] = (
    lambda: manifold_likeness(chain(6), rng(), scope="all"),
    "scope",
    "'all'",
    '"whole"',
)
for function in (
    myrheim_meyer_dimension,
    midpoint_dimension,
    lambda c: manifold_likeness(c, rng()),
    causal_set_features,
):
    for size in (0, 3):
        call = (lambda f=function, n=size: f(chain(n)), "causal set", str(size), "4")
        CASES[f"{len(CASES)}: {size} elements"] = call
for size in (0, 1):
    call = (lambda n=size: ordering_fraction(chain(n)), "causal set", str(size), "2")
    CASES[f"fraction of {size} elements"] = call
for dimension in (-1, 0, 1, 2.5, 5, NAN):
    call = lambda d=dimension: sprinkle_diamond(d, 10, rng())  # noqa: E731
    expected = ("dimension", str(dimension), "2, 3 and 4")
    CASES[f"{len(CASES)}: d = {dimension}"] = (call, *expected)


@pytest.mark.parametrize("name", CASES)
def test_the_message_has_argument_value_and_remedy(name):
    call, *expected = CASES[name]
    with pytest.raises(ValueError) as error:
        call()
    message, place = str(error.value), 0
    for part in expected:
        found = message.find(part, place)
        assert found >= 0, (part, message)
        place = found


def test_indices_outside_are_refused():
    causet = chain(3)
    for call in (
        lambda: causet.subset([3]),
        lambda: causet.subset([-1]),
        lambda: causet.interval(-1, 0),
        lambda: causet.interval(0, 3),
        lambda: causet.future_of(3),
        lambda: causet.past_of(-1),
    ):
        with pytest.raises(IndexError, match=r"not in 0 \.\. 2"):
            call()


def test_the_triangle_check_is_the_same_every_time():
    """A fixed generator chooses the sample, whatever the global one does."""
    gap = np.abs(np.subtract.outer(np.arange(300.0), np.arange(300.0))) ** 1.2
    messages = set()
    for seed in (1, 2, 3):
        np.random.seed(seed)  # noqa: NPY002
        with pytest.raises(ValueError, match="triangle") as error:
            Causet.from_events(np.arange(300), gap, 1.0, "precomputed")
        messages.add(str(error.value))
    assert len(messages) == 1


# ---------------------------------------------------------------------- memory
SIZE = 20_000
MEMORY = {
    "sprinkling": (lambda: sprinkle_diamond(3, SIZE, rng(), fixed=True), "0.0[79]"),
    "dominance": (lambda: Causet.from_dominance(rng().random((SIZE, 3))), "0.0[79]"),
    "events": (
        lambda: Causet.from_events(np.arange(SIZE), np.arange(SIZE), 1.0),
        "0.0[79]",
    ),
    "ranks": (lambda: chain(SIZE), "0.0[79]"),
}


@pytest.mark.parametrize("name", MEMORY)
def test_too_large_is_refused_before_allocation(name, monkeypatch):
    call, needed = MEMORY[name]
    monkeypatch.setattr(memory, "available_bytes", lambda device: 10**6)
    with pytest.raises(
        MemoryError, match=rf"needs about {needed}\d* GiB, and 0\.0009"
    ) as error:
        call()
    assert "take" in str(error.value)


def test_relation_of_dense_rows_is_refused_before_allocation(monkeypatch):
    causet = sprinkle_diamond(3, 2000, rng(), fixed=True)
    monkeypatch.setattr(memory, "available_bytes", lambda device: 10**5)
    for call in (causet.matrix, causet.links):
        with pytest.raises(MemoryError, match="GiB are free"):
            call()
