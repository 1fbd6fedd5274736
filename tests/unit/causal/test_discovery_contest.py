from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from qglib.causal.discovery_contest import (
    DIAMOND,
    SYSTEMS,
    diamond_system,
    discovery_contest,
)
from qglib.causal.graphs import compelled_arrows, cpdag


@pytest.mark.parametrize("noise", ["uniform", "Gaussian"])
def test_covariance_of_the_linear_systems_is_that_of_their_paths(noise: str) -> None:
    data = diamond_system(f"linear, {noise}", 200_000, np.random.default_rng(0))
    gains = np.zeros((5, 5))
    for a, b in DIAMOND:
        gains["abcde".index(b), "abcde".index(a)] = 0.8
    total = np.linalg.inv(np.eye(5) - gains)
    assert np.allclose(np.cov(data.T), total @ total.T, atol=0.06)
    tails = data["a"].kurt()  # 0 for a Gaussian, -6/5 for a uniform variable
    assert tails == pytest.approx(0 if noise == "Gaussian" else -1.2, abs=0.05)


def test_curved_system_bends_its_effects() -> None:
    data = diamond_system("curved, uniform", 200_000, np.random.default_rng(1))
    a, rest = data["a"], data["b"]
    rest = rest - 1.5 * np.sin(1.5 * a) - 0.3 * a**2
    assert rest.var() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(rest, a)[0, 1]) < 0.01


def test_contest_scores_arrows_against_the_graph_itself() -> None:
    methods = {
        "empty": {"method": "empty"},
        "exact": {"method": "exact"},
        "lingam": {"method": "lingam"},
    }
    rng = np.random.default_rng(2)
    table = discovery_contest(methods, 400, 6, rng, SYSTEMS[:2])
    assert (table.loc["empty"] == 0).all()
    uniform, gauss = table[SYSTEMS[0]], table[SYSTEMS[1]]
    # a class holds two arrows, non-Gaussian noise all five
    assert len(compelled_arrows(cpdag(nx.DiGraph(DIAMOND)))) == 2
    assert uniform.loc["exact", "right"] < 3 < 4.5 < uniform.loc["lingam", "right"]
    assert (uniform["pairs"].drop("empty") > 4.5).all()
    assert gauss.loc["lingam", "right"] < 3  # Gaussian noise identifies none of them
    again = discovery_contest(methods, 400, 6, np.random.default_rng(2), SYSTEMS[:2])
    pd.testing.assert_frame_equal(table, again)


def test_bad_input() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="choose one of"):
        diamond_system("square, uniform", 100, rng)
    with pytest.raises(ValueError, match="20 rows"):
        diamond_system(SYSTEMS[0], 5, rng)
    with pytest.raises(ValueError, match="n_tables"):
        discovery_contest({"empty": {"method": "empty"}}, 100, 0, rng)
