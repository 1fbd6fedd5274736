from __future__ import annotations

import numpy as np
import pytest

from qglib.causal import (
    draw_search,
    layered_graph,
    quantum_path,
    search_cost,
    search_scaling,
)
from qglib.quantum import grover_search


def instance(layers: int, width: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (layers - 1, width, width)
    return list(rng.uniform(0.1, 1, shape) * rng.choice([-1, 1], shape))


@pytest.mark.parametrize(("layers", "width", "qubits"), [(3, 2, 3), (3, 4, 6)])
def test_every_method_finds_the_path_of_dynamic_programming(
    layers: int, width: int, qubits: int
) -> None:
    found = quantum_path(
        instance(layers, width, 0), 3, np.random.default_rng(1), starts=3, n_runs=50
    )
    assert found.n_qubits == qubits
    assert found.table.loc["dynamic programming", "calls"] == (layers - 1) * width**2
    uniform = found.table.loc["uniform guessing", "success"]
    assert uniform == pytest.approx(width**-layers)
    assert found.table.loc["QAOA, depth 3", "success"] > 2 * uniform
    assert found.table.loc["quantum minimum finding", "success"] > 0.9
    values = [abs(v) for _, v in found.exact.alternatives]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("qubits", "success"), [(4, 0.961319), (6, 0.996586), (8, 0.999947)]
)
def test_grover_circuit_reaches_the_published_success(
    qubits: int, success: float
) -> None:
    found = grover_search(qubits, 3)
    assert found.success == pytest.approx(success, abs=1e-6)
    assert found.closed_form == pytest.approx(success, abs=1e-6)


def test_search_cost_grows_like_the_root_of_the_paths() -> None:
    means = []
    for layers in (3, 5):
        runs = search_cost(instance(layers, 4, 0), np.random.default_rng(0), 300)
        n, edges = 4**layers, (layers - 1) * 16
        assert runs["found"].mean() > 0.95
        assert 1 < runs["calls"].mean() < 22.5 * np.sqrt(n) + 1.4 * np.log2(n) ** 2
        worked = runs["calls"] * (layers - 1)
        assert np.allclose(runs["log10_ratio"], np.log10(edges / worked))
        means.append(runs["calls"].mean())
    assert 2 < means[1] / means[0] < 8  # sqrt(16) = 4


def test_scaling_table_and_figure() -> None:
    costs = search_scaling((3, 4), np.random.default_rng(0), width=2, n_runs=50)
    assert list(costs.index) == [8, 16]
    assert (costs["low"] <= costs["effect"]).all()
    assert (costs["effect"] <= costs["high"]).all()
    found = quantum_path(instance(3, 2, 0), 1, np.random.default_rng(1), n_runs=20)
    wide = search_scaling(3, np.random.default_rng(0), width=(2, 4), n_runs=50)
    assert list(wide.index) == [8, 64]
    fig = draw_search(found, {"longer": costs, "wider": wide})
    legend = [text.get_text() for text in fig.axes[1].get_legend().get_texts()]
    assert legend == ["longer", "wider"]
    assert len(fig.axes) == 2 and all(ax.get_xlabel() for ax in fig.axes)


def test_layered_graph_and_bad_input() -> None:
    tables = instance(3, 2, 0)
    graph = layered_graph(tables)
    assert graph.number_of_nodes() == 8 and graph.number_of_edges() == 12
    assert graph.edges[(0, 1), (1, 0)]["weight"] == tables[0][1, 0]
    tables[0][0, 0] = 0
    with pytest.raises(ValueError, match="coefficient is 0"):
        quantum_path(tables, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="powers of two"):
        quantum_path(instance(2, 3, 0), 1, np.random.default_rng(0))
