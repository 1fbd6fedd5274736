"""A support vector machine on a fidelity kernel, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
import pennylane as qml
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from qglib.quantum.kernels import fidelity_kernel


def iqp_embedding(qubits: int) -> qml.QNode:
    """Two repeats of Hadamards, RZ(x_i) and ZZ(x_i x_j) (Havlicek et al., 2019)."""

    def circuit(inputs):
        qml.IQPEmbedding(inputs, wires=range(qubits), n_repeats=2)
        return qml.state()

    return qml.QNode(circuit, qml.device("default.qubit", wires=qubits))


class FidelityKernelClassifier(ClassifierMixin, BaseEstimator):
    """Support vector classifier with the kernel |<psi(b x)|psi(b y)>|^2.

    One feature is one qubit. Standardise the features first; the ``bandwidth`` b
    then decides whether the kernel generalises: at 1 and many qubits nearly all
    states are orthogonal (Shaydulin, Wild, Phys. Rev. A 106, 042407, 2022), so let
    `GridSearchCV` choose it on a logarithmic grid, together with ``C``. Simulated;
    compare with an RBF kernel tuned on the same grid before believing a score.

    Args:
        C: Inverse regularisation of the support vector machine.
        bandwidth: Factor on the features before they become angles, positive.
        circuit: ``n_features -> QNode`` of ``inputs`` that returns ``qml.state()``;
            by default `iqp_embedding`.
        most_qubits: Largest number of features accepted.
        memory: Bytes that states may take at a time, as in `fidelity_kernel`.

    Attributes:
        classes_: Labels, sorted.
        support_: Which training samples are support vectors.
        support_vectors_: Their features.
        n_features_in_: Number of features, and of qubits.
    """

    def __init__(
        self,
        C: float = 1.0,
        bandwidth: float = 0.5,
        circuit: Callable[[int], qml.QNode] | None = None,
        most_qubits: int = 12,
        memory: int = 2**28,
    ) -> None:
        """Store the settings; they are checked in `fit`."""
        self.C = C
        self.bandwidth = bandwidth
        self.circuit = circuit
        self.most_qubits = most_qubits
        self.memory = memory

    def fit(self, X: ArrayLike, y: ArrayLike) -> FidelityKernelClassifier:
        """Fit to samples (N, n_features) and labels (N,).

        Raises:
            ValueError: for settings out of range, more features than qubits
                allowed, and what scikit-learn refuses (NaN, one class, ...).
        """
        self._check_settings()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        if X.shape[1] > self.most_qubits:
            raise ValueError(
                f"X has {X.shape[1]} features and every feature takes a qubit, "
                f"most_qubits={self.most_qubits}: put PCA(n_components="
                f"{self.most_qubits}) before it in a pipeline"
            )
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds 1 class, {self.classes_[0]!r}: a classifier needs two"
            )
        svc = SVC(C=self.C, kernel="precomputed")
        self._svc = svc.fit(self._kernel(X, None), codes)
        self.support_, self._n_fit = svc.support_, len(X)
        self.support_vectors_ = X[svc.support_]
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Distance to the boundary, (N,) for two classes, else (N, n_classes)."""
        return self._svc_on("decision_function", X)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Labels (N,) of samples (N, n_features)."""
        codes = self._svc_on("predict", X)
        return self.classes_[codes]

    def _svc_on(self, method: str, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        gram = np.zeros((len(X), self._n_fit))  # the machine reads these columns only
        gram[:, self.support_] = self._kernel(X, self.support_vectors_)
        return getattr(self._svc, method)(gram)

    def _kernel(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        make = iqp_embedding if self.circuit is None else self.circuit
        scaled = None if Y is None else self.bandwidth * Y
        return fidelity_kernel(
            make(X.shape[1]), self.bandwidth * X, scaled, memory=self.memory
        )

    def _check_settings(self) -> None:
        for name in ("C", "bandwidth"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not 0 < value < np.inf:
                raise ValueError(f"{name}={value!r}: give a positive number")
        most = self.most_qubits
        if not isinstance(most, Integral) or most < 1:
            raise ValueError(f"most_qubits={most!r}: give a whole number from 1")
