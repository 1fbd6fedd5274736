from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qglib.causal import (
    GaussianKernel,
    KernelTests,
    QuantumKernel,
    discover,
)
from qglib.causal.kernel_tests import (
    FittedRegression,
    Regression,
    _centred,
    from_residuals,
    unconditional,
)


def kernel_test(x, y, z=None, kernel=None, ridge=None):
    """Groups of columns side by side, as `KernelTests` takes them."""
    parts = [np.reshape(v, (len(v), -1)) for v in (x, y, z) if v is not None]
    ends = np.cumsum([0, *(v.shape[1] for v in parts)])
    groups = [range(a, b) for a, b in pairwise(ends)]
    return KernelTests(np.column_stack(parts), kernel, ridge)(*groups)


def conditional_test(kxz, ky, kz):
    regression = Regression(kz, 1e-3)
    return from_residuals(regression.residual(kxz), regression.residual(ky))


def sample(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x and y independent given z, each (n, 1)."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 1))
    x = np.sin(1.5 * z) + 0.4 * rng.normal(size=(n, 1))
    return x, z**2 + 0.5 * rng.normal(size=(n, 1)), z


@pytest.mark.parametrize("n", [40, 120])
@pytest.mark.parametrize("seed", range(3))
def test_same_kernels_give_the_result_of_causal_learn(n: int, seed: int) -> None:
    from causallearn.utils.KCI.KCI import KCI_CInd, KCI_UInd

    x, y, z = sample(n, seed)
    theirs = KCI_UInd()
    pvalue, statistic = theirs.compute_pvalue(x, y)
    ours = unconditional(*theirs.kernel_matrix(x, y))
    assert ours.pvalue == pytest.approx(pvalue, abs=1e-12)
    assert ours.statistic == pytest.approx(statistic, rel=1e-12)
    theirs = KCI_CInd()
    pvalue, statistic = theirs.compute_pvalue(x, y, z)
    ours = conditional_test(*theirs.kernel_matrix(x, y, z)[:3])
    assert ours.statistic == pytest.approx(statistic, rel=1e-8)
    # causal-learn drops eigenvalues below 1e-5 of the largest in the null's moments
    assert ours.pvalue == pytest.approx(pvalue, abs=1e-4)


def test_ry_kernel_is_the_fidelity_of_its_circuit() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))

    def state(row: np.ndarray) -> np.ndarray:
        """RY(c v) on two qubits per column v."""
        joint = np.ones(1)
        for angle in np.repeat(1.3 * row, 2):
            joint = np.kron(joint, [np.cos(angle / 2), np.sin(angle / 2)])
        return joint

    states = np.array([state(row) for row in x])
    gram = QuantumKernel("ry", 1.3).gram(x)
    np.testing.assert_allclose(gram, (states @ states.T) ** 2, atol=1e-12)


def test_iqp_kernel_equals_dense_matrices_and_the_fidelity_kernel() -> None:
    x = np.random.default_rng(1).normal(size=(15, 2))
    gram = QuantumKernel("iqp", 0.8).gram(x)
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    layer = np.kron(np.kron(hadamard, hadamard), hadamard)
    signs = np.array([[1 - 2 * (b >> (2 - j) & 1) for j in range(3)] for b in range(8)])
    states = []
    for sample_ in x:
        phi = 0.8 * sample_[[0, 1, 0]]
        phase = signs @ phi
        for j, k in ((0, 1), (0, 2), (1, 2)):
            phase = phase + phi[j] * phi[k] * signs[:, j] * signs[:, k]
        state = np.eye(8)[0].astype(complex)
        for _ in range(2):
            state = np.exp(1j * phase) * (layer @ state)
        states.append(state)
    expected = abs(np.conj(states) @ np.transpose(states)) ** 2
    np.testing.assert_allclose(gram, expected, atol=1e-12)


def test_gaussian_widths() -> None:
    x = np.random.default_rng(2).normal(size=(30, 2))
    square = ((x[:, None] - x[None]) ** 2).sum(-1)
    median = np.median(square[np.triu_indices(30, 1)])
    expected = np.exp(-square / (2 * median * 0.5**2))
    np.testing.assert_allclose(GaussianKernel(0.5).gram(x), expected, atol=1e-12)


def test_table_of_tests_makes_every_matrix_once(monkeypatch) -> None:
    data = np.column_stack(sample(60))
    made = []
    gram = GaussianKernel.gram
    monkeypatch.setattr(
        GaussianKernel,
        "gram",
        lambda self, x: made.append(x.shape[1]) or gram(self, x),
    )
    tests = KernelTests(data)
    first = tests(0, 1, (2,))
    for _ in range(3):
        assert tests(0, 1, (2,)).pvalue == first.pvalue
    widths = 7  # of the kernel of z; x, y and z themselves once each
    assert len(made) == 3 + widths
    alone = kernel_test(data[:, 0], data[:, 1], data[:, 2])
    assert first.pvalue == pytest.approx(float(alone.pvalue), abs=1e-12)
    free = KernelTests(data)(0, 1)
    assert free.pvalue == pytest.approx(float(kernel_test(*data.T[:2]).pvalue))


