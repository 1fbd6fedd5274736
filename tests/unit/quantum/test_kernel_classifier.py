from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from qglib.quantum import fidelity_kernel
from qglib.quantum.kernel_classifier import FidelityKernelClassifier, iqp_embedding


@parametrize_with_checks([FidelityKernelClassifier()])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_the_machine_on_the_gram_matrix(n_classes):
    rng = np.random.default_rng(0)
    x, new = rng.normal(size=(40, 3)), rng.normal(size=(15, 3))
    y = np.array(["a", "b", "c"])[rng.integers(n_classes, size=40)]
    ours = FidelityKernelClassifier(C=2.0, bandwidth=0.7).fit(x, y)
    qnode = iqp_embedding(3)
    machine = SVC(C=2.0, kernel="precomputed").fit(fidelity_kernel(qnode, 0.7 * x), y)
    gram = fidelity_kernel(qnode, 0.7 * new, 0.7 * x)
    np.testing.assert_array_equal(ours.predict(new), machine.predict(gram))
    np.testing.assert_allclose(
        ours.decision_function(new), machine.decision_function(gram), atol=1e-10
    )


def test_blocks_do_not_change_it():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 3)), rng.integers(2, size=30)
    whole = FidelityKernelClassifier().fit(x, y)
    parts = FidelityKernelClassifier(memory=4 * 16 * 8 * 7).fit(x, y)
    np.testing.assert_allclose(
        whole.decision_function(x), parts.decision_function(x), atol=1e-10
    )


def test_any_embedding_may_be_given():
    """cos^2 of half the difference: a kernel with a closed form."""

    def angles(n):
        def circuit(inputs):
            qml.AngleEmbedding(inputs, wires=range(n), rotation="Y")
            return qml.state()

        return qml.QNode(circuit, qml.device("default.qubit", wires=n))

    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(30, 2)), rng.integers(2, size=30)
    ours = FidelityKernelClassifier(bandwidth=1.0, circuit=angles).fit(x, y)

    def kernel(a, b):
        return (np.cos((a[:, None] - b[None]) / 2) ** 2).prod(-1)

    exact = SVC(kernel=kernel).fit(x, y)  # solved to 1e-3, as ours
    np.testing.assert_allclose(
        ours.decision_function(x), exact.decision_function(x), atol=5e-3
    )


@pytest.mark.parametrize(
    ("load", "components", "floor"),
    [(load_wine, 5, 0.85), (load_breast_cancer, 4, 0.85)],
)
def test_bandwidth_is_searched_like_any_parameter(load, components, floor):
    """Sanity only. Held-out accuracy, 100 samples to train, 3-fold search:
    wine IQP 0.949, RBF 0.962; breast cancer IQP 0.959, RBF 0.957.
    """
    x, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:100], order[100:]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)

    def score(machine, grid):
        pipe = make_pipeline(StandardScaler(), PCA(components), machine)
        search = GridSearchCV(pipe, grid, cv=folds).fit(x[train], y[train])
        return search.score(x[test], y[test])

    widths, c = np.geomspace(0.03, 1.0, 4), [1.0, 10.0]
    ours = score(
        FidelityKernelClassifier(),
        {
            "fidelitykernelclassifier__bandwidth": widths,
            "fidelitykernelclassifier__C": c,
        },
    )
    rival = score(SVC(), {"svc__gamma": widths, "svc__C": c})
    assert ours > floor
    assert rival > floor


def test_bad_settings_are_named():
    x, y = np.random.default_rng(0).normal(size=(6, 13)), [0, 1] * 3
    with pytest.raises(ValueError, match=r"13 features .* PCA\(n_components=12\)"):
        FidelityKernelClassifier().fit(x, y)
    for name, value in (("bandwidth", 0), ("C", -1.0), ("most_qubits", 0)):
        with pytest.raises(ValueError, match=name):
            FidelityKernelClassifier(**{name: value}).fit(x[:, :2], y)
    with pytest.raises(ValueError, match="1 class"):
        FidelityKernelClassifier().fit(x[:, :2], [1] * 6)
