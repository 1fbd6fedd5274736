"""Is an order like a flat space-time? A battery with a verdict and its reasons.

The inside of an Alexandrov interval of flat space-time with n elements is a uniform
sample of n points in a diamond: a hypothesis with an exact simulated null.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from qglib.spacetime import observables
from qglib.spacetime.causet import Causet
from qglib.spacetime.sprinkling import sprinkle_diamond

_DIMENSIONS = (2, 3, 4)
_REFERENCE_SEED = 20_260_102
_LEVEL = 0.01  # smallest p-value that licenses geometric language
_LEAST, _MOST = 20, 192  # elements compared; larger sets are thinned
_DRAWS = 100  # sprinklings per dimension for fit and again for calibration


class ManifoldVerdict(NamedTuple):
    """What the battery says; in flat space-time the last two dimensions agree."""

    licensed: bool  # whether flat diamonds of some dimension explain the order
    dimension: int  # that explains it best (2, 3 or 4)
    pvalue: float  # of that dimension; the verdict asks for at least 0.01
    pvalues: dict[int, float]  # per dimension
    myrheim_meyer: float  # dimension read from the ordering fraction
    midpoint: float  # dimension read from the best midpoint
    reasons: tuple[str, ...]  # a phrase per observable beyond 3 standard deviations

    def __str__(self) -> str:
        """The verdict as notebooks print it."""
        if self.licensed:
            return f"geometry licensed: like a flat diamond in d = {self.dimension}"
        return f"geometry not licensed: {'; '.join(self.reasons)}"


def _observe(causet: Causet) -> dict[str, float]:
    """The battery on an open interval, on scales where it is nearly Gaussian."""
    counts = observables.interval_abundances(causet, 14)
    binned = [counts[0], counts[1:3].sum(), counts[3:7].sum(), counts[7:].sum()]
    links, small, middle, large = np.log1p(binned)
    down, up = causet.degrees()
    return {
        "ordering fraction": observables.ordering_fraction(causet),
        "height": observables.heights(causet).max(),
        "links": links,
        "intervals with 1-2 elements": small,
        "intervals with 3-6 elements": middle,
        "intervals with 7-14 elements": large,
        "minimal elements": np.log((down == 0).sum()),
        "maximal elements": np.log((up == 0).sum()),
        "midpoint share": np.minimum(up, down).max() / causet.size,
    }


@lru_cache(maxsize=64)
def _reference(dimension: int, size: int) -> tuple[np.ndarray, ...]:
    """Mean, sd, inverse correlation and null distances of flat sprinklings."""
    rng = np.random.default_rng([_REFERENCE_SEED, dimension, size, _DRAWS])
    made = (sprinkle_diamond(dimension, size, rng, True) for _ in range(2 * _DRAWS))
    sample = np.array([list(_observe(one).values()) for one in made])
    fit, calibration = np.split(sample, 2)
    mean, sd = fit.mean(axis=0), np.maximum(fit.std(axis=0), 1e-9)
    correlation = np.corrcoef((fit - mean) / sd, rowvar=False)
    correlation = np.nan_to_num(correlation) + 0.05 * np.eye(len(mean))
    inverse = np.linalg.inv(correlation)
    z = (calibration - mean) / sd
    return mean, sd, inverse, np.sort(np.einsum("ij,jk,ik->i", z, inverse, z))


def largest_interval(causet: Causet) -> Causet:
    """The open interval with most elements (the whole set if it has none)."""
    # only pairs of a minimal and a maximal element need to be looked at
    before, after = causet.degrees()
    maximal, best, ends = np.flatnonzero(after == 0), 0, None
    for i in np.flatnonzero(before == 0).tolist():
        later = maximal[maximal > i]
        sizes = np.bitwise_count(causet.future[i] & causet.past[later]).sum(axis=1)
        if len(sizes) and sizes.max() > best:
            best, ends = int(sizes.max()), (i, int(later[sizes.argmax()]))
    return causet if ends is None else causet.interval(*ends)


def manifold_likeness(
    causet: Causet, rng: np.random.Generator, scope: str = "interval"
) -> ManifoldVerdict:
    """Compare an order with sprinklings of flat diamonds in d = 2, 3 and 4.

    Args:
        causet: the order.
        rng: thins sets of more than 192 elements (a thinned sprinkling is one).
        scope: "interval" judges the largest Alexandrov interval, "whole" takes
            the set itself, of at least 4 elements, for a diamond.

    Returns:
        `ManifoldVerdict`; passing is necessary, not sufficient, for geometry. The 200
        sprinklings per dimension are simulated once per size, from their own seed.
    """
    observables.check_size(causet, 4)
    if scope not in ("interval", "whole"):
        raise ValueError(f'scope is {scope!r}: choose "interval" or "whole"')
    part = largest_interval(causet) if scope == "interval" else causet
    if part.size < _LEAST:
        reason = f"the largest interval has {part.size} elements, {_LEAST} are needed"
        return ManifoldVerdict(False, 2, 0.0, {}, np.nan, np.nan, (reason,))
    if part.size > _MOST:
        part = part.subset(rng.permutation(part.size)[:_MOST])
    seen, pvalues, deviations = _observe(part), {}, {}
    for d in _DIMENSIONS:
        mean, sd, inverse, null = _reference(d, part.size)
        z = (np.array(list(seen.values())) - mean) / sd
        above = len(null) - np.searchsorted(null, z @ inverse @ z)
        pvalues[d] = float((1 + above) / (len(null) + 1))
        deviations[d] = z
    best = min(_DIMENSIONS, key=lambda d: (-pvalues[d], np.abs(deviations[d]).sum()))
    licensed, reasons = pvalues[best] >= _LEVEL, tuple[str, ...]()
    if not licensed:
        table = zip(seen, deviations[best].tolist(), strict=True)
        reasons = tuple(
            f"{name} {value:+.1f} sd from d = {best}"
            for name, value in sorted(table, key=lambda item: -abs(item[1]))
            if abs(value) > 3
        ) or (f"the observables do not go together as in d = {best}",)
    order = observables.myrheim_meyer_dimension(part).dimension
    half = observables.midpoint_dimension(part)
    return ManifoldVerdict(licensed, best, pvalues[best], pvalues, order, half, reasons)
