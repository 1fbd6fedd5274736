"""Fubini-Study metric of a circuit's weights, by tangent vectors.

With J the derivatives of the state psi, the metric is
Re(J^H J - (J^H psi)(psi^H J)) (Provost, Vallee 1980; Stokes et al., Quantum 4, 269,
2020).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping

import numpy as np
import pennylane as qml

from qglib.engines.circuits.tangents import Tangents
from qglib.engines.circuits.trace import trace

_TRACED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def metric_tensor(
    qnode: qml.QNode,
    inputs: np.ndarray | None,
    weights: np.ndarray | Mapping[str, np.ndarray],
) -> np.ndarray:
    """Metric tensor (P, P) of the flattened weights at one sample.

    Args:
        qnode: QNode of ``inputs`` (if any) and the weights; what it measures is
            ignored, and so is its device. It is traced at the first call.
        inputs: One sample (n_inputs,), several (B, n_inputs), or None.
        weights: Values by argument name, or one array for an argument "weights".

    Returns:
        (P, P) float64, or (B, P, P) for several samples; symmetric and positive
        semi-definite, in units of 1 / radian^2.

    Raises:
        UnsupportedCircuit: for circuits that batched simulation does not cover.
        ValueError: for numbers that are not finite.
        MemoryError: before allocating, when the tangents would not fit.
    """
    if not isinstance(weights, Mapping):
        weights = {"weights": weights}
    arrays = {k: np.asarray(w, float) for k, w in weights.items()}
    sample = np.zeros(0) if inputs is None else np.asarray(inputs, float)
    flat = np.concatenate([np.zeros(0), *(w.ravel() for w in arrays.values())])
    if not (np.isfinite(sample).all() and np.isfinite(flat).all()):
        raise ValueError("inputs or weights hold NaN or infinite numbers")
    shapes = {k: w.shape for k, w in arrays.items()}
    known = _TRACED.setdefault(qnode, {})
    key = (tuple(shapes.items()), sample.shape[-1])
    if key not in known:
        known[key] = Tangents(trace(qnode, shapes, sample.shape[-1]))
    rows = [_metric(known[key], row, flat) for row in np.atleast_2d(sample)]
    return rows[0] if sample.ndim == 1 else np.stack(rows)


def _metric(tangents: Tangents, inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    psi, rows = tangents.run(np.concatenate([inputs, weights]))
    along = rows.conj() @ psi
    return (rows.conj() @ rows.T - np.outer(along, along.conj())).real.copy()
