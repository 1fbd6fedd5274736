from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from qglib.causal.constrained_path import budget_graph, constrained_path
from qglib.causal.label_growth import efficient_tables, label_growth


@pytest.mark.parametrize("layers", [1, 3, 6])
def test_no_path_beats_another_and_every_budget_is_met(layers: int) -> None:
    costs, loads = efficient_tables(layers)
    sums = set()
    for path in product((0, 1), repeat=layers + 1):
        steps = list(enumerate(pairwise(path)))
        cost = sum(costs[k][step] for k, step in steps)
        load = sum(loads[k][step] for k, step in steps)
        assert cost + load == 2**layers - 1
        sums.add(cost)
    assert sums == set(range(2**layers))  # every split of the sum occurs
    for budget in range(2**layers):
        graph = budget_graph(costs, loads)
        found = constrained_path(graph, "source", "target", budget)
        assert (found.cost, found.resource) == (2**layers - 1 - budget, budget)


def test_labels_double_per_step_on_efficient_instances_only() -> None:
    table = label_growth((4, 6, 8, 10), np.random.default_rng(0))
    assert table.index.tolist() == [32, 128, 512, 2048]
    ratios = table["efficient"].to_numpy()[1:] / table["efficient"].to_numpy()[:-1]
    assert (ratios > 3).all()  # two steps: four times, up to the pruned ones
    assert (table["efficient"] <= 2 * table.index).all()
    assert table["random"].iloc[-1] < table["efficient"].iloc[-1] / 4


def test_bad_input() -> None:
    for layers in (0, 21):
        with pytest.raises(ValueError, match="layers must be 1 to 20"):
            efficient_tables(layers)
