"""Quantum kernels beside the RBF kernel: same data, same grid, nested folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pennylane as qml
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from qglib.quantum.kernel_classifier import FidelityKernelClassifier, iqp_embedding
from qglib.quantum.kernels import fidelity_kernel

WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
RIVAL = "RBF"
SAMPLES = 150  # of which the mean overlap is taken


def angle_embedding(qubits: int) -> qml.QNode:
    """RY(x_i) on qubit i, no entanglement: kernel prod_i cos^2((x_i - y_i) / 2).

    For small differences that is exp(-|x - y|^2 / 4), an RBF kernel.
    """

    def circuit(inputs):
        qml.AngleEmbedding(inputs, wires=range(qubits), rotation="Y")
        return qml.state()

    return qml.QNode(circuit, qml.device("default.qubit", wires=qubits))


EMBEDDINGS: dict[str, Callable[[int], qml.QNode]] = {
    "IQP": iqp_embedding,
    "angles": angle_embedding,
}


@dataclass(frozen=True)
class KernelTrial:
    """What `kernel_trial` found.

    Attributes:
        scores: method to accuracy on every outer fold, its settings chosen inside.
        curve: columns kernel, bandwidth, accuracy (at C = 1), overlap, as
            `qglib.quantum.draw_bandwidths` takes them; the RBF kernel stands at the
            bandwidth b of gamma = b^2 / 4.
        floor: accuracy of the majority class.
    """

    scores: dict[str, np.ndarray] = field(repr=False)
    curve: pd.DataFrame = field(repr=False)
    floor: float

    def table(self) -> pd.DataFrame:
        """Accuracy, and its difference to the RBF kernel with a 95 % t interval.

        Folds share training samples, so the interval is, if anything, too short.
        """
        rows = {}
        for name, mine in self.scores.items():
            gaps = mine - self.scores[RIVAL]
            half = stats.t.ppf(0.975, len(gaps) - 1) * stats.sem(gaps)
            ends = gaps.mean() - half, gaps.mean() + half
            rows[name] = (mine.mean(), gaps.mean(), *ends)
        columns = ["accuracy", "minus RBF", "low", "high"]
        table = pd.DataFrame.from_dict(rows, "index", columns=columns)
        table.loc["majority class", "accuracy"] = self.floor
        return table


def kernel_trial(
    x: ArrayLike,
    y: ArrayLike,
    components: int = 5,
    widths: Sequence[float] = WIDTHS,
    folds: int = 5,
    seed: int = 0,
) -> KernelTrial:
    """Nested cross-validation of quantum kernels, an RBF kernel and a linear model.

    Features are standardised and reduced to principal components, one qubit each,
    inside every fold. Bandwidth and C (1 or 10) are chosen on three inner folds; the
    RBF kernel has the same grid, logistic regression five penalties. Simulated.

    Args:
        x: Samples (N, n_features).
        y: Labels (N,).
        components: Principal components kept, and qubits.
        widths: Bandwidths tried.
        folds: Outer folds.
        seed: Of the folds.

    Raises:
        ValueError: for fewer than two folds or no width, and what scikit-learn and
            `FidelityKernelClassifier` refuse.
    """
    if folds < 2 or not len(widths):
        raise ValueError(f"folds={folds} and widths={list(widths)}: give 2 and 1 more")
    x, y = np.asarray(x, float), np.asarray(y)
    outer, inner = (
        StratifiedKFold(n, shuffle=True, random_state=seed) for n in (folds, 3)
    )
    fixed = _pipe(components, "passthrough").fit_transform(x)[:SAMPLES]
    scores, rows = {}, []
    for name in (*EMBEDDINGS, RIVAL):
        if name == RIVAL:
            machine, key = SVC(), "model__gamma"
        else:
            machine = FidelityKernelClassifier(circuit=EMBEDDINGS[name])
            key = "model__bandwidth"
        pipe = _pipe(components, machine)
        values = [w * w / 4 if name == RIVAL else w for w in widths]
        grid = {key: values, "model__C": [1.0, 10.0]}
        search = GridSearchCV(pipe, grid, cv=inner)
        scores[name] = cross_val_score(search, x, y, cv=outer)
        for width, value in zip(widths, values, strict=True):
            found = cross_val_score(pipe.set_params(**{key: value}), x, y, cv=outer)
            rows.append((name, width, found.mean(), _overlap(name, fixed, width)))
    linear = _pipe(components, LogisticRegression(max_iter=1000))
    grid = {"model__C": np.geomspace(0.01, 100, 5)}
    search = GridSearchCV(linear, grid, cv=inner)
    scores["logistic regression"] = cross_val_score(search, x, y, cv=outer)
    curve = pd.DataFrame(rows, columns=["kernel", "bandwidth", "accuracy", "overlap"])
    counts = np.unique(y, return_counts=True)[1]
    return KernelTrial(scores, curve, float(counts.max() / len(y)))


def _pipe(components: int, model: BaseEstimator | str) -> Pipeline:
    steps: list[tuple[str, Any]] = [
        ("scale", StandardScaler()),
        ("reduce", PCA(components)),
        ("model", model),
    ]
    return Pipeline(steps)


def _overlap(name: str, samples: np.ndarray, width: float) -> float:
    if name == RIVAL:
        gram = rbf_kernel(samples, gamma=width**2 / 4)
    else:
        qnode = EMBEDDINGS[name](samples.shape[1])
        gram = fidelity_kernel(qnode, width * samples)
    return float(gram[~np.eye(len(gram), dtype=bool)].mean())
