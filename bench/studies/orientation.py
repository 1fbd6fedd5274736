"""How often does QAOA orient a skeleton optimally, beside guessing and annealing?

Question: success per shot of QAOA on three skeletons with the exact optimum asserted
first: asia (7 edges, discrete BIC), cancer (4 edges), and seven nodes of sachs (12
edges, linear-Gaussian data), against uniform guessing and annealing with the same
number of looks.

Protocol: skeletons of the exact search (asia, cancer: n = 2000) or of the truth
(sachs part, n = 1000); data seeds 3000 to 3004, five each; QAOA depths 1, 4 and 8,
six starts; 20 looks per edge. Runtime: under three minutes on one thread.

Run: python -m bench.studies.orientation
"""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

from qglib.causal.exact_search import exact_search
from qglib.causal.networks import load_network
from qglib.causal.orientation import OrientationProblem, orientation_problem
from qglib.causal.orientation_search import compare_orientation
from qglib.causal.scores import discrete_bic, gaussian_bic
from qglib.record import versions, write_json

RESULT = Path(__file__).parents[2] / "data/reference/results/orientation.json"
SACHS_PART = ("PKC", "PKA", "Raf", "Mek", "Erk", "Jnk", "P38")


def problem(name: str, seed: int) -> OrientationProblem:
    rng = np.random.default_rng(seed)
    network = load_network(name)
    if name != "sachs":
        data = network.sample(2000, rng)
        score = discrete_bic(data.to_numpy())
        skeleton, value = exact_search(data.shape[1], score)
        found = orientation_problem(skeleton, score)
        assert abs(found.values.min() + value) < 1e-6
        return found
    dag = network.dag.subgraph(SACHS_PART)
    order = list(nx.lexicographical_topological_sort(dag))
    table = nx.to_numpy_array(dag, order)
    x = rng.standard_normal((1000, len(order)))
    for b in range(len(order)):
        x[:, b] += x[:, :b] @ (table[:b, b] * rng.uniform(0.4, 0.9, b))
    return orientation_problem(table, gaussian_bic(x))


def rows_of(name: str, seed: int, depths: tuple[int, ...] = (1, 4, 8)) -> list[dict]:
    found, rows = problem(name, seed), []
    for depth in depths:
        table = compare_orientation(found, depth, np.random.default_rng(seed))
        keep = table if depth == depths[0] else table.filter(like="QAOA", axis=0)
        for method, row in keep.iterrows():
            rows.append(
                {
                    "problem": name,
                    "qubits": len(found.edges),
                    "optima": len(found.optima),
                    "seed": seed,
                    "method": method,
                    "score": round(found.exact, 6),
                }
                | {
                    k: None if pd.isna(v) else round(float(v), 6)
                    for k, v in row.items()
                }
            )
    return rows


def slice_of_study() -> list[dict]:
    """A small part, recomputed by a test."""
    return rows_of("cancer", 3000, (1,))


def main() -> None:
    rows = []
    for name in ("cancer", "asia", "sachs"):
        for seed in range(3000, 3005):
            rows += rows_of(name, seed)
    write_json(
        RESULT,
        {
            "study": "orientation",
            "question": __doc__.splitlines()[0],
            "settings": {"looks_per_edge": 20, "starts": 6, "seeds": [3000, 3004]},
            "versions": versions(),
            "rows": rows,
            "slice": slice_of_study(),
        },
    )
    table = pd.DataFrame(rows)
    print(
        table.groupby(["problem", "method"], sort=False)[
            ["qubits", "optima", "per_shot", "within_looks", "gap_nats", "tuning"]
        ]
        .mean()
        .round(4)
        .to_string()
    )


if __name__ == "__main__":
    main()
