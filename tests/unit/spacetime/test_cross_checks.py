"""The same numbers by a second way: plain Python sets, series, enumeration."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import exp1

from qglib.spacetime import (
    Causet,
    interval_abundances,
    longest_chain,
    ordering_fraction,
    sprinkle_diamond,
)
from qglib.spacetime.observables import (
    chain_counts,
    dimension_of_fraction,
    heights,
    midpoint_dimension,
)
from qglib.spacetime.sprinkling import diamond_points
from tests.unit.spacetime.exact import action, expected_abundances

CORE = {
    2: (-2, 4, -2),
    3: (-1, 27 / 8, -9 / 4),
    4: (-1, 9, -16, 8),
}


class PlainOrder:
    """An order as Python sets, straight from the definitions."""

    def __init__(self, points, precedes):
        self.points = points
        n = range(len(points))
        self.after = [{j for j in n if precedes(points[i], points[j])} for i in n]
        self.before = [{j for j in n if i in self.after[j]} for i in n]

    def interiors(self):
        return [
            len(self.after[i] & self.before[j])
            for i in range(len(self.points))
            for j in self.after[i]
        ]

    def abundances(self):
        counts = [0] * max(len(self.points) - 1, 1)
        for m in self.interiors():
            counts[m] += 1
        return counts

    def links(self):
        return {
            (i, j)
            for i in range(len(self.points))
            for j in self.after[i]
            if not self.after[i] & self.before[j]
        }

    def heights(self):
        height = {}
        for j in sorted(range(len(self.points)), key=lambda j: len(self.before[j])):
            height[j] = 1 + max((height[i] for i in self.before[j]), default=0)
        return height

    def chains(self, length):
        ending = [1] * len(self.points)
        for _ in range(length - 1):
            ending = [sum(ending[i] for i in before) for before in self.before]
        return sum(ending)


def in_light_cone(a, b):
    space = math.sqrt(sum((p - q) ** 2 for p, q in zip(a[1:], b[1:], strict=True)))
    return b[0] - a[0] > space


def smaller(a, b):
    return all(p < q for p, q in zip(a, b, strict=True))


def agree(causet, plain):
    names = {label: k for k, label in enumerate(causet.labels)}
    links = {(names[i], names[j]) for i, j in plain.links()}
    assert set(map(tuple, causet.links().tolist())) == links
    assert interval_abundances(causet).tolist() == plain.abundances()
    assert causet.n_relations == len(plain.interiors())
    size = len(plain.points)
    height = plain.heights()
    assert heights(causet).tolist() == [height[j] for j in causet.labels]
    assert longest_chain(causet).length == max(height.values())
    assert chain_counts(causet, 4).tolist() == [plain.chains(k) for k in (1, 2, 3, 4)]
    pairs = zip(plain.after, plain.before, strict=True)
    half = max(min(len(a), len(b)) for a, b in pairs)
    if half:
        expected = math.log2(size / half)
        assert midpoint_dimension(causet) == pytest.approx(expected)
    counts = plain.abundances()
    for d, core in CORE.items():
        value = size + sum(c * n for c, n in zip(core, counts, strict=False))
        assert action(causet, d) == pytest.approx(value, abs=1e-9)
        for e in (0.15, 0.6):
            smeared = e * size
            for m, number in enumerate(counts):
                kept = (math.comb(m, i) * e**i * (1 - e) ** (m - i) for i in range(4))
                weights = zip(core, kept, strict=False)
                smeared += e * e * number * sum(c * w for c, w in weights)
            assert action(causet, d, e) == pytest.approx(smeared, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("dimension", [2, 3, 4])
@pytest.mark.parametrize("size", [5, 30, 66, 90])
def test_sprinklings_against_plain_python(dimension, size):
    rng = np.random.default_rng([41, dimension, size])
    causet = sprinkle_diamond(dimension, size, rng, fixed=True)
    plain = PlainOrder(causet.coordinates.tolist(), in_light_cone)
    agree(causet, plain)
    times, places = causet.coordinates[:, 0], causet.coordinates[:, 1:]
    shuffled = rng.permutation(size)
    events = Causet.from_events(times[shuffled], places[shuffled], 1.0)
    plain = PlainOrder(causet.coordinates[shuffled].tolist(), in_light_cone)
    agree(events, plain)


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
def test_product_orders_against_plain_python(columns):
    values = np.random.default_rng([42, columns]).random((70, columns)).round(2)
    agree(Causet.from_dominance(values), PlainOrder(values.tolist(), smaller))


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 40), st.integers(0, 9999))
def test_ranks_against_plain_python(size, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, size))
    points = np.column_stack([x, y]).tolist()
    agree(Causet.from_ranks(x, y), PlainOrder(points, smaller))


def test_diamond_volume_by_rejection():
    """The exact sampler against points thrown into the box around the diamond."""
    rng = np.random.default_rng(43)
    for dimension in (2, 3, 4):
        box = rng.uniform(-1, 1, (400_000, dimension))
        radius = np.linalg.norm(box[:, 1:], axis=1)
        inside = box[radius < 1 - np.abs(box[:, 0])]
        volume = {2: 2.0, 3: 2 * math.pi / 3, 4: 2 * math.pi / 3}[dimension]
        share = volume / 2**dimension
        error = math.sqrt(share * (1 - share) / len(box))
        assert abs(len(inside) / len(box) - share) < 4 * error
        exact = diamond_points(dimension, len(inside), rng)
        for power in (2, 4):
            one, two = np.abs(inside[:, 0]) ** power, np.abs(exact[:, 0]) ** power
            error = math.sqrt((one.var() + two.var()) / len(inside))
            assert abs(one.mean() - two.mean()) < 4 * error


def test_expected_abundances_in_closed_form():
    for n in (3.0, 40.0, 1000.0):
        ein = math.log(n) + np.euler_gamma + exp1(n)
        expected = [
            (n + 1) * ein - 2 * n + 1 - math.exp(-n),
            (n + 2) * ein - 3 * n + 1 - math.exp(-n),
            (n + 3) * ein - 3.5 * n + 0.5 - 0.5 * math.exp(-n),
        ]
        got = expected_abundances(2, n, 2)
        assert got == pytest.approx(expected, rel=1e-11)


def test_dimension_and_fraction_are_inverse():
    for seed in range(3):
        causet = sprinkle_diamond(3, 200, np.random.default_rng(seed))
        d = dimension_of_fraction(ordering_fraction(causet))
        back = math.gamma(d + 1) * math.gamma(d / 2) / (2 * math.gamma(1.5 * d))
        assert back == pytest.approx(ordering_fraction(causet), rel=1e-10)