def test_units_do_not_matter_and_two_conditions_work() -> None:
    x, y, z = sample(80)
    w = np.random.default_rng(9).normal(size=(80, 1))
    both = np.column_stack([z, w])
    for kernel in (GaussianKernel(), QuantumKernel(), QuantumKernel("ry", 1.5)):
        found = kernel_test(x, y, both, kernel)
        again = kernel_test(1e3 * x - 7, 0.01 * y, 5 * both + 2, kernel)
        assert found.pvalue == pytest.approx(float(again.pvalue), abs=1e-6)
        assert 0.01 < found.pvalue <= 1


def test_dependence_is_found() -> None:
    x, _, z = sample(100)
    y = x**2 + z
    for kernel in (GaussianKernel(), QuantumKernel("iqp", 0.4)):
        assert kernel_test(x, y, z, kernel).pvalue < 1e-3
        assert kernel_test(x, z, kernel=kernel).pvalue < 1e-6


def test_bad_input() -> None:
    x, y, z = sample(30)
    gaps, constant = np.where(x > 1, np.nan, x), np.full((30, 1), 0.1)
    for wrong in (np.hstack([gaps, y]), np.hstack([x, constant]), x[:4], x[:, 0]):
        with pytest.raises(ValueError, match="five rows, no gaps, no constant col"):
            KernelTests(wrong)
    with pytest.raises(ValueError, match="ridge"):
        kernel_test(x, y, z, ridge=0)
    with pytest.raises(ValueError, match=r"13 columns need 13 qubits.*fewer columns"):
        kernel_test(
            x, y, np.random.default_rng(0).normal(size=(30, 13)), QuantumKernel()
        )
    for wrong in (
        {"circuit": "ghz"},
        {"bandwidth": 0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            QuantumKernel(**wrong)
    with pytest.raises(ValueError, match="scale"):
        GaussianKernel(scale=-1.0)


def wiggly(n: int, rng: np.random.Generator) -> tuple:
    z = rng.normal(size=n)
    e = 0.3 * rng.normal(size=(2, n))
    return np.sin(3 * z) + e[0], np.cos(3 * z) + e[1], z


@pytest.mark.parametrize("n", [50, 120])
def test_a_wiggly_null_keeps_its_level(n: int) -> None:
    """A fixed width leaves more than half of these true nulls rejected."""
    kept = [
        [
            kernel_test(*wiggly(n, np.random.default_rng(k)), ridge=r).pvalue
            for k in range(60)
        ]
        for r in (None, 1e-3)
    ]
    fitted, fixed = (np.mean(np.array(p) < 0.05) for p in kept)
    assert fitted <= 0.15  # .05 with three standard errors of 60 draws
    assert fixed > 0.3


def test_discover_says_where_the_kernel_test_breaks() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(80, 5))
    x = z.sum(1) + rng.normal(size=(2, 80))
    data = np.column_stack([z, *x])
    said = discover(data, "pc", test=GaussianKernel(), max_conditioning=5)
    assert "rejects true nulls" in " ".join(said.graph["warnings"])
    unknown = discover(data[:, :3], "pc", test=QuantumKernel("ry", 1.0))
    assert "not been measured" in " ".join(unknown.graph["warnings"])
    lines = discover(data[:, :3], "pc")
    assert "nulls" not in " ".join(lines.graph["warnings"])


@pytest.mark.parametrize("seed", range(3))
def test_width_and_ridge_are_those_of_the_least_cross_validation(seed: int) -> None:
    """Golub, Heath, Wahba 1979: tr(R T R) over the square of tr(R), by inverses."""
    x, y, z = (v[:, 0] for v in sample(40, seed))
    gap = (z[:, None] - z) ** 2
    grams = [np.exp(-gap / width**2) for width in (0.2, 0.6, 2.0, 8.0)]
    target = _centred(np.exp(-((x[:, None] - x) ** 2)))
    other = np.exp(-((y[:, None] - y) ** 2))
    plane = np.eye(40) - 1 / 40  # without the constant direction
    tried = []
    for gram in grams:
        for ridge in (1e-4, 1e-3, 1e-2, 0.1, 1.0):
            inverse = np.linalg.inv(_centred(gram) + ridge * np.eye(40))
            strip = ridge * inverse @ plane
            error = np.trace(strip @ target @ strip) / np.trace(strip) ** 2
            tried.append((error, strip))
    strip = min(tried, key=lambda pair: pair[0])[1]
    found = FittedRegression(grams).residual(other, target)
    np.testing.assert_allclose(found, strip @ other @ strip, atol=1e-8)
