from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from qglib.causal import load_network


def exact_marginals(name: str, do: dict[str, int] | None = None) -> dict[str, float]:
    network = load_network(name)
    nodes, do = list(network.dag), do or {}
    marginal = dict.fromkeys(nodes, 0.0)
    for values in product((0, 1), repeat=len(nodes)):
        state = dict(zip(nodes, values, strict=True))
        weight = 1.0
        for node, (parents, yes) in network.tables.items():
            index = 0
            for parent in parents:
                index = 2 * index + state[parent]
            p = float(do[node]) if node in do else yes[index]
            weight *= p if state[node] else 1 - p
        for node in nodes:
            marginal[node] += weight * state[node]
    return marginal


def test_published_marginals() -> None:
    asia = exact_marginals("asia")
    assert asia["tub"] == pytest.approx(0.0104)
    assert asia["lung"] == pytest.approx(0.055)
    assert asia["bronc"] == pytest.approx(0.45)
    assert asia["either"] == pytest.approx(0.064828)
    assert asia["dysp"] == pytest.approx(0.43597, abs=1e-5)
    assert exact_marginals("cancer")["cancer"] == pytest.approx(0.0116, abs=5e-5)


@pytest.mark.parametrize("name", ["asia", "cancer"])
def test_sampler_matches_the_exact_marginals(name: str) -> None:
    n = 40_000
    frame = load_network(name).sample(n, np.random.default_rng(3))
    for node, p in exact_marginals(name).items():
        assert frame[node].mean() == pytest.approx(
            p, abs=4.5 * np.sqrt(p * (1 - p) / n) + 1e-12
        )
    assert set(np.unique(frame)) <= {0, 1}


def test_same_seed_same_rows_and_bad_input() -> None:
    network = load_network("asia")
    a = network.sample(50, np.random.default_rng(1))
    assert a.equals(network.sample(50, np.random.default_rng(1)))
    with pytest.raises(ValueError, match="at least 1"):
        network.sample(0, np.random.default_rng(1))
    with pytest.raises(ValueError, match="structure without probabilities"):
        load_network("sachs").sample(5, np.random.default_rng(1))
    with pytest.raises(ValueError, match="name must be one of"):
        load_network("alarm")
    assert load_network("sachs").dag.number_of_edges() == 17


@pytest.mark.parametrize(
    ("name", "cause", "outcome"),
    [
        ("asia", "smoke", "dysp"),
        ("asia", "dysp", "smoke"),
        ("cancer", "cancer", "xray"),
    ],
)
def test_exact_effect_is_the_difference_of_two_interventions(
    name: str, cause: str, outcome: str
) -> None:
    yes, no = (exact_marginals(name, {cause: v})[outcome] for v in (1, 0))
    assert load_network(name).effect(cause, outcome) == pytest.approx(yes - no)


def test_effects_known_without_computing() -> None:
    assert load_network("asia").effect("dysp", "smoke") == pytest.approx(0)  # no cause
    assert load_network("cancer").effect("cancer", "xray") == pytest.approx(0.9 - 0.2)
    with pytest.raises(ValueError, match=r"not in network 'asia': known"):
        load_network("asia").effect("smoke", "cough")
    with pytest.raises(ValueError, match="without probabilities"):
        load_network("sachs").effect("PKA", "Raf")
