"""Small causal networks whose truth is published, with exact sampling.

Two networks carry conditional probabilities: *asia* (Lauritzen & Spiegelhalter,
"Local computations with probabilities on graphical structures", J. R. Stat. Soc.
B 50 (1988) 157) and *cancer* (Korb & Nicholson, "Bayesian Artificial
Intelligence", 2nd ed. 2010, section 2.2). *sachs* is the protein signalling
structure used with the data of Sachs et al., Science 308 (2005) 523: its
structure alone is held, because it has no identifiable arrow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

__all__ = ["BinaryNetwork", "load_network"]

_FILE = Path(__file__).with_name("networks.json")


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
    known = json.loads(_FILE.read_text(encoding="utf-8"))
    if name not in known:
        raise ValueError(f"name must be one of {tuple(known)}, got {name!r}.")
    network, tables = known[name], {}
    if name == "sachs":
        dag = nx.DiGraph((a, b) for a, ends in network.items() for b in ends)
    else:
        tables = {n: (tuple(t["parents"]), tuple(t["yes"])) for n, t in network.items()}
        dag = nx.DiGraph()
        dag.add_nodes_from(tables)
        dag.add_edges_from(
            (p, n) for n, (parents, _) in tables.items() for p in parents
        )
    return BinaryNetwork(name, dag, tables)
