"""Power of the causal-set independence test against ten rivals.

Question: is the test ahead of MGC on the twenty simulations of hyppo 0.5.2 and on
families of pairs that had no part in its making, at a tenth of MGC's time?

Protocol: p = 1; n = 50, 100, 200; noise multiplier kappa = 0, 1, 2 (hyppo types it
as bool but multiplies with it: its type check is replaced while samples are
drawn); 400 samples a cell, 2000 of multimodal_independence, which is the null;
level .05. Every method sees the same samples, so differences are paired. Raw-value
rivals: null of 1000 fresh samples of the same simulation with y permuted (500 for
each structure of the families). Rank tests: one null per n. Ties are broken at
random for rank tests, and seen by raw-value tests.

`python -m bench.studies.independence_benchmark collect 0 2` computes the raw-value
rivals of every second job into a scratch folder (restartable); after both parts,
`... evaluate` adds the rank tests and writes the record. Runtime: about 35 minutes
of one core for the first, 5 for the second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

from qglib.record import ROOT, versions, write_json
from qglib.spacetime.independence import NullTable, independence_test, null_table
from qglib.spacetime.null_tables import _scores, fisher
from qglib.spacetime.rank_observables import rank_observables

from . import families, rivals

SEED = 20_261_124
SIZES = (50, 100, 200)
KAPPAS = (0, 1, 2)
SAMPLES, NULL_SAMPLES = 400, 1000
FAMILY_N, FAMILY_SAMPLES, FAMILY_NULL = 100, 80, 500
LEVEL = 0.05
SIMULATIONS = (
    "linear exponential cubic joint_normal step quadratic w_shaped spiral "
    "uncorrelated_bernoulli logarithmic fourth_root sin_four_pi sin_sixteen_pi "
    "square two_parabolas circle ellipse diamond multiplicative_noise "
    "multimodal_independence"
).split()
NULL_SIMULATION = "multimodal_independence"
NOISELESS = ("multiplicative_noise", NULL_SIMULATION)  # take no noise argument
DRAWS = 20_000  # of each of the two null samples of a rank test
MAIN, REFERENCE = "causal_set", "mgc"
OTHER_FORMS = ("f9", "causal_set_short_reach")
SCRATCH = Path(tempfile.gettempdir()) / "independence_benchmark"
RECORD = ROOT / "data" / "reference" / "results" / "independence_power.json"

Job = tuple[str, str, int, int]  # family, kind, kappa or index, n


def hyppo_samples(
    name: str, kappa: int, n: int, count: int, null: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Samples of one simulation of hyppo, or fresh ones with y permuted.

    Returns:
        x and y, each float64 of shape (count, n).
    """
    from hyppo.tools import SIMULATIONS as functions

    module = sys.modules["hyppo.tools.indep_sim"]
    kappa = 0 if name in NOISELESS else kappa
    key = [SEED, SIMULATIONS.index(name), kappa, n, int(null)]
    options = {} if name in NOISELESS else {"noise": kappa}
    x, y = np.empty((2, count, n))
    before = np.random.get_state()  # noqa: NPY002 - hyppo draws from global state
    try:
        np.random.seed(np.random.SeedSequence(key).generate_state(4))  # noqa: NPY002
        with patch.object(module._CheckInputs, "__call__", lambda self, **_: None):
            for k in range(count):
                first, second = functions[name](n, 1, **options)
                x[k], y[k] = first[:, 0], second[:, 0]
                if null:
                    y[k] = np.random.permutation(y[k])  # noqa: NPY002
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return x, y


def jobs() -> Iterator[Job]:
    """All cells, small n first."""
    for n in SIZES:
        for name in SIMULATIONS:
            for kappa in KAPPAS[:1] if name in NOISELESS else KAPPAS:
                yield "hyppo", name, kappa, n
        if n == FAMILY_N:
            for family, kinds in families.FAMILIES.items():
                for kind in kinds:
                    for index in range(families.STRUCTURES):
                        yield family, kind, index, n


