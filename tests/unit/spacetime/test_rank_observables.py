"""Observables of two rankings against plain loops and exact null means."""

import math
from itertools import permutations

import numpy as np
import pytest

from qglib.engines.orders.rank_kernels import pair_sums, past_table, separations
from qglib.spacetime import Causet, longest_chain
from qglib.spacetime.observables import chain_counts
from qglib.spacetime.rank_observables import rank_observables


# ------------------------------------------------- a plain and slow second version
def octave(mean):
    return min(max(math.floor(math.log2(mean)) + 2, 0), 8) if mean >= 0.5 else 0


def z_score(count, a, b, n):
    """Standardised hypergeometric count, its octave; None for a degenerate region."""
    if not (0 < a < n - 2 and 0 < b < n - 2):
        return None
    mean = a * b / (n - 2)
    spread = mean * (n - 2 - a) * (n - 2 - b) / ((n - 2) * (n - 3))
    return (count - mean) / math.sqrt(spread), octave(mean)


def regions_of(p, i, j):
    """(kind, count, a, b) of the regions cut out by the light rays of i and j."""
    n, low, high = len(p), min(p[i], p[j]), max(p[i], p[j])
    rising = p[i] < p[j]
    columns = [range(i), range(i + 1, j), range(j + 1, n)]
    rows = [range(low), range(low + 1, high), range(high + 1, n)]
    for u, column in enumerate(columns):
        for v, row in enumerate(rows):
            if u == v == 1:
                kind = "inside"
            elif u == 1 or v == 1:
                kind = "beside"
            elif (u == v) == rising:
                kind = "beyond"
            else:
                continue
            count = sum(p[k] in row for k in column)
            yield kind, count, len(column), len(row)


def reference(p):
    p = [int(rank) for rank in p]
    n = len(p)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    found = {}
    for side, related, _ranks in (
        ("up", lambda i, j: p[i] < p[j], p),
        ("down", lambda i, j: p[i] > p[j], [n - 1 - rank for rank in p]),
    ):
        relation = np.zeros((n, n))
        for i, j in pairs:
            relation[i, j] = related(i, j)
        operator = np.linalg.inv(np.eye(n) - relation)
        heights = np.zeros(n, int)
        for j in range(n):
            heights[j] = 1 + max(
                (heights[i] for i in range(j) if relation[i, j]), default=0
            )
        square = relation @ relation
        found |= {
            f"{side}_longest": heights.max(),
            f"{side}_chains_3": square.sum(),
            f"{side}_chains_4": (square @ relation).sum(),
            f"{side}_log_chains": math.log(operator.sum()),
        }
        for k in range(9):
            for name in ("inside", "beside", "beyond"):
                found[f"{side}_{name}_{k}"] = 0
            found[f"{side}_fullest_{k}"] = -3
        for i, j in pairs:
            if not related(i, j):
                continue
            for kind, count, a, b in regions_of(p, i, j):
                scored = z_score(count, a, b, n)
                if scored is None:
                    continue
                z, k = scored
                found[f"{side}_{kind}_{k}"] += z * z
                if kind == "inside":
                    name = f"{side}_fullest_{k}"
                    found[name] = max(found[name], z)
    found |= scale_reference(p)
    return found


