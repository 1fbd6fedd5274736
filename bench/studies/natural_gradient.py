"""Natural gradient against Adam and L-BFGS: iterations, circuits, time.

Question: does descent in the Fubini-Study metric (Stokes et al., Quantum 4, 269,
2020) reach a given loss with fewer iterations, fewer circuits on hardware, or less
time in simulation than Adam and L-BFGS?

Problems: the ground energy of the critical transverse-field Ising ring (4 and 6
qubits, layers of Rot and a CZ ring, exact energy by diagonalisation); a random
state of 3 qubits, infidelity; two classes of the wine data (4 principal components)
with the re-uploading head, cross-entropy of 4 <Z_0>. Weights start uniform.

Protocol: every method has the same number of iterations. Its settings (learning
rate; for natural gradient also damping) are those of the lowest mean final loss on
tuning seeds 100 to 102; confirmed on seeds 20 to 27, none of them used before. L-BFGS
is scipy's L-BFGS-B: its line search sets the step, the length of its memory is tuned
instead of a rate, and every evaluation of its line search is counted. Targets are
fixed per problem, below.

Circuits are counted as `qglib.quantum.descent` says. The natural-gradient metric of
the classification is averaged over 8 samples. Simulated in double precision. Time is
recorded as the ratio to Adam's time to the target in the same process, and is not
reproducible bit by bit.
Runtime: about 8 minutes on one thread.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pennylane as qml
import torch
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from qglib.quantum import QuantumHead, circuits
from qglib.quantum.descent import (
    Descent,
    Problem,
    descend,
    head_without_data,
    ising_ring,
    rotations,
)
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/natural_gradient.json"
ITERATIONS = 150
TUNING, CONFIRMING = (100, 101, 102), tuple(range(20, 28))
RATES = {
    "adam": (0.01, 0.03, 0.1, 0.3, 1.0),
    "lbfgs": (5, 10, 20, 40),  # memory: the line search sets the step
    "natural_full": (0.03, 0.1, 0.3, 1.0),
    "natural_block": (0.03, 0.1, 0.3, 1.0),
}
DAMPINGS = (1e-4, 1e-3, 1e-2, 1e-1)
SLICE = dict.fromkeys(RATES, (0.1, 1e-2)) | {"lbfgs": (10, 0.0)}


def random_state(n: int, layers: int) -> Problem:
    """Infidelity with one random state."""
    rng = np.random.default_rng(20)
    goal = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    goal = torch.tensor(goal / np.linalg.norm(goal)).conj().resolve_conj()

    def circuit(inputs, weights):
        rotations(weights, n)
        return qml.state()

    def loss(outputs):
        return 1 - (outputs[0] @ goal).abs().square()

    return Problem(
        lambda: head_without_data(circuit, n, layers), ONE, loss, 0.01, layers
    )


def classification(n: int, layers: int) -> Problem:
    """Cross-entropy of two of the three classes of the wine data."""
    x, y = load_wine(return_X_y=True)
    x, y = x[y < 2], y[y < 2]
    x = PCA(n, random_state=0).fit_transform(StandardScaler().fit_transform(x))
    order = np.random.default_rng(0).permutation(len(x))[:64]
    samples = torch.tensor(x[order] / x.std(0))
    target = torch.tensor(y[order], dtype=torch.float64)

    def build():
        qnode, shapes, _ = circuits.reuploading("default.qubit", n, layers)
        return QuantumHead(qnode, shapes, "batched")

    def loss(outputs):
        logit = 4 * outputs[:, 0]
        return torch.nn.functional.binary_cross_entropy_with_logits(logit, target)

    return Problem(build, samples, loss, 0.15, layers, metric_samples=8)


ONE = torch.zeros(1, 1, dtype=torch.float64)
PROBLEMS = {
    "ising_4": lambda: ising_ring(4, 3),
    "ising_6": lambda: ising_ring(6, 4),
    "state_3": lambda: random_state(3, 3),
    "wine_4": lambda: classification(4, 3),
}


def choose(problem: Problem, method: str, steps: int) -> tuple[float, float]:
    """Rate and damping of the lowest mean final loss on the tuning seeds."""
    natural = method.startswith("natural")
    best = (math.inf, 0.0, 0.0)
    for rate in RATES[method]:
        for damping in DAMPINGS if natural else (0.0,):
            final = [
                descend(problem, method, rate, damping, seed, steps).losses[-1]
                for seed in TUNING
            ]
            best = min(best, (float(np.mean(final)), rate, damping))
    return best[1:]


def summary(problem: Problem, runs: list[Descent], adam: list[Descent]) -> dict:
    """What a method reached on the confirming seeds."""
    hits = [run.first(problem.target) for run in runs]
    reached = [k for k in hits if k is not None]
    final = [run.losses[-1] for run in runs]
    row = {
        "reached": len(reached),
        "seeds": len(runs),
        "final_median": rounded(np.median(final)),
        "final_low": rounded(min(final)),
        "final_high": rounded(max(final)),
        "iterations_median": None,
        "circuits_median": None,
        "time_ratio_to_adam": None,
        "curve": [
            rounded(np.median([run.losses[k] for run in runs]))
            for k in range(0, len(runs[0].losses), 5)
        ],
    }
    if 2 * len(reached) > len(runs):  # the median run reached the target
        big = math.inf
        row["iterations_median"] = int(
            np.median([big if k is None else k for k in hits])
        )
        row["circuits_median"] = int(
            np.median(
                [
                    big if k is None else r.circuits[k]
                    for k, r in zip(hits, runs, strict=True)
                ]
            )
        )
    ratios = []
    for ours, theirs in zip(runs, adam, strict=True):
        a, b = ours.first(problem.target), theirs.first(problem.target)
        if a and b:
            ratios.append(ours.seconds[a] / theirs.seconds[b])
    if ratios:
        row["time_ratio_to_adam"] = float(f"{np.median(ratios):.2g}")
        row["time_ratio_seeds"] = len(ratios)
    return row


def rounded(value: float) -> float:
    """Six significant digits."""
    return float(f"{value:.6g}")


def recompute_slice() -> dict[str, list[float]]:
    """First 20 losses of seed 0 on the 4-qubit Ising ring, at fixed settings."""
    problem = PROBLEMS["ising_4"]()
    return {
        method: [
            rounded(v) for v in descend(problem, method, *SLICE[method], 0, 20).losses
        ]
        for method in RATES
    }


def main() -> None:
    """Run the study and write its file."""
    torch.set_num_threads(1)
    rows = []
    for name, make in PROBLEMS.items():
        problem = make()
        chosen = {
            m: choose(problem, m, ITERATIONS) for m in tqdm(RATES, desc=f"tune {name}")
        }
        runs = {method: [] for method in RATES}
        for seed in tqdm(CONFIRMING, desc=name):
            for method, (rate, damping) in chosen.items():  # side by side, for time
                run = descend(problem, method, rate, damping, seed, ITERATIONS)
                runs[method].append(run)
        for method, (rate, damping) in chosen.items():
            row = {"problem": name, "method": method, "rate": rate}
            row |= {"damping": damping or None, "target": problem.target}
            rows.append(row | summary(problem, runs[method], runs["adam"]))
    write_json(
        OUT,
        {
            "study": "natural_gradient",
            "question": "Does natural gradient save iterations, circuits or time?",
            "settings": {
                "iterations": ITERATIONS,
                "tuning_seeds": TUNING,
                "confirming_seeds": CONFIRMING,
                "rates": RATES,
                "dampings": DAMPINGS,
                "curve_every": 5,
            },
            "versions": versions(),
            "rows": rows,
            "slice": recompute_slice(),
        },
    )


if __name__ == "__main__":
    main()
