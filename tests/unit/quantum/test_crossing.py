"""The QUBO of a layered drawing against counting and brute force."""

from itertools import product

import numpy as np
import pytest

from qglib.quantum.crossing import crossing_qubo, draw_with_qaoa
from qglib.quantum.crossing_rivals import crossing_rivals, random_layers
from qglib.quantum.layered_orders import (
    barycentre_orders,
    brute_force_orders,
    count_crossings,
)


def random_edges(sizes, rng, share=0.5):
    return [
        (n, a, b)
        for n in range(len(sizes) - 1)
        for a, b in product(range(sizes[n]), range(sizes[n + 1]))
        if rng.random() < share
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_smallest_cost_is_the_crossing_number(seed):
    rng = np.random.default_rng(seed)
    sizes = (3, 4, 3)
    edges = random_edges(sizes, rng)
    qubo = crossing_qubo(sizes, edges)
    values = qubo.values()
    assert values.min() == brute_force_orders(sizes, edges)[1]
    orders = 0
    for state, value in enumerate(values):
        if value < qubo.penalty - 0.5:
            assert count_crossings(qubo.orders(state), edges) == value
            orders += 1
        else:
            with pytest.raises(ValueError, match="circle"):
                qubo.orders(state)
    assert orders == 6 * 24 * 6


def test_complete_bipartite_graph_has_its_known_crossings():
    edges = [(0, a, b) for a in range(3) for b in range(3)]
    assert brute_force_orders((3, 3), edges)[1] == 9  # C(3,2)**2
    assert barycentre_orders((3, 3), edges)[1] == 9


def test_qaoa_beats_guessing_and_finds_the_best_drawing():
    rng = np.random.default_rng(0)
    edges = random_edges((3, 4, 3), rng)
    found = draw_with_qaoa((3, 4, 3), edges, rng, depth=2)
    assert found.qubits == 12
    assert found.success > 3 * found.uniform
    assert found.crossings == count_crossings(found.orders, edges)
    assert found.optimum <= found.crossings
    assert found.optimum <= found.barycentre


def test_bad_graphs():
    with pytest.raises(ValueError, match="leaves the layers"):
        crossing_qubo((2, 2), [(1, 0, 0)])
    with pytest.raises(ValueError, match="variables"):
        crossing_qubo((7, 7), [])
    with pytest.raises(ValueError, match="orders"):
        brute_force_orders((9, 9), [])
    with pytest.raises(ValueError, match="shots=0"):
        draw_with_qaoa((2, 2), [(0, 0, 0)], np.random.default_rng(0), shots=0)


def test_rivals_on_random_layers():
    rng = np.random.default_rng(0)
    table = crossing_rivals((3, 3), 3, rng, shots=20, depth=1)
    assert len(table) == 3
    for rival in ("QAOA", "barycentre", "random", "mean random"):
        assert (table[rival] >= table["all orders"]).all()
    assert (table["mean random"] >= table["random"]).all()
    assert table["success"].between(0, 1 + 1e-9).all()
    assert random_layers((2, 2), rng, 1.0) == [
        (0, a, b) for a in (0, 1) for b in (0, 1)
    ]
    assert random_layers((2, 2), rng, 0.0) == []
    with pytest.raises(ValueError, match="share=2"):
        random_layers((2, 2), rng, 2)
    with pytest.raises(ValueError, match="graphs=0"):
        crossing_rivals((3, 3), 0, rng)
