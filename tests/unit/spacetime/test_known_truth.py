"""Published and derived values of flat diamonds and controls."""

import math
from itertools import permutations, product

import numpy as np
import pytest

from qglib.engines.orders.rank_kernels import longest
from qglib.spacetime import (
    Causet,
    interval_abundances,
    longest_chain,
    myrheim_meyer_dimension,
    ordering_fraction,
    sprinkle_diamond,
)
from qglib.spacetime.observables import (
    CORE_WEIGHTS,
    chain_counts,
    dimension_of_fraction,
    expected_ordering_fraction,
    heights,
    smearing_weights,
)
from qglib.spacetime.sprinkling import diamond_points
from tests.unit.spacetime.exact import action, expected_abundances


def mean_within(samples, expected, errors=4.0):
    samples = np.asarray(samples, float)
    sem = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    assert (np.abs(samples.mean(axis=0) - expected) <= errors * sem).all(), (
        samples.mean(axis=0),
        expected,
        sem,
    )


def test_ordering_fraction_closed_forms():
    expected = [1, 1 / 2, 8 / 35, 1 / 10, 0.042624]
    measured = [expected_ordering_fraction(d) for d in (1, 2, 3, 4, 5)]
    assert measured == pytest.approx(expected, abs=5e-7)
    for d in (1.0, 2.0, 2.5, 4.0):
        fraction = expected_ordering_fraction(d)
        assert dimension_of_fraction(fraction) == pytest.approx(d, abs=1e-9)


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_sprinkled_diamond(dimension):
    """Ordering fraction, chains of three and abundances from one ensemble."""
    rng = np.random.default_rng(100 + dimension)
    fractions, triples, abundances = [], [], []
    for _ in range(60):
        causet = sprinkle_diamond(dimension, 1000, rng)
        fractions.append(ordering_fraction(causet))
        abundances.append(interval_abundances(causet, 2))
        triples.append(chain_counts(causet, 3)[2] / 1000**3)
    mean_within(fractions, expected_ordering_fraction(dimension))
    mean_within(abundances, expected_abundances(dimension, 1000, 2))
    chains_of_three = {2: 1 / 36, 3: 0.00380952, 4: 0.00047619}  # Meyer 1988
    assert np.mean(triples) == pytest.approx(chains_of_three[dimension], rel=0.05)


def test_expected_abundances_against_published_values():
    table = {
        2: [5493.456, 4500.941, 4007.926],
        3: [14958.02, 8123.77, 5961.41],
        4: [17803.47, 6146.17, 3716.37],
    }
    for dimension, values in table.items():
        got = expected_abundances(dimension, 1000, 2)
        # as printed: three decimals for d = 2, two for the others
        assert got == pytest.approx(values, abs=1e-3 if dimension == 2 else 5e-3)
    two = [expected_abundances(2, n, 0)[0] for n in (100, 10)]
    assert two == pytest.approx([324.4210, 12.67781], abs=1e-4)
    for dimension in (2, 3, 4):  # all intervals together are all relations
        total = expected_abundances(dimension, 60, 400).sum()
        relations = 60**2 * expected_ordering_fraction(dimension) / 2
        assert total == pytest.approx(relations, rel=1e-10)


def expected_action(dimension, n):
    """Mean core action of Poisson sprinklings of the flat diamond."""
    weights = np.array(CORE_WEIGHTS[dimension])
    counts = expected_abundances(dimension, n, len(weights) - 1)
    return n + weights @ counts


def test_expected_action():
    for n in (1, 10, 100, 1000):
        assert expected_action(2, n) == pytest.approx(1 - math.exp(-n), abs=1e-7)
    assert expected_action(3, 1000) == pytest.approx(46.5219, abs=1e-3)
    assert expected_action(4, 1000) == pytest.approx(145.6108, abs=1e-3)
    assert expected_action(3, 100) == pytest.approx(17.9106, abs=1e-3)
    assert expected_action(4, 100) == pytest.approx(37.3606, abs=1e-3)


def test_expected_action_tends_to_the_volume_of_the_joint():
    limits = {
        3: lambda n: 6 * math.gamma(5 / 3) * n ** (1 / 3),
        4: lambda n: 3 * math.sqrt(math.pi * n),
    }
    ratios = {
        d: [expected_action(d, n) / limit(n) for n in (1000, 2000, 4000)]
        for d, limit in limits.items()
    }
    assert ratios[3][:2] == pytest.approx([0.859, 0.887], abs=6e-4)
    assert ratios[4][:2] == pytest.approx([0.866, 0.897], abs=6e-4)
    assert ratios[3][2] == pytest.approx(0.90957, abs=1e-4)
    assert ratios[4][2] == pytest.approx(0.92074, abs=1e-4)


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_smeared_action_is_the_mean_over_thinnings(dimension):
    """Enumerated over all subsets of posets with up to 11 elements."""
    rng = np.random.default_rng([8, dimension])
    for size in (3, 8, 11):
        dag = np.triu(rng.random((size, size)) < 0.35, 1)
        causet, keep = Causet.from_order(dag, close=True), rng.uniform(0.1, 0.9)
        terms = []
        for chosen in product((False, True), repeat=size):
            kept = np.flatnonzero(chosen)
            weight = keep ** len(kept) * (1 - keep) ** (size - len(kept))
            terms.append(weight * action(causet.subset(kept), dimension))
        smeared = action(causet, dimension, smearing=keep)
        assert smeared == pytest.approx(math.fsum(terms), abs=1e-12)


