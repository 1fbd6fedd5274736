"""Small causal networks whose truth is published, with exact sampling.

*asia*: Lauritzen & Spiegelhalter, J. R. Stat. Soc. B 50 (1988) 157; *cancer*: Korb &
Nicholson, "Bayesian Artificial Intelligence", 2nd ed. 2010, section 2.2; *sachs*,
structure alone: Science 308 (2005) 523.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

_FILE = Path(__file__).with_name("networks.json")


@dataclass(frozen=True)
class BinaryNetwork:
    """A causal graph over yes/no variables with its conditional probabilities."""

    name: str
    dag: nx.DiGraph
    # of each node its parents, and P(yes) by their states, the first most significant
    tables: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]]

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw `n` rows (at least 1) of 0/1 integers, in the order of ``dag.nodes``."""
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        self._require()
        columns: dict[str, np.ndarray] = {}
        for node in nx.topological_sort(self.dag):
            columns[node] = (rng.random(n) < self._yes(node, columns)).astype(int)
        return pd.DataFrame(columns)[list(self.dag)]

    def effect(self, cause: str, outcome: str) -> float:
        """P(outcome = 1 | do(cause = 1)) - P(outcome = 1 | do(cause = 0)), exactly."""
        # the truncated factorisation, over all 2^d states (Pearl, "Causality")
        self._require(cause, outcome)
        states = np.indices((2,) * len(self.dag)).reshape(len(self.dag), -1)
        value = dict(zip(self.dag, states, strict=True))
        weight = value[outcome] * (2.0 * value[cause] - 1)
        for node in self.tables:
            if node != cause:
                p = self._yes(node, value)
                weight *= np.where(value[node] == 1, p, 1 - p)
        return float(weight.sum())

    def _yes(self, node: str, value: Mapping[str, np.ndarray]) -> np.ndarray | float:
        """Probability of "yes" at `node` in each state of its parents."""
        parents, yes = self.tables[node]
        return np.reshape(yes, (2,) * len(parents))[tuple(value[p] for p in parents)]

    def _require(self, *names: str) -> None:
        known = list(self.tables)
        if not known:
            raise ValueError(f"{self.name!r} is a structure without probabilities.")
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ValueError(f"{unknown} are not in network {self.name!r}: {known=}.")


def load_network(name: str) -> BinaryNetwork:
    """'asia' (8 nodes), 'cancer' (5) or 'sachs' (11); other names are a ValueError."""
    known = json.loads(_FILE.read_text(encoding="utf-8"))
    if name not in known:
        raise ValueError(f"name must be one of {tuple(known)}, got {name!r}.")
    if name == "sachs":
        arcs = [(a, b) for a, ends in known[name].items() for b in ends]
        return BinaryNetwork(name, nx.DiGraph(arcs), {})
    tables = {
        node: (tuple(one["parents"]), tuple(one["yes"]))
        for node, one in known[name].items()
    }
    dag = nx.DiGraph()
    dag.add_nodes_from(tables)
    dag.add_edges_from((p, node) for node in tables for p in tables[node][0])
    return BinaryNetwork(name, dag, tables)
