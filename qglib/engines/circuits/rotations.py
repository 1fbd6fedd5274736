"""The one-wire rotation in closed form, with its gradient written out.

Every entry of the matrix is a product of two half-angle functions, so values and
gradient are a handful of calls for any number of rotations. ``torch.polar`` must not
be used here: its gradient has the wrong sign for a negative radius, and then values
and input gradients stay right while weight gradients do not.
"""

from __future__ import annotations

import functools

import torch

# Rows: real and imaginary part of entries 00, 01, 10, 11. Factors are numbered
# cos theta/2, cos s, cos d, sin theta/2, sin s, sin d, with s = (phi + omega) / 2
# and d = (phi - omega) / 2.
_LEFT = (0, 0, 3, 3, 3, 3, 0, 0)
_RIGHT = (1, 4, 2, 5, 2, 5, 1, 4)
_SIGN = (1.0, -1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0)
_HALVES = ((0.0, 0.5, 0.5), (0.5, 0.0, 0.0), (0.0, 0.5, -0.5))


@functools.lru_cache(maxsize=16)
def _tables(device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    left, right = (torch.tensor(x, device=device) for x in (_LEFT, _RIGHT))
    sign = torch.tensor(_SIGN, device=device, dtype=dtype)
    halves = torch.tensor(_HALVES, device=device, dtype=dtype)
    eye = torch.eye(6, device=device, dtype=dtype)
    return left, right, sign, halves, eye[left], eye[right]


def rotations(angles: torch.Tensor) -> torch.Tensor:
    """Rot(phi, theta, omega) = RZ(omega) RY(theta) RZ(phi).

    Args:
        angles: (..., 3) in radians, float32 or float64.

    Returns:
        (..., 2, 2) complex, differentiable once.
    """
    return _Rotations.apply(angles)


class _Rotations(torch.autograd.Function):
    @staticmethod
    def forward(ctx, angles):
        left, right, sign, halves, _, _ = _tables(angles.device, angles.dtype)
        half = angles @ halves
        waves = torch.cat([torch.cos(half), torch.sin(half)], -1)
        a, b = waves[..., left], waves[..., right] * sign
        ctx.save_for_backward(waves, a, b)
        return torch.view_as_complex((a * b).unflatten(-1, (2, 2, 2)))

    @staticmethod
    def backward(ctx, grad):
        if torch.is_grad_enabled():
            raise RuntimeError("rotations give first derivatives only")
        waves, a, b = ctx.saved_tensors
        _, _, sign, halves, pick_a, pick_b = _tables(waves.device, waves.dtype)
        slope = torch.view_as_real(grad.resolve_conj()).flatten(-3)
        change = (slope * b) @ pick_a + (slope * a * sign) @ pick_b
        cos, sin = waves[..., :3], waves[..., 3:]
        return (change[..., 3:] * cos - change[..., :3] * sin) @ halves.t()
