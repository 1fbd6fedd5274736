"""Gates as players: closed form, completeness, bad input."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from qglib.explain.gates import draw_gates, gate_shapley, head_gate_shapley
from qglib.models.heads import QuantumTokenHead


def test_two_rotations_about_one_axis():
    # RY(.4) RY(1.0) on |0>: <Z> = cos of the sum of the angles
    found = gate_shapley(lambda rows: np.cos(rows.sum(1)), np.array([0.4, 1.0]))
    np.testing.assert_allclose(found.values, [-0.2246, -0.6054], atol=5e-5)
    assert found.values.sum() == pytest.approx(np.cos(1.4) - 1, abs=1e-12)


@pytest.fixture
def head():
    torch.manual_seed(0)
    return QuantumTokenHead(5, 3, 3, 2, gain=1.0, spread=0.7).double().eval()


def test_gates_of_the_quantum_head(head):
    features = torch.linspace(-1, 1, 5, dtype=torch.float64)
    before = {k: v.clone() for k, v in head.state_dict().items()}
    exact = head_gate_shapley(head, features, 1)
    assert exact.values.shape == (6,)
    assert abs(exact.completeness_gap) < 1e-6
    assert exact.full == pytest.approx(float(head(features[None])[0, 1].detach()))
    for name, value in head.state_dict().items():
        assert torch.equal(value, before[name])
    sampled = head_gate_shapley(
        head, features, 1, permutations=200, rng=np.random.default_rng(0)
    )
    assert abs(sampled.completeness_gap) < 1e-6
    assert (abs(sampled.values - exact.values) < 5 * sampled.stderr + 1e-9).all()


def test_bad_gates(head):
    with pytest.raises(ValueError, match=r"sampled_shapley.*error bar"):
        gate_shapley(lambda rows: rows.sum(1), np.ones(13))
    with pytest.raises(ValueError, match="every angle"):
        gate_shapley(lambda rows: rows.sum(1), np.ones(3), groups=[[0, 1]])
    with pytest.raises(ValueError, match="rng"):
        gate_shapley(lambda rows: rows.sum(1), np.ones(3), permutations=8)


def test_drawing():
    fig = draw_gates(np.array([[0.2, -0.4], [0.1, 0.0]]), title="gates")
    assert "+0.20" in [t.get_text() for t in fig.axes[0].texts]
    plt.close(fig)
    with pytest.raises(ValueError, match="shape"):
        draw_gates(np.zeros(3))
