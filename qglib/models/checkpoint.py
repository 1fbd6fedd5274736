"""Checkpoints of a training run, exact and without pickle."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

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
    return {
        k: v.detach().to("cpu", copy=True).contiguous()
        for k, v in model.state_dict().items()
    }


def save_checkpoint(
    folder: Path,
    progress: Progress,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: dict[str, Any],
) -> None:
    """Write the state after an epoch; a kill at any moment leaves a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"epoch-{progress.epoch:04d}"
    draft = folder / f"{final.name}.{os.getpid()}.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    names = {id(p): n for n, p in model.named_parameters()}
    moments = {
        f"{names[id(parameter)]}|{key}": value.detach().to("cpu", copy=True)
        for parameter, values in optimiser.state.items()
        for key, value in values.items()
    }
    save_file(copy_state(model), draft / "model.safetensors")
    save_file(moments, draft / "optimiser.safetensors")
    generators = {"torch": torch.get_rng_state()}
    if next(model.parameters()).is_cuda:
        generators["cuda"] = torch.cuda.get_rng_state()
    save_file(generators, draft / "generators.safetensors")
    if progress.best is not None and progress.best_epoch != progress.epoch:
        save_file(progress.best, draft / "best.safetensors")
    state = asdict(progress) | {"settings": settings, "best": None}
    (draft / "state.json").write_text(json.dumps(state, indent=1))
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    for old in folder.glob("epoch-*"):
        if old != final:
            shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(
    folder: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: dict[str, Any],
    stale: str = "error",
) -> Progress:
    """Restore the last whole checkpoint of a folder, or start at epoch 0.

    Args:
        folder: as given to `save_checkpoint`.
        model: its weights are replaced.
        optimiser: its moments are replaced.
        settings: of this run; a checkpoint of another run is refused.
        stale: "error", or "restart" to ignore a checkpoint of another run.

    Raises:
        ValueError: the checkpoint belongs to another run (settings, data, model);
            names what differs.
    """
    saved = sorted(p for p in folder.glob("epoch-*") if p.suffix != ".part")
    if not saved:
        return Progress()
    last = saved[-1]
    state = json.loads((last / "state.json").read_text())
    then, now = state.pop("settings"), json.loads(json.dumps(settings))
    differ = [k for k in sorted({*then, *now}) if then.get(k) != now.get(k)]
    if differ and stale == "restart":
        return Progress()
    if differ:
        shown = "; ".join(f"{k} was {then.get(k)}, is {now.get(k)}" for k in differ)
        raise ValueError(
            f"checkpoint: {last} was written by another run ({shown}): give the same "
            "settings or another folder"
        )
    weights = load_file(last / "model.safetensors")
    model.load_state_dict(weights)
    _restore(optimiser, load_file(last / "optimiser.safetensors"), model)
    generators = load_file(last / "generators.safetensors")
    torch.set_rng_state(generators["torch"])
    if "cuda" in generators:
        torch.cuda.set_rng_state(generators["cuda"])
    best = last / "best.safetensors"
    state["best"] = load_file(best) if best.is_file() else weights
    return Progress(**state)


def _restore(optimiser: torch.optim.Optimizer, state: State, model: nn.Module) -> None:
    parameters = dict(model.named_parameters())
    group = optimiser.param_groups[0]
    on_gpu = bool(group.get("fused")) and group["params"][0].is_cuda
    for key, value in state.items():
        name, what = key.rsplit("|", 1)
        parameter = parameters[name]
        # the count of steps stays on the CPU, except in a fused step on a GPU
        stays = what == "step" and not on_gpu
        moved = value if stays else value.to(parameter.device)
        optimiser.state[parameter][what] = moved
