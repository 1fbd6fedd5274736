"""The checkpoint of a training run: one safetensors file, exact, without pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

FILE = "checkpoint.safetensors"
State = dict[str, torch.Tensor]


@dataclass
class Progress:
    """Everything a run needs to go on after an epoch, beside model and optimiser."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: State | None = field(default=None, repr=False)


def copy_state(model: nn.Module) -> State:
    """Weights and buffers on the CPU, each in its own memory."""
    return {k: _copy(v) for k, v in model.state_dict().items()}


def _copy(value: torch.Tensor) -> torch.Tensor:
    return value.detach().to("cpu", copy=True).contiguous()


def save_checkpoint(
    folder: Path,
    progress: Progress,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: dict[str, Any],
) -> None:
    """Write the state after an epoch; a kill at any moment leaves a whole file."""
    parts = {"model": copy_state(model), "generator": {"torch": torch.get_rng_state()}}
    parts["optimiser"] = {
        f"{number}|{key}": _copy(value)
        for number, values in optimiser.state_dict()["state"].items()
        for key, value in values.items()
    }
    if next(model.parameters()).is_cuda:
        parts["generator"]["cuda"] = torch.cuda.get_rng_state()
    if progress.best is not None and progress.best_epoch != progress.epoch:
        parts["best"] = progress.best
    tensors = {f"{part}|{k}": v for part, s in parts.items() for k, v in s.items()}
    state = asdict(progress) | {"settings": settings, "best": None}
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE}.part"
    save_file(tensors, draft, metadata={"state": json.dumps(state)})
    draft.replace(folder / FILE)


def load_checkpoint(
    folder: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: dict[str, Any],
    stale: str = "error",
) -> Progress:
    """Restore the checkpoint of a folder, or start at epoch 0.

    Args:
        folder: as given to `save_checkpoint`.
        model, optimiser: weights and moments are replaced.
        settings: of this run.
        stale: "error", or "restart" to ignore a checkpoint of another run.

    Raises:
        ValueError: the checkpoint belongs to another run (settings, data, model);
            names what differs.
    """
    file = folder / FILE
    if not file.is_file():
        return Progress()
    parts: dict[str, State] = {"model": {}, "optimiser": {}, "generator": {}}
    with safe_open(file, "pt") as stored:
        state = json.loads(stored.metadata()["state"])
        for name in stored.keys():
            part, _, key = name.partition("|")
            parts.setdefault(part, {})[key] = stored.get_tensor(name)
    then, now = state.pop("settings"), json.loads(json.dumps(settings))
    differ = [k for k in sorted({*then, *now}) if then.get(k) != now.get(k)]
    if differ and stale == "restart":
        return Progress()
    if differ:
        shown = "; ".join(f"{k} was {then.get(k)}, is {now.get(k)}" for k in differ)
        raise ValueError(
            f"checkpoint: {file} was written by another run ({shown}): give the same "
            "settings or another folder"
        )
    model.load_state_dict(parts["model"])
    moments: dict[int, State] = {}
    for name, value in parts["optimiser"].items():
        number, _, key = name.partition("|")
        moments.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
    torch.set_rng_state(parts["generator"]["torch"])
    if "cuda" in parts["generator"]:
        torch.cuda.set_rng_state(parts["generator"]["cuda"])
    state["best"] = parts.get("best", parts["model"])
    return Progress(**state)
