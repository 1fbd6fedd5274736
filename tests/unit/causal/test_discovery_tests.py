"""The tests that PC asks, and bootstrap confidence of every method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qglib.causal import (
    GaussianKernel,
    KernelTests,
    QuantumKernel,
    discover,
    fit_linear_model,
    load_network,
)
from qglib.causal.graphs import compelled_arrows


def collider(n: int, seed: int = 0) -> pd.DataFrame:
    """a -> c <- b, not linear: c = a^2 + sin(2 b) + noise."""
    rng = np.random.default_rng(seed)
    a, b, e = rng.normal(size=(3, n))
    return pd.DataFrame({"a": a, "b": b, "c": a**2 + 1.5 * np.sin(2 * b) + 0.3 * e})


def linear(noise: str, n: int = 600, seed: int = 0) -> pd.DataFrame:
    """a -> b -> c and a -> d, unit noise of the given shape."""
    e = getattr(np.random.default_rng(seed), noise)(size=(4, n))
    a = e[0]
    b = 0.8 * a + e[1]
    return pd.DataFrame({"c": 0.7 * b + e[2], "a": a, "d": -0.9 * a + e[3], "b": b})


@pytest.mark.parametrize("seed", range(10))
def test_pc_equals_that_of_causal_learn(seed: int) -> None:
    from causallearn.search.ConstraintBased.PC import pc

    rng = np.random.default_rng(seed)
    d = 6
    x = rng.normal(size=(200, d))
    for k in range(1, d):
        x[:, k] += x[:, :k] @ (rng.normal(size=k) * (rng.random(k) < 0.5))
    theirs = pc(x, 0.05, "fisherz", show_progress=False).G.graph
    found = discover(x, "pc", test="fisherz")
    skeleton = {frozenset(map(int, pair)) for pair in np.argwhere(theirs)}
    ours = {frozenset((int(a[1]), int(b[1]))) for a, b in found.edges}
    assert ours == skeleton
    arrows = {
        (int(i), int(j)) for j, i in np.argwhere((theirs == 1) & (theirs.T == -1))
    }
    assert {(int(a[1]), int(b[1])) for a, b in compelled_arrows(found)} == arrows


@pytest.mark.parametrize("test", [GaussianKernel(), QuantumKernel()])
def test_tests_that_see_more_than_lines_find_the_collider(test) -> None:
    data = collider(100)
    found = discover(data, "pc", test=test)
    assert set(found.edges) == {("a", "c"), ("b", "c")}
    assert not discover(data, "pc", test="fisherz").has_edge("a", "c")


def test_a_function_may_be_the_test() -> None:
    data, asked = collider(80), []

    def oracle(values):
        def pvalue(i, j, given):
            asked.append((i, j, tuple(given)))
            return float({i, j} == {0, 1} and not given)  # a and b are independent

        return pvalue

    found = discover(data, "pc", test=oracle)
    assert set(found.edges) == {("a", "c"), ("b", "c")}
    assert (0, 1, ()) in asked
    same = discover(data, "pc", test=lambda values: KernelTests(values, ridge=1e-3))
    kernel = discover(data, "pc", test=GaussianKernel())
    assert set(same.edges) == set(kernel.edges)


def test_conditions_are_bounded() -> None:
    rng = np.random.default_rng(1)
    common = rng.normal(size=(300, 2))
    x, y = (common.sum(1) + 0.7 * rng.normal(size=300) for _ in range(2))
    data = np.column_stack([common, x, y])
    free = discover(data, "pc", test=GaussianKernel())
    bound = discover(data, "pc", test=GaussianKernel(), max_conditioning=1)
    assert not free.has_edge("x2", "x3") and not free.has_edge("x3", "x2")
    assert bound.has_edge("x2", "x3") or bound.has_edge("x3", "x2")


CASES = [
    *((method, {}) for method in ("pc", "ges", "exact", "empty")),
    ("pc", {"test": GaussianKernel()}),
    ("pc", {"test": QuantumKernel()}),
]


@pytest.mark.parametrize(("method", "how"), CASES)
def test_every_method_has_bootstrap_confidence(method: str, how: dict) -> None:
    rng = np.random.default_rng(0)
    data = linear("laplace", 160)
    found = discover(data, method, n_bootstrap=6, rng=rng, **how)
    for _, _, edge in found.edges(data=True):
        assert 0 <= edge["arrow_confidence"] <= edge["confidence"] <= 1
    if method != "empty":
        pair = found.get_edge_data("a", "b") or found.get_edge_data("b", "a")
        assert pair["confidence"] >= 0.5
    else:
        assert not found.edges


def test_settings_that_do_not_fit_are_refused() -> None:
    numbers = collider(40)
    codes = load_network("asia").sample(60, np.random.default_rng(0))
    codes = codes[["smoke", "bronc", "dysp"]]
    cases = [
        (numbers, "pc", {"test": "oracle"}, "test must be one of"),
        (numbers, "pc", {"test": "chisq"}, "needs categories"),
        (codes, "pc", {"test": GaussianKernel()}, "needs numbers"),
        (codes, "pc", {"test": "fisherz"}, "needs numbers"),
        (numbers, "ges", {"test": "fisherz"}, "is for method='pc'"),
        (numbers, "exact", {"n_bootstrap": 2}, "default_rng"),
    ]
    for data, method, how, message in cases:
        with pytest.raises(ValueError, match=message):
            discover(data, method, **how)


def test_too_many_variables_for_exact_search_names_the_memory() -> None:
    data = np.random.default_rng(0).normal(size=(40, 24))
    with pytest.raises(ValueError, match=r"4\.83 GB.*method='ges' or 'pc'"):
        discover(data, "exact")


def test_a_class_is_no_dag() -> None:
    found = discover(linear("normal"), "exact")
    assert not compelled_arrows(found)
    with pytest.raises(ValueError, match=r"acyclic.*class_members"):
        fit_linear_model(found, linear("normal"))