def scale_reference(p):
    """Waves and separations, which exist at every n."""
    p = np.asarray(p)
    n, found = len(p), {}
    k = np.arange(1, 65)[:, None]
    wave = np.cos(k * np.pi * (np.arange(n) + 0.5) / n)
    energy = (2 / np.sqrt(n) * wave @ wave[:, p].T) ** 2
    for a in (1, 2, 4, 8, 16, 32, 64):
        for b in (1, 2, 4, 8, 16, 32, 64):
            if a * b <= 256 and max(a, b) < n:
                found[f"waves_{a}x{b}"] = energy[:a, :b].sum()
    for axis, ranks in (("x", p), ("y", np.argsort(p))):
        for k in range((n - 1).bit_length()):
            lags = range((1 << k) // 2 + 1, (1 << k) + 1)
            found[f"separation_{axis}_{1 << k}"] = sum(
                np.abs(ranks[lag:] - ranks[:-lag]).sum() for lag in lags if lag < n
            )
    return found


def shapes(n, rng):
    x = np.arange(n)
    trend, wave = x + 0.3 * n * rng.normal(size=n), np.sin(9 * x / n)
    yield from (rng.permutation(n), np.argsort(np.argsort(trend)), x, x[::-1])
    yield np.argsort(np.argsort(wave + 0.3 * rng.normal(size=n)))


@pytest.mark.parametrize("n", [7, 20, 35])
def test_against_plain_loops(n):
    observe = rank_observables(n)
    for p in shapes(n, np.random.default_rng(n)):
        expected = reference(p)
        assert set(expected) == set(observe.names)
        values = observe(p)
        wanted = np.array([expected[name] for name in observe.names], float)
        error = np.abs(values - wanted) / np.maximum(1, np.abs(wanted))
        assert error.max() < 1e-9, observe.names[error.argmax()]


def test_separations_reach_the_largest_lag():
    """Of 9 points in order: 8 at lag 8, which is a power of two, and so on."""
    octaves = [8 * 1, 7 * 2, 6 * 3 + 5 * 4, 4 * 5 + 3 * 6 + 2 * 7 + 1 * 8]
    assert separations(np.arange(9), 4, 512).tolist() == [octaves, octaves]


# ------------------------------------------------------------------- exact means
def exact_means(n):
    """Means over uniform random permutations of n ranks, at fixed n."""
    pairs = n * (n - 1)
    means = {}
    # Each choice of two columns and two rows holds a pair of each order with
    # probability 1 / (n (n - 1)), and E z^2 = 1.
    roughness = dict.fromkeys(("inside", "beside", "beyond"), 0)
    roughness = {kind: np.zeros(9) for kind in roughness}
    cuts = [(i, j - i - 1, n - 1 - j) for i in range(n) for j in range(i + 1, n)]
    cuts = np.array(cuts)
    for u in range(3):
        for v in range(3):
            kind = "inside" if u == v == 1 else "beside" if 1 in (u, v) else "beyond"
            if (u, v) in ((0, 2), (2, 0)):
                continue
            first, second = np.meshgrid(cuts[:, u], cuts[:, v], indexing="ij")
            live = (first > 0) & (second > 0) & (first < n - 2) & (second < n - 2)
            s, t = first[live], second[live]
            k = np.searchsorted(2.0 ** np.arange(-1, 7) * (n - 2), s * t, "right")
            roughness[kind] += np.bincount(k, minlength=9) / pairs
    for side in ("up", "down"):
        means |= {
            f"{side}_chains_3": math.comb(n, 3) / 6,
            f"{side}_chains_4": math.comb(n, 4) / 24,
        }
        for k in range(9):
            means |= {f"{side}_{kind}_{k}": roughness[kind][k] for kind in roughness}
    for s in (1, 2, 4, 8, 16, 32, 64):
        for t in (1, 2, 4, 8, 16, 32, 64):
            if s * t <= 256 and max(s, t) < n:
                means[f"waves_{s}x{t}"] = s * t * n / (n - 1)
    for k in range((n - 1).bit_length()):
        lags = range((1 << k) // 2 + 1, min(1 << k, n - 1) + 1)
        mean = sum(n - lag for lag in lags) * (n + 1) / 3
        means |= {f"separation_{axis}_{1 << k}": mean for axis in "xy"}
    return means


@pytest.mark.parametrize("n", [7, 8])
def test_means_over_every_permutation(n):
    observe = rank_observables(n)
    total = np.zeros(len(observe.names))
    for p in permutations(range(n)):
        total += observe(p)
    seen = dict(zip(observe.names, total / math.factorial(n), strict=True))
    for name, mean in exact_means(n).items():
        assert seen[name] == pytest.approx(mean, abs=1e-9 * max(1, abs(mean))), name


def test_means_of_many_points():
    n, draws = 50, 4000
    observe, rng = rank_observables(n), np.random.default_rng(31)
    sample = np.array([observe(rng.permutation(n)) for _ in range(draws)])
    mean, error = sample.mean(axis=0), sample.std(axis=0) / draws**0.5
    exact = exact_means(n)
    beyond = [
        abs(mean[c] - exact[name]) / error[c]
        for c, name in enumerate(observe.names)
        if name in exact and error[c] > 0
    ]
    assert len(beyond) > 70
    assert np.sort(beyond)[-1] < 4.5  # the largest of some 100


# ------------------------------------------------------------ agreement elsewhere
def test_observables_agree_with_the_causal_set():
    p = np.random.default_rng(26).permutation(60)
    observe = rank_observables(60)
    seen = dict(zip(observe.names, observe(p), strict=True))
    for side, ranks in (("up", p), ("down", 59 - p)):
        causet = Causet.from_ranks(range(60), ranks)
        assert seen[f"{side}_longest"] == longest_chain(causet).length
        assert seen[f"{side}_chains_4"] == chain_counts(causet, 4)[3]


def test_the_largest_number_of_chains_is_a_float():
    """A total order of 1000 points has 2^1000 - 1 chains."""
    p = np.arange(1000)
    chains = pair_sums(p, p, past_table(p, p))[0]
    assert chains[0, 2] == pytest.approx(1000 * math.log(2), rel=1e-12)
    assert chains[1, 2] == pytest.approx(math.log(1000), rel=1e-12)


def test_pairs_of_corners_count_all_points():
    """Regions of 12 corners among 40 points, and their chains, by plain loops."""
    p = np.random.default_rng(33).permutation(40)
    corners = np.linspace(0, 39, 12).round().astype(int)
    chains, *found = pair_sums(p, corners, past_table(p, corners))
    expected = np.zeros((4, 2, 9))
    expected[0] = -3
    kinds = "fullest", "inside", "beside", "beyond"
    for a, i in enumerate(corners):
        for j in corners[a + 1 :]:
            side = int(p[i] > p[j])
            for kind, count, u, v in regions_of(list(p), i, j):
                z, k = z_score(count, u, v, 40) or (0, 0)
                expected[kinds.index(kind), side, k] += z * z
                if kind == "inside" and z:
                    expected[0, side, k] = max(expected[0, side, k], z)
    assert np.array(found) == pytest.approx(expected, abs=1e-9)
    for side, ranks in enumerate((p[corners], -p[corners])):
        order = Causet.from_ranks(range(12), ranks)
        assert chains[side, :2] == pytest.approx(chain_counts(order, 4)[2:])


def test_nothing_jumps_from_1000_to_1001_points():
    """Observables of a tight cluster, in standard deviations of the null."""
    rng, z = np.random.default_rng(34), {}
    for n in (1000, 1001):
        observe = rank_observables(n)
        null = np.array([observe(rng.permutation(n)) for _ in range(40)])
        x, y = rng.random((2, n))
        x[:40], y[:40] = 0.5 + 0.01 * rng.random((2, 40))
        seen = observe(np.argsort(np.argsort(y[np.argsort(x)])))
        z[n] = (seen - null.mean(axis=0)) / np.maximum(null.std(axis=0), 1e-9)
    inside = [k for k, name in enumerate(observe.names) if "up_inside" in name]
    assert z[1001][inside].max() > 0.5 * z[1000][inside].max() > 5
