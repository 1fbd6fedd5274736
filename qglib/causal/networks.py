"""Small causal networks whose truth is published, with exact sampling.

Two networks carry conditional probabilities: *asia* (Lauritzen & Spiegelhalter,
"Local computations with probabilities on graphical structures", J. R. Stat. Soc.
B 50 (1988) 157) and *cancer* (Korb & Nicholson, "Bayesian Artificial
Intelligence", 2nd ed. 2010, section 2.2). *sachs* is the protein signalling
structure used with the data of Sachs et al., Science 308 (2005) 523: its
structure alone is held, because it has no identifiable arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

__all__ = ["BinaryNetwork", "load_network"]

# name -> (parents, probability of "yes" for each parent configuration, the first
# parent most significant, "no" before "yes")
_ASIA: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "asia": ((), (0.01,)),
    "smoke": ((), (0.5,)),
    "tub": (("asia",), (0.01, 0.05)),
    "lung": (("smoke",), (0.01, 0.1)),
    "bronc": (("smoke",), (0.3, 0.6)),
    "either": (("tub", "lung"), (0.0, 1.0, 1.0, 1.0)),
    "xray": (("either",), (0.05, 0.98)),
    "dysp": (("either", "bronc"), (0.1, 0.8, 0.7, 0.9)),
}
# pollution: yes = high
_CANCER: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "pollution": ((), (0.1,)),
    "smoker": ((), (0.3,)),
    "cancer": (("pollution", "smoker"), (0.001, 0.03, 0.02, 0.05)),
    "xray": (("cancer",), (0.2, 0.9)),
    "dyspnoea": (("cancer",), (0.3, 0.65)),
}
_SACHS = {
    "PKC": ("PKA", "Jnk", "P38", "Raf", "Mek"),
    "PKA": ("Raf", "Mek", "Erk", "Akt", "Jnk", "P38"),
    "Raf": ("Mek",),
    "Mek": ("Erk",),
    "Erk": ("Akt",),
    "Plcg": ("PIP3", "PIP2"),
    "PIP3": ("PIP2",),
}
_NAMES = ("asia", "cancer", "sachs")


@dataclass(frozen=True)
class BinaryNetwork:
    """A causal graph over yes/no variables with its conditional probabilities.

    Attributes:
        name: the published name.
        dag: the true directed acyclic graph.
        tables: for each node its parents and the probability of "yes" (1) in each
            parent configuration, the first parent most significant.
    """

    name: str
    dag: nx.DiGraph
    tables: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]]

    def sample(
        self,
        n: int,
        rng: np.random.Generator,
        do: Mapping[str, int] | None = None,
    ) -> pd.DataFrame:
        """Draw `n` rows of 0/1 integers, in the order of ``dag.nodes``.

        Args:
            n: number of rows, at least 1.
            rng: source of randomness.
            do: variables held at a value by intervention (their causes are cut).

        Raises:
            ValueError: `n` < 1, an unknown variable in `do`, or no tables.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        do = dict(do or {})
        self._require(set(do))
        columns: dict[str, np.ndarray] = {}
        for node in nx.topological_sort(self.dag):
            yes = self._yes(node, columns, n)
            draw = rng.random(n) < yes
            columns[node] = np.full(n, do[node]) if node in do else draw.astype(int)
        return pd.DataFrame({node: columns[node] for node in self.dag.nodes})

    def effect(self, cause: str, outcome: str) -> float:
        """P(outcome = 1 | do(cause = 1)) - P(outcome = 1 | do(cause = 0)), exactly.

        Sums the truncated factorisation over all 2^d states (Pearl, *Causality*,
        2009, section 3.2), so it is meant for small networks.

        Raises:
            ValueError: an unknown variable, or no tables.
        """
        self._require({cause, outcome})
        nodes = list(self.dag.nodes)
        states = np.indices((2,) * len(nodes)).reshape(len(nodes), -1)
        value = dict(zip(nodes, states, strict=True))
        weight = np.ones(states.shape[1])
        for node in self.tables:
            if node != cause:
                p = self._yes(node, value, states.shape[1])
                weight *= np.where(value[node] == 1, p, 1 - p)
        sign = 2 * value[cause] - 1
        return float((weight * value[outcome] * sign).sum())

    def _yes(self, node: str, value: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """Probability of "yes" at `node` in each of `n` states of its parents."""
        parents, yes = self.tables[node]
        configuration = np.zeros(n, dtype=np.int64)
        for parent in parents:
            configuration = 2 * configuration + value[parent]
        return np.asarray(yes)[configuration]

    def _require(self, names: set[str]) -> None:
        if not self.tables:
            raise ValueError(
                f"network {self.name!r} holds a structure without probabilities; "
                "take 'asia' or 'cancer'."
            )
        unknown = sorted(names - set(self.tables))
        if unknown:
            raise ValueError(
                f"{unknown} are not in network {self.name!r}; known: "
                f"{list(self.tables)}."
            )


def load_network(name: str) -> BinaryNetwork:
    """A published network: 'asia' (8 nodes), 'cancer' (5) or 'sachs' (11).

    Raises:
        ValueError: the name is unknown.
    """
    if name not in _NAMES:
        raise ValueError(f"name must be one of {_NAMES}, got {name!r}.")
    if name == "sachs":
        dag = nx.DiGraph((a, b) for a, successors in _SACHS.items() for b in successors)
        return BinaryNetwork(name, dag, {})
    tables = _ASIA if name == "asia" else _CANCER
    dag = nx.DiGraph()
    dag.add_nodes_from(tables)
    dag.add_edges_from((p, node) for node, (ps, _) in tables.items() for p in ps)
    return BinaryNetwork(name, dag, tables)
