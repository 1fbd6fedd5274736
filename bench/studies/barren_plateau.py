"""How the gradients of our circuits shrink with qubits and depth.

Question: does the gradient vanish exponentially with the number of qubits when the
angles are uniform (McClean et al., Nat. Commun. 9, 4812, 2018), sooner for a global
observable than for a local one (Cerezo et al., Nat. Commun. 12, 1791, 2021), and
what does the near-identity start of the token head change?

Protocol: circuits `reuploading` (`qglib.quantum.circuits`) and `strong` (one angle
embedding, then StronglyEntanglingLayers); start `uniform` (every weight and input
uniform over the circle) and `near_identity` (weights N(0, 0.1), inputs pi tanh z
with z of deviation .17, as the token head starts). Observables: Z of the first
qubit (local) and of all qubits (global). Each draw takes new weights and inputs;
recorded is the mean square of the gradient over all weights and draws, which for
uniform angles is its variance, since the mean is zero. The slope of log2 of it
against the qubits is a least-squares line from 4 qubits on; its 95 % interval is a
bootstrap over draws. Two yardsticks: a circuit that forms a 2-design has slope -1; a
fixed number of weights inside the light cone of the observable has that of 1 / n,
-.2 over this range, because the mean is over all weights. Simulated in double
precision. Runtime: about 2 minutes on one thread.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from qglib.quantum.plateaus import OBSERVABLES, gradient_squares
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/barren_plateau.json"
SEED = 4_202_611
DRAWS = 1024
QUBITS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12)
DEPTHS = (1, 2, 4, 8, 16)
SETTINGS = (
    ("reuploading", "uniform"),
    ("reuploading", "near_identity"),
    ("strong", "uniform"),
)


def squares(circuit: str, start: str, n: int, depth: int) -> dict[str, np.ndarray]:
    """Mean square gradient over the weights for every draw, by observable."""
    key = [SEED, SETTINGS.index((circuit, start)), n, depth]
    return gradient_squares(circuit, start, n, depth, DRAWS, np.random.default_rng(key))


def rows_of(circuit: str, start: str, n: int, depth: int, found: dict) -> list[dict]:
    """The recorded rows of one setting, ``found`` by `squares`."""
    rows = []
    for name, values in found.items():
        rows.append(
            {
                "circuit": circuit,
                "start": start,
                "observable": name,
                "qubits": n,
                "depth": depth,
                "mean_square": significant(values.mean()),
                "standard_error": significant(values.std() / math.sqrt(DRAWS)),
            }
        )
    return rows


def significant(value: float) -> float:
    """Six significant digits."""
    return float(f"{value:.6g}")


def slopes(samples: dict[tuple, np.ndarray]) -> list[dict]:
    """log2 slope against the qubits with a bootstrap interval, by setting and depth."""
    rows, rng = [], np.random.default_rng(SEED)
    wide = [n for n in QUBITS if n >= 4]
    for circuit, start in SETTINGS:
        for name in OBSERVABLES:
            for depth in DEPTHS:
                table = np.stack(
                    [samples[circuit, start, name, n, depth] for n in wide]
                )
                again = rng.integers(DRAWS, size=(1000, len(wide), DRAWS))
                means = table[np.arange(len(wide))[None, :, None], again].mean(2)
                fits = np.polyfit(wide, np.log2(means).T, 1)[0]
                low, high = np.quantile(fits, [0.025, 0.975])
                centre = np.polyfit(wide, np.log2(table.mean(1)), 1)[0]
                rows.append(
                    {
                        "circuit": circuit,
                        "start": start,
                        "observable": name,
                        "depth": depth,
                        "slope": round(float(centre), 6),
                        "low": round(float(low), 6),
                        "high": round(float(high), 6),
                    }
                )
    return rows


def recompute_slice() -> list[dict]:
    """The rows of 2 to 4 qubits at depth 1 and 2, equal to the recorded ones."""
    return [
        row
        for circuit, start in SETTINGS
        for n in (2, 3, 4)
        for depth in (1, 2)
        for row in rows_of(circuit, start, n, depth, squares(circuit, start, n, depth))
    ]


def main() -> None:
    """Run the study and write its file."""
    torch.set_num_threads(1)
    rows, samples = [], {}
    plan = [(*s, n, d) for s in SETTINGS for n in QUBITS for d in DEPTHS]
    for circuit, start, n, depth in tqdm(plan, mininterval=5):
        found = squares(circuit, start, n, depth)
        rows += rows_of(circuit, start, n, depth, found)
        for name, values in found.items():
            samples[circuit, start, name, n, depth] = values
    write_json(
        OUT,
        {
            "study": "barren_plateau",
            "question": "How do gradients shrink with qubits and depth?",
            "settings": {"seed": SEED, "draws": DRAWS, "slope_from_qubits": 4},
            "versions": versions(),
            "rows": rows,
            "slopes": slopes(samples),
        },
    )


if __name__ == "__main__":
    main()
