"""Checkpoints of a training run, exact and without pickle."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
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
    best_f1: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    best: State | None = None


def copy_state(model: nn.Module) -> State:
    """Weights and buffers on the CPU, each in its own memory."""
    return {
        k: v.detach().to("cpu", copy=True).contiguous()
        for k, v in model.state_dict().items()
    }


def _optimiser_state(optimiser: torch.optim.Optimizer, names: dict[int, str]) -> State:
    return {
        f"{names[id(parameter)]}|{key}": value.detach()
        .to("cpu", copy=True)
        .contiguous()
        for parameter, values in optimiser.state.items()
        for key, value in values.items()
    }


def _restore_optimiser(
    optimiser: torch.optim.Optimizer, state: State, parameters: dict[str, nn.Parameter]
) -> None:
    for key, value in state.items():
        name, field_name = key.rsplit("|", 1)
        parameter = parameters[name]
        kept = value if field_name == "step" and not _fused_on_gpu(optimiser) else None
        moved = kept if kept is not None else value.to(parameter.device)
        optimiser.state[parameter][field_name] = moved


def _fused_on_gpu(optimiser: torch.optim.Optimizer) -> bool:
    group = optimiser.param_groups[0]
    return bool(group.get("fused")) and group["params"][0].is_cuda


def save_checkpoint(
    folder: Path,
    progress: Progress,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    rng: np.random.Generator,
    settings: dict[str, Any],
) -> None:
    """Write the state after an epoch; a kill at any moment leaves a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"epoch-{progress.epoch:04d}"
    draft = folder / f"{final.name}.{os.getpid()}.part"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    names = {id(p): n for n, p in model.named_parameters()}
    save_file(copy_state(model), draft / "model.safetensors")
    save_file(_optimiser_state(optimiser, names), draft / "optimiser.safetensors")
    generators = {"torch": torch.get_rng_state()}
    if next(model.parameters()).is_cuda:
        generators["cuda"] = torch.cuda.get_rng_state()
    save_file(generators, draft / "generators.safetensors")
    if progress.best is not None and progress.best_epoch != progress.epoch:
        save_file(progress.best, draft / "best.safetensors")
    state = {
        "settings": settings,
        "epoch": progress.epoch,
        "step": progress.step,
        "best_epoch": progress.best_epoch,
        "best_f1": progress.best_f1,
        "history": progress.history,
        "batches": rng.bit_generator.state,
    }
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
    rng: np.random.Generator,
    settings: dict[str, Any],
    stale: str = "error",
) -> Progress:
    """Restore the last whole checkpoint of a folder, or start at epoch 0.

    A checkpoint of another run is an error, or with ``stale="restart"`` ignored.

    Raises
    ------
    ValueError
        the checkpoint belongs to another run (settings, data, model); names what
        differs.
    """
    saved = sorted(p for p in folder.glob("epoch-*") if p.suffix != ".part")
    if not saved:
        return Progress()
    last = saved[-1]
    state = json.loads((last / "state.json").read_text())
    then, now = state["settings"], json.loads(json.dumps(settings))
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
    _restore_optimiser(
        optimiser,
        load_file(last / "optimiser.safetensors"),
        dict(model.named_parameters()),
    )
    generators = load_file(last / "generators.safetensors")
    torch.set_rng_state(generators["torch"])
    if "cuda" in generators:
        torch.cuda.set_rng_state(generators["cuda"])
    rng.bit_generator.state = state["batches"]
    best = last / "best.safetensors"
    return Progress(
        epoch=state["epoch"],
        step=state["step"],
        best_epoch=state["best_epoch"],
        best_f1=state["best_f1"],
        history=state["history"],
        best=load_file(best) if best.is_file() else weights,
    )
