"""The learnable circuit: orthogonal at every step, and it learns."""

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from qglib.holography import (
    D4_ANGLES,
    MeraFrontEnd,
    decompose,
    filters,
    log_energies,
    reconstruct,
)


def signals(batch, length, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, length, generator=generator, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_starts_as_the_fixed_transform(dtype):
    inputs = signals(4, 64, dtype)
    with torch.no_grad():
        parts = MeraFrontEnd(5, dtype=dtype)(inputs)
    tolerance = 1e-5 if dtype is torch.float32 else 1e-13
    for part, wanted in zip(parts, decompose(inputs, scales=5), strict=True):
        assert part.dtype == dtype
        assert float((part - wanted).abs().max()) < tolerance


def test_own_angles_per_scale():
    generator = torch.Generator().manual_seed(3)
    front = MeraFrontEnd(3, np.zeros(4), generator=generator, dtype=torch.float64)
    assert front.angles.shape == (3, 4) and bool((front.angles.abs() <= np.pi).all())
    inputs = signals(2, 40)
    wanted = decompose(inputs, front.angles, 3)
    for part, other in zip(front(inputs), wanted, strict=True):
        assert float((part - other).detach().abs().max()) < 1e-13
    h, _ = front.filters(2)
    assert h.detach().numpy() == pytest.approx(
        filters(front.angles[1].detach().numpy())[0]
    )


@pytest.mark.parametrize("shared", [True, False])
def test_gradients(shared):
    front = MeraFrontEnd(2, shared=shared, dtype=torch.float64)
    assert front.angles.shape == ((1, 2) if shared else (2, 2))
    inputs = signals(2, 12).requires_grad_()

    def energies(x, angles):
        parts = torch.func.functional_call(front, {"angles": angles}, (x,))
        return log_energies(parts)

    angles = front.angles.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(energies, (inputs, angles))


def test_orthogonal_at_every_step_of_training():
    front = MeraFrontEnd(4, dtype=torch.float64)
    inputs = signals(8, 64)
    optimiser = torch.optim.Adam(front.parameters(), lr=0.3)
    for _ in range(20):
        optimiser.zero_grad()
        parts = front(inputs)
        energy = sum(part.detach().square().sum(1) for part in parts)
        assert float((energy - inputs.square().sum(1)).abs().max()) < 1e-11
        back = reconstruct([p.detach() for p in parts], front.angles)
        assert float((back - inputs).abs().max()) < 1e-12
        log_energies(parts).diff(dim=1).mean().backward()
        optimiser.step()
    assert float((front.angles.detach() - torch.tensor(D4_ANGLES)).abs().max()) > 0.5


def test_learns_the_angles_that_made_a_signal():
    """Signals with scaling coefficients only: the angles that empty d_1 come back."""
    truth = np.array([0.4, 0.9])
    scaling = np.random.default_rng(2).normal(size=(64, 16))
    made = torch.from_numpy(reconstruct([scaling, np.zeros((64, 16))], truth))
    front = MeraFrontEnd(1, dtype=torch.float64)
    optimiser = torch.optim.Adam(front.parameters(), lr=0.05)
    for _ in range(300):
        optimiser.zero_grad()
        front(made)[1].square().mean().backward()
        optimiser.step()
    h, wanted = front.filters()[0].detach().numpy(), filters(truth)[0]
    assert h * np.sign(h @ wanted) == pytest.approx(wanted, abs=1e-4)


def test_states_are_kept():
    front = MeraFrontEnd(3, generator=torch.Generator().manual_seed(1))
    other = MeraFrontEnd(3)
    other.load_state_dict(load(save(front.state_dict())))
    assert torch.equal(front.angles, other.angles)
    assert list(front.state_dict()) == ["angles"]
    assert "scales=3" in repr(front)
    again = MeraFrontEnd(3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(front.angles, again.angles)


def test_moves_between_precisions_and_devices():
    front = MeraFrontEnd(2).to(torch.float64)
    assert front(signals(1, 8))[0].dtype == torch.float64
    meta = MeraFrontEnd(2, device="meta")
    parts = meta(torch.empty(3, 8, device="meta"))
    assert [p.shape for p in parts] == [(3, 2), (3, 2), (3, 4)]


def test_log_energies_by_hand():
    rows = [[1.0, 3.0]], [[0.0, 0.0, 2.0, 4.0]]
    parts = [torch.tensor(row, dtype=torch.float64) for row in rows]
    found = log_energies(parts, segments=2, floor=1e-6)
    wanted = np.log(np.array([1, 9, 0, 10]) + 1e-6)
    assert found.numpy()[0] == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(ValueError, match="segments is 3"):
        log_energies(parts, segments=3)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.ones(8), "batch, time"),
        (torch.ones(2, 3, 8), "batch, time"),
        (torch.ones(2, 8, dtype=torch.float64), "float64"),
        (torch.ones(2, 9), "odd length 9"),
        (torch.ones(2, 6), "does not divide"),
        (torch.ones(2, 1), "at least 2"),
    ],
)
def test_bad_signals(inputs, message):
    with pytest.raises(ValueError, match=message):
        MeraFrontEnd(2)(inputs)


def test_bad_arguments():
    with pytest.raises(ValueError, match="scales is 0"):
        MeraFrontEnd(0)
    with pytest.raises(ValueError, match=r"scales is 2\.0"):
        MeraFrontEnd(2.0)
    with pytest.raises(ValueError, match="rows"):
        MeraFrontEnd(2, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="scale is 3"):
        MeraFrontEnd(2).filters(3)