def job_samples(job: Job, null: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The samples of a job, shape (count, n) each."""
    family, kind, level, n = job
    if family != "hyppo":
        count = FAMILY_NULL if null else FAMILY_SAMPLES
        return families.samples(family, kind, level, n, count, null)
    count = 5 * SAMPLES if kind == NULL_SIMULATION else SAMPLES
    return hyppo_samples(kind, level, n, NULL_SAMPLES if null else count, null)


def ranks(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Permutations of samples (count, n): y-ranks in x order, ties at random."""
    first = np.lexsort((rng.random(x.shape), x), axis=1)
    second = np.lexsort((rng.random(x.shape), y), axis=1)
    rank = np.empty_like(second)
    np.put_along_axis(rank, second, np.arange(x.shape[1])[None], axis=1)
    return np.take_along_axis(rank, first, axis=1)


def job_permutations(job: Job) -> np.ndarray:
    """The samples of a job as every rank test sees them, shape (count, n)."""
    words = [SEED, *"/".join(map(str, job)).encode()]
    return ranks(*job_samples(job), np.random.default_rng(words))


def raw_table(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """MGC and the columns of `rivals.raw_statistics`: shape (count, 8)."""
    return np.array(
        [
            [rivals.mgc(a, b), *rivals.raw_statistics(a, b)]
            for a, b in zip(x, y, strict=True)
        ]
    )


def collect(part: int, parts: int, scratch: Path = SCRATCH) -> None:
    """Compute the raw-value rivals of one part of the jobs; skip what is there."""
    from tqdm import tqdm

    scratch.mkdir(parents=True, exist_ok=True)
    todo = list(jobs())[part::parts]
    for job in tqdm(todo, desc="raw-value rivals", mininterval=20):
        path = scratch / ("-".join(map(str, job)) + ".npz")
        if path.exists():
            continue
        tables = {
            name: raw_table(*job_samples(job, null))
            for name, null in (("observed", False), ("null", True))
        }
        np.savez(path.with_suffix(".part.npz"), **tables)
        path.with_suffix(".part.npz").rename(path)


# ------------------------------------------------------------------ rank methods
def causal_set_table(n: int, draws: int) -> NullTable:
    """Null table of the causal-set test, the same at every call."""
    return null_table(n, np.random.default_rng([SEED, n, 1]), draws)


def causal_set_pvalues(n: int, draws: int) -> Callable[[np.ndarray], dict]:
    """The causal-set test as a function of permutations (samples, n)."""
    table = causal_set_table(n, draws)

    def evaluate(permutations: np.ndarray) -> dict[str, np.ndarray]:
        found = [table.pvalue(table.statistic(p)) for p in permutations]
        return {MAIN: np.array(found)}

    return evaluate


F9 = (
    "relations chains action abundances boundary surplus roughness fullest past_volume"
).split()
"""Groups of the earlier recipe, families of observables that the library keeps."""


def _group_forms(n: int, fit: np.ndarray) -> dict[str, list[Callable]]:
    """Group statistics of the two forms beside the final recipe, from fit draws."""
    observe = rank_observables(n)
    family, mean, sd = np.array(observe.families), fit.mean(axis=0), fit.std(axis=0)
    live = sd > 1e-9
    ordered = np.sort(fit, axis=0)

    def columns(*names: str) -> np.ndarray:
        return np.flatnonzero(np.isin(family, names) & live)

    def standard(v: np.ndarray, m: np.ndarray) -> np.ndarray:
        return (v[:, m] - mean[m]) / sd[m]

    def metric(m: np.ndarray, ridge: float) -> Callable:
        def scores(v: np.ndarray) -> np.ndarray:
            return _scores(v[:, m], ordered[:, m], mean[m], sd[m])

        correlation = np.corrcoef(scores(fit), rowvar=False).reshape(len(m), -1)
        inverse = np.linalg.inv(correlation + ridge * np.eye(len(m)))
        return lambda v: np.einsum("ij,jk,ik->i", w := scores(v), inverse, w)

    def squares(*names: str) -> Callable:
        m = columns(*names)
        return lambda v: (standard(v, m) ** 2).sum(axis=1)

    waves = [
        k
        for k in columns("waves")
        if max(map(int, observe.names[k].removeprefix("waves_").split("x"))) <= 16
    ]
    return {
        "f9": [metric(columns(name), 0.1) for name in F9],
        "causal_set_short_reach": [
            squares("inside", "beside", "beyond"),
            squares("inside", "beside"),
            squares("fullest"),
            metric(columns("chains"), 0.01),
            lambda v: (np.maximum(standard(v, waves), 0) ** 2).sum(axis=1),
            lambda v: standard(v, waves).max(axis=1),
        ],
    }


def other_forms_pvalues(n: int, draws: int) -> Callable[[np.ndarray], dict]:
    """Two other forms: nine groups (F9), and the recipe with waves up to 16 only.

    The second leaves separations and waves beyond 16 out; on the training copulas
    it does as well as the final recipe.
    """
    rng, observe = np.random.default_rng([SEED, n, 6]), rank_observables(n)
    fit, calibration = (
        np.array([observe(rng.permutation(n)) for _ in range(draws)]) for _ in range(2)
    )
    forms = _group_forms(n, fit)
    group_null = {name: [np.sort(form(fit)) for form in forms[name]] for name in forms}

    def statistics(values: np.ndarray) -> dict[str, np.ndarray]:
        return {
            name: fisher(
                np.array(
                    [
                        (1 + draws - np.searchsorted(null, form(values))) / (draws + 1)
                        for form, null in zip(
                            forms[name], group_null[name], strict=True
                        )
                    ]
                ).T
            )
            for name in forms
        }

    null = statistics(calibration)

    def evaluate(permutations: np.ndarray) -> dict[str, np.ndarray]:
        found = statistics(np.array([observe(p) for p in permutations]))
        return {name: rivals.pvalues(found[name], null[name]) for name in found}

    return evaluate


def sizes(draws: int = DRAWS) -> list[dict[str, float]]:
    """Rejection rate of the causal-set test on fresh null permutations."""
    rows = []
    for n in SIZES:
        rng, test = np.random.default_rng([SEED, n, 7]), causal_set_pvalues(n, draws)
        found = test(np.array([rng.permutation(n) for _ in range(draws)]))[MAIN]
        rows.append({"n": n, "samples": draws, "size": (found <= LEVEL).mean()})
    return rows


def job_pvalues(job: Job, rank_tests: list[Callable], scratch: Path) -> dict:
    """p-values of every method on the samples of one job."""
    with np.load(scratch / ("-".join(map(str, job)) + ".npz")) as stored:
        observed, null = stored["observed"], stored["null"]
    x, y = (values[0] for values in job_samples(job))
    if abs(rivals.mgc(x, y) - observed[0, 0]) > 1e-12:
        raise RuntimeError(f"the samples of {job} changed since they were measured")
    result = {"mgc": rivals.pvalues(observed[:, 0], null[:, 0])}
    result |= rivals.raw_pvalues(observed[:, 1:], null[:, 1:])
    permutations = job_permutations(job)
    for test in rank_tests:
        result |= test(permutations)
    return result


def rejections(scratch: Path = SCRATCH, draws: int = DRAWS) -> dict[Job, dict]:
    """Rejections at `LEVEL`, boolean arrays by job and method."""
    from tqdm import tqdm

    found: dict[Job, dict] = {}
    for n in SIZES:
        known = rivals.rank_rivals(n, np.random.default_rng([SEED, n, 2]), draws)
        tests = [
            causal_set_pvalues(n, draws),
            other_forms_pvalues(n, draws),
            known.pvalues,
        ]
        for job in tqdm([j for j in jobs() if j[3] == n], desc=f"n = {n}"):
            values = job_pvalues(job, tests, scratch)
            found[job] = {m: p <= LEVEL for m, p in values.items()}
    return found


# ------------------------------------------------------------------ time, slice
def times(repeats: int = 40, draws: int = DRAWS) -> list[dict[str, float]]:
    """Milliseconds of one statistic, methods taken in turn in one process.

    The causal-set number is a whole test from x and y with the table kept; MGC is
    hyppo's statistic, and its permutation test of 1000 permutations is counted as
    1000 statistics.
    """
    from hyppo.independence import MGC
    from scipy.stats import kendalltau

    rng, rows = np.random.default_rng([SEED, 4]), []
    for n in SIZES:
        table = causal_set_table(n, draws)
        calls = {
            MAIN: lambda x, y, table=table: independence_test(x, y, null=table),
            REFERENCE: lambda x, y: MGC().statistic(x[:, None], y[:, None]),
            "mgc_scipy_kernel": rivals.mgc,
            "hhg": rivals.heller_heller_gorfine,
            "kendall": kendalltau,
        }
        spent: dict[str, list[float]] = {name: [] for name in calls}
        for repeat in range(repeats + 2):
            x, y = rng.normal(size=(2, n))
            for name, call in calls.items():
                began = time.perf_counter()
                call(x, y)
                if repeat > 1:  # the first calls compile
                    spent[name].append(1e3 * (time.perf_counter() - began))
        row = {name: float(np.median(v)) for name, v in spent.items()}
        ratio = row[MAIN] / row[REFERENCE]
        rows.append({"n": n, **row, "ratio": ratio, "ratio_1000": ratio / 1000})
    return rows


def slice_power(
    simulation: str = "circle",
    kappa: int = 1,
    n: int = 50,
    samples: int = 40,
    draws: int = 2000,
) -> dict[str, float]:
    """Power of three tests in one small cell: the first samples of the record's.

    The rank tests take `draws` null draws instead of the record's, Dcorr 200
    permuted samples.
    """
    x, y = hyppo_samples(simulation, kappa, n, samples)
    null = hyppo_samples(simulation, kappa, n, 200, null=True)
    permutations = ranks(x, y, np.random.default_rng([SEED, 5]))
    found = causal_set_pvalues(n, draws)(permutations)
    known = rivals.rank_rivals(n, np.random.default_rng([SEED, n, 2]), draws)
    found["kendall"] = known.pvalues(permutations)["kendall"]
    observed, under = (
        np.array([rivals.raw_statistics(a, b) for a, b in zip(*pair, strict=True)])
        for pair in ((x, y), null)
    )
    found["dcorr"] = rivals.raw_pvalues(observed, under)["dcorr"]
    names = (MAIN, "kendall", "dcorr")
    return {m: round(float((found[m] <= LEVEL).mean()), 6) for m in names}


def evaluate() -> None:
    """Add the rank tests, summarise and write the record."""
    from .power_tables import rounded, summarise

    found = rejections()
    summary = summarise(found)
    settings = {
        "seed": SEED,
        "family_seed": families.SEED,
        "sizes": list(SIZES),
        "kappas": list(KAPPAS),
        "samples": SAMPLES,
        "samples_of_the_null_simulation": 5 * SAMPLES,
        "raw_null_samples": NULL_SAMPLES,
        "family_structures_per_kind": families.STRUCTURES,
        "family_n": FAMILY_N,
        "family_samples": FAMILY_SAMPLES,
        "family_raw_null_samples": FAMILY_NULL,
        "rank_null_draws": [DRAWS, DRAWS],
        "level": LEVEL,
    }
    content = {
        "study": "independence_power",
        "question": __doc__.split("Question: ")[1].split("\n\n")[0].replace("\n", " "),
        "settings": settings,
        "versions": versions() | {"hyppo": "0.5.2"},
        **summary,
        "size_fresh_nulls": sizes(),
        "times_ms": times(),
        "slice": slice_power(),
    }
    write_json(RECORD, rounded(content))


if __name__ == "__main__":
    if sys.argv[1:2] == ["collect"]:
        collect(int(sys.argv[2]), int(sys.argv[3]))
    else:
        evaluate()
