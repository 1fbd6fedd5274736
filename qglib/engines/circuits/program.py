"""A plan's tables as tensors of one device and precision."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from qglib.engines.circuits.plan import Plan

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


@dataclass
class PhaseTable:
    """exp(i table @ features), split where it factors over two halves of the wires."""

    full: torch.Tensor  # (2**n, K)
    upper: torch.Tensor  # (2**h, K)
    lower: torch.Tensor  # (2**(n-h), K)
    mixed: torch.Tensor | None  # (2**n, K) what no half can tell alone

    def factors(self, features: torch.Tensor) -> torch.Tensor:
        """Unit factors (2**n, B)."""
        upper = unit(self.upper @ features).unsqueeze(1)
        lower = unit(self.lower @ features).unsqueeze(0)
        product = (upper * lower).flatten(0, 1)
        if self.mixed is not None:
            product = product * unit(self.mixed @ features)
        return product


def unit(angle: torch.Tensor) -> torch.Tensor:
    """exp(i angle); not by ``torch.polar``, see `qglib.engines.circuits.rotations`."""
    return torch.complex(torch.cos(angle), torch.sin(angle))


@dataclass
class Program:
    """A plan's tables as tensors of one device and precision."""

    plan: Plan
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    steps: list[tuple] = field(default_factory=list)
    rows: dict[int, tuple] = field(default_factory=dict)


def load(plan: Plan, device: torch.device, dtype: torch.dtype) -> Program:
    """Put a plan's tables on ``device`` in ``dtype`` (float32 or float64)."""
    complex_dtype = COMPLEX[dtype]

    def real(array):
        return torch.as_tensor(array, device=device).to(dtype)

    def cplx(array):
        return torch.as_tensor(array, device=device).to(complex_dtype)

    def index(array):
        return torch.as_tensor(array, device=device)

    program = Program(plan)
    put = program.tensors
    put["extra"] = real(plan.extra_constants)
    left = plan.features.left
    if left.shape != (plan.n_inputs,) * 2 or (left != np.eye(plan.n_inputs)).any():
        put["left"] = real(left)
    if plan.features.right is not None:
        put["right"], put["second"] = (
            real(plan.features.right),
            index(plan.features.weight),
        )
        put["one_zero"] = real([1.0, 0.0])
    put["start_half"] = real(plan.start_data / 2)
    for name in ("start_before", "start_after"):
        value = getattr(plan, name)
        if isinstance(value, np.ndarray):
            put[name] = cplx(value)
    if plan.turns is not None:
        put["turn_index"] = index(plan.turns.index)
        if (plan.turns.scale != 1).any():
            put["turn_scale"] = real(plan.turns.scale)
        eye = np.eye(2)
        for d, constants in enumerate(plan.turns.constants):
            if not np.array_equal(constants, np.broadcast_to(eye, constants.shape)):
                put[f"constant{d}"] = cplx(constants)
    for step in plan.steps:
        if step.kind == "permute":
            inverse = np.argsort(step.gather)
            program.steps.append(("permute", index(step.gather), index(inverse)))
        elif step.kind == "matrix":
            fixed = None if step.matrix is None else cplx(step.matrix)
            program.steps.append(("matrix", *step.wires, step.row, fixed))
        elif step.kind == "scale":
            constant = np.exp(1j * step.constant)
            snapped = np.round(constant)  # signs of CZ exactly, not to 1e-16
            constant = np.where(abs(constant - snapped) < 1e-14, snapped, constant)
            table = None if step.table is None else real(step.table)
            which = index([k for k, _ in step.angles])
            scale = real([s for _, s in step.angles])
            program.steps.append(
                ("scale", cplx(constant)[:, None], table, which, scale)
            )
        else:
            program.steps.append(
                ("phase", _split_table(step.table, plan.n_wires, real))
            )
    for mask, table in plan.rows.items():
        flip = index(np.arange(2**plan.n_wires) ^ mask)
        program.rows[mask] = (flip, real(table.real) if mask == 0 else cplx(table))
    if plan.order is not None:
        put["order"] = index(plan.order)
    return program


def _split_table(table: np.ndarray, n: int, real) -> PhaseTable:
    half = n // 2
    square = table.reshape(2**half, 2 ** (n - half), -1)
    # A sum u[a] + l[b] is recovered from one row and one column.
    upper, lower = square[:, 0], square[0] - square[0, 0]
    rest = square - upper[:, None] - lower[None]
    mixed = real(rest.reshape(table.shape)) if abs(rest).max() > 1e-12 else None
    return PhaseTable(real(table), real(upper), real(lower), mixed)
