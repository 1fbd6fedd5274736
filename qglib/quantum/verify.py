"""Comparing a head with the QNode it was made from."""

from __future__ import annotations

import torch

from qglib.quantum.head import QuantumHead
from qglib.quantum.qnode_backend import call_qnode, rebuild


def verify(head: QuantumHead, batch: int = 4, seed: int = 0) -> dict[str, float]:
    """Largest absolute differences between a head and its QNode on default.qubit.

    All three are needed: a layer with right values and right input gradients can
    still have wrong weight gradients.

    Args:
        head: The head to check; its weights are used as they are.
        batch: Number of random samples, normal with standard deviation 2.
        seed: Seed of the samples.

    Returns:
        {"values": ..., "input_gradients": ..., "weight_gradients": ...}; expect
        below 1e-5 in float32 and below 1e-10 in float64.
    """
    weights = head.named_weights()
    like = next(iter(weights.values()), torch.zeros(()))
    generator = torch.Generator().manual_seed(seed)
    inputs = 2 * torch.randn(
        batch, head.n_inputs, generator=generator, dtype=like.dtype
    )
    inputs = inputs.to(like.device).requires_grad_()
    outputs = head(inputs)
    probe = torch.randn(outputs.shape, generator=generator, dtype=torch.float64)
    oracle = rebuild(head.qnode, "default.qubit")
    exact_inputs = inputs.detach().double().cpu().requires_grad_()
    exact = {k: w.detach().double().cpu().requires_grad_() for k, w in weights.items()}
    rows = [call_qnode(oracle, row[None], exact) for row in exact_inputs]
    expected = torch.cat(rows)

    def gradients(values, arguments):
        loss = (values * probe.to(values.device, values.real.dtype)).sum()
        loss = loss.real + loss.imag if loss.is_complex() else loss
        if not loss.requires_grad:  # a constant, like the norm of the state
            return [torch.zeros_like(a) for a in arguments]
        found = torch.autograd.grad(loss, arguments, allow_unused=True)
        return [
            torch.zeros_like(a) if g is None else g
            for a, g in zip(arguments, found, strict=True)
        ]

    got = gradients(outputs, [inputs, *weights.values()])
    want = gradients(expected, [exact_inputs, *exact.values()])

    def largest(a, b):
        gap = (a.detach().cpu().to(b.dtype) - b.detach()).abs()
        return float(gap.max()) if gap.numel() else 0.0

    return {
        "values": largest(outputs, expected),
        "input_gradients": largest(got[0], want[0]),
        "weight_gradients": max(
            (largest(a, b) for a, b in zip(got[1:], want[1:], strict=True)),
            default=0.0,
        ),
    }