def test_smearing_weights_of_two_dimensions():
    m, e = np.arange(20), 0.2
    f = (
        (1 - e) ** m
        - 2 * e * m * (1 - e) ** (m - 1.0)
        + 0.5 * e**2 * m * (m - 1) * (1 - e) ** (m - 2.0)
    )
    assert smearing_weights(2, 20, e) == pytest.approx(-2 * e**2 * f, abs=1e-13)


def test_smeared_action_of_sprinklings():
    rng = np.random.default_rng(9)
    values = [action(sprinkle_diamond(2, 200, rng), 2, 0.1) for _ in range(250)]
    assert np.mean(values) == pytest.approx(1.0, abs=0.2)
    assert np.std(values) == pytest.approx(0.82, rel=0.15)


@pytest.mark.parametrize(
    ("size", "mean", "variance"), [(1000, -1.615, 0.72), (10_000, -1.659, 0.74)]
)
def test_longest_increasing_subsequence(size, mean, variance):
    """Against the finite-size values; the limits -1.7711, 0.8132 arrive slowly."""
    rng = np.random.default_rng([10, size])
    lengths = [longest(rng.permutation(size)) for _ in range(2000)]
    z = (np.array(lengths) - 2 * np.sqrt(size)) / size ** (1 / 6)
    assert z.mean() == pytest.approx(mean, abs=0.08)
    assert z.var() == pytest.approx(variance, abs=0.07)


@pytest.mark.parametrize(
    ("dimension", "values"),
    [(3, [(1.885, 0.006), (1.988, 0.006)]), (4, [(1.764, 0.006), (1.909, 0.008)])],
)
def test_heights_of_diamonds_grow_towards_their_limit(dimension, values):
    """L / N^(1/d) at N = 1000 and 4000, with the standard errors of the record."""
    rng = np.random.default_rng([20, dimension])
    upper = 2 ** (1 - 1 / dimension) * math.e / dimension
    upper *= math.gamma(dimension + 1) ** (1 / dimension)  # Brightwell, Gregory 1991
    means = []
    for size, (expected, error) in zip((1000, 4000), values, strict=True):
        sample = [
            heights(sprinkle_diamond(dimension, size, rng, fixed=True)).max()
            for _ in range(60)
        ]
        scaled = np.array(sample) / size ** (1 / dimension)
        error = math.hypot(error, scaled.std(ddof=1) / math.sqrt(len(scaled)))
        means.append(scaled.mean())
        assert abs(means[-1] - expected) < 4 * error
    assert means[0] < means[1] < upper


def test_longest_increasing_subsequence_of_all_permutations_of_four():
    lengths = [
        longest_chain(Causet.from_ranks(range(4), p)).length
        for p in permutations(range(4))
    ]
    assert sum(lengths) == 58


@pytest.mark.parametrize(("columns", "dimension"), [(3, 2.8889), (4, 3.7338)])
def test_product_order_is_not_minkowski(columns, dimension):
    rng = np.random.default_rng(13)
    fractions = [
        ordering_fraction(Causet.from_dominance(rng.random((400, columns))))
        for _ in range(40)
    ]
    mean_within(fractions, 2.0 ** (1 - columns))
    assert dimension_of_fraction(2.0 ** (1 - columns)) == pytest.approx(
        dimension, abs=1e-4
    )


def test_longest_chain_of_a_box():
    rng = np.random.default_rng(16)
    lengths = []
    for _ in range(200):
        t, x = rng.random((2, 1000))
        lengths.append(heights(Causet.from_ranks(t + x, t - x)).max())
    assert np.mean(lengths) == pytest.approx(45.9, abs=0.6)


def test_global_dimension_interval_covers_the_truth():
    rng = np.random.default_rng(17)
    for dimension in (2, 3, 4):
        hits = 0
        for _ in range(40):
            estimate = myrheim_meyer_dimension(sprinkle_diamond(dimension, 300, rng))
            hits += estimate.low <= dimension <= estimate.high
        assert hits >= 34, (dimension, hits)


def test_diamond_points_fill_the_diamond_evenly():
    rng = np.random.default_rng(19)
    for dimension in (2, 3, 4):
        points = diamond_points(dimension, 20_000, rng)
        height = 1 - np.abs(points[:, 0]) - np.linalg.norm(points[:, 1:], axis=1)
        assert (height > 0).all()
        late = np.abs(points[:, 0]) > 0.5  # share of the tips: 2**-d
        assert late.mean() == pytest.approx(2.0**-dimension, abs=0.012)
