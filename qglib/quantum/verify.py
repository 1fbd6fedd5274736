"""Comparing a head with the QNode it was made from."""

from collections.abc import Sequence

import torch

from qglib.quantum.backends import call_qnode, rebuild
from qglib.quantum.head import QuantumHead


def verify(
    head: QuantumHead, batch: int = 4, *, inputs: torch.Tensor | None = None
) -> dict[str, float]:
    """Largest differences between a head and its QNode on its own device.

    Absolute up to numbers of 1, beyond them relative to the largest of its kind. The
    QNode runs sample by sample, in double precision, on the device it was built on:
    forward, backward and one step of gradient descent. A layer with right values and
    right input gradients can still have wrong weight gradients.

    Args:
        head: The head to check; its weights stay as they are.
        batch: Number of random samples, normal with standard deviations from 1e-3 to
            1e3 in turns, 2 the first.
        inputs: Samples (batch, n_inputs) instead, taken in the weights' precision.

    Returns:
        {"values": ..., "input_gradients": ..., "weight_gradients": ...,
        "weights_after_step": ...}; expect below 1e-5 in float32 and below 1e-10 in
        float64. Gradients of a state on lightning come from default.qubit.
    """
    weights = head.named_weights()
    like = torch.zeros(()) if inputs is None else inputs
    like = next(iter(weights.values()), like)
    generator = torch.Generator().manual_seed(0)
    if inputs is None:
        sizes = torch.tensor([2, 1e-3, 30, 1e3, 0.1, 2]).repeat(1 + batch // 6)[:batch]
        shape = batch, head.n_inputs
        normal = torch.randn(shape, generator=generator, dtype=torch.float64)
        inputs = (sizes[:, None] * normal).to(like.dtype)
    inputs = inputs.detach().to(like.device, like.dtype).requires_grad_()
    outputs = head(inputs)
    probe = torch.randn(outputs.shape, generator=generator, dtype=torch.float64)
    oracle = rebuild(head.qnode, head.qnode.device.name)
    exact = {k: w.detach().double().cpu().requires_grad_() for k, w in weights.items()}
    exact_inputs = inputs.detach().double().cpu().requires_grad_()
    expected = _by_sample(oracle, exact_inputs, exact)
    gaps = {"values": _largest(outputs, expected)}
    if outputs.is_complex() and not oracle.device.name.startswith("default"):
        oracle = rebuild(head.qnode, "default.qubit")
        expected = _by_sample(oracle, exact_inputs, exact)
    got = _gradients(outputs, probe, [inputs, *weights.values()])
    want = _gradients(expected, probe, [exact_inputs, *exact.values()])
    gaps["input_gradients"] = _largest(got[0], want[0])
    slopes = [_largest(a, b) for a, b in zip(got[1:], want[1:], strict=True)]
    moved = [
        _largest(weights[k].detach() - 0.1 * a, exact[k].detach() - 0.1 * b)
        for k, a, b in zip(weights, got[1:], want[1:], strict=True)
    ]
    gaps["weight_gradients"] = max(slopes, default=0.0)
    return gaps | {"weights_after_step": max(moved, default=0.0)}


def _by_sample(qnode, inputs: torch.Tensor, weights: dict) -> torch.Tensor:
    """One run a sample: no gradient transform then sees a broadcast batch."""

    def one(row):
        try:
            return call_qnode(qnode, row, weights)
        except (IndexError, TypeError, ValueError):  # written for a batch: inputs[:, i]
            return call_qnode(qnode, row[None], weights)

    return torch.cat([one(row) for row in inputs])


def _gradients(values, probe, arguments) -> Sequence[torch.Tensor]:
    """Of a random weighted sum of the outputs."""
    loss = (values * probe.to(values.device, values.real.dtype)).sum()
    loss = loss.real + loss.imag if loss.is_complex() else loss
    if not loss.requires_grad:  # a constant, like the norm of the state
        return [torch.zeros_like(a) for a in arguments]
    return torch.autograd.grad(loss, arguments, materialize_grads=True)


def _largest(a: torch.Tensor, b: torch.Tensor) -> float:
    gap = (a.detach().cpu().to(b.dtype) - b.detach()).abs()
    if not gap.numel():
        return 0.0
    # angles of 1000 radians have slopes of 1000, and rounding grows with them
    return float(gap.max() / max(1.0, float(b.detach().abs().max())))
