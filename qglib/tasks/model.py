"""A trained task: standardisation, head and label names, on disk and in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from qglib.models import N_SHAPES, build_tagger, decode_all
from qglib.record import write_json
from qglib.tasks.pooling import mean_and_scale
from qglib.tasks.prepared import check_features
from qglib.tasks.registry import TaskConfig, task_config
from qglib.tasks.text_classifier import (
    build_task_head,
    build_text_classifier,
)
from qglib.tasks.texts import text_features, word_features

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
MODEL_TYPE = "qglib-task"


class TaskModel(nn.Module):
    """Features ``(..., n_inputs)`` as the task computes them to logits.

    The buffers ``feature_mean`` and ``feature_scale`` standardise them first.
    """

    def __init__(
        self,
        config: TaskConfig,
        labels: tuple[str, ...],
        n_inputs: int,
        head: str,
        qubits: int,
        layers: int,
        reach: float,
        dropout: float = 0.1,
    ) -> None:
        """A fresh head; torch's generator in force draws its weights."""
        super().__init__()
        self.config, self.labels = config, tuple(labels)
        self.settings = {
            "head": head,
            "n_inputs": n_inputs,
            "qubits": qubits,
            "layers": layers,
            "reach": reach,
            "dropout": dropout,
        }
        self.register_buffer("feature_mean", torch.zeros(n_inputs))
        self.register_buffer("feature_scale", torch.ones(n_inputs))
        self.head = build_task_head(
            head,
            n_inputs,
            len(labels),
            reach,
            qubits=qubits,
            layers=layers,
            dropout=dropout,
        )

    def standardise(self, rows: torch.Tensor) -> None:
        """Set mean and scale by training rows ``(n, n_inputs)``."""
        mean, scale = mean_and_scale(rows)
        self.feature_mean.copy_(mean)
        self.feature_scale.copy_(scale)
        if self.config.features is word_features:
            # rare word shapes: as the token tagger treats them
            self.feature_mean[-N_SHAPES:] = 0.0
            self.feature_scale[-N_SHAPES:] = 1 / 3

    def scaled(self, rows: torch.Tensor) -> torch.Tensor:
        """Standardised features."""
        return (rows - self.feature_mean) / self.feature_scale

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits ``(..., n_labels)``."""
        return self.head(self.scaled(rows))


def logits(model: TaskModel, inputs: Any) -> np.ndarray:
    """Logits of raw inputs, one row per example (per word for tagged sentences).

    Raises
    ------
    ValueError
        no inputs, NaN, or another width than the model was trained on.
    """
    if len(inputs) == 0:
        raise ValueError("inputs are empty: give at least one example")
    rows = np.asarray(model.config.features(inputs), dtype=np.float32)
    check_features(rows, width=model.settings["n_inputs"])
    model.eval()
    device = model.feature_mean.device
    with torch.inference_mode():
        return model(torch.from_numpy(rows).to(device)).float().cpu().numpy()


def predict(model: TaskModel, inputs: Any) -> list[Any]:
    """Labels of raw inputs: texts, sentences of words, images, sounds or rows.

    One label per example; one list of tags per sentence where words are labelled.

    Raises
    ------
    ValueError
        see `logits`.
    """
    found = logits(model, inputs)
    if model.config.metric == "entity_f1":
        stops = np.cumsum([len(words) for words in inputs])[:-1]
        return decode_all(np.split(found, stops), model.labels)
    return [model.labels[k] for k in found.argmax(axis=1)]


def save_task_model(model: TaskModel, folder: str | Path) -> None:
    """Write config.json and model.safetensors (standardisation included)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(state, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    written = {
        "model_type": MODEL_TYPE,
        "task": model.config.name,
        "labels": list(model.labels),
    }
    write_json(folder / CONFIG_FILE, written | model.settings)


def load_task_model(folder: str | Path, config: TaskConfig | None = None) -> TaskModel:
    """A model in eval mode from a folder written by `save_task_model`.

    Parameters
    ----------
    config : the task, where it is not in `TASKS` (a model of your own task).

    Raises
    ------
    FileNotFoundError
        no config.json or no weights there.
    ValueError
        a model of another kind, an unknown task, weights that do not fit.
    """
    folder = Path(folder)
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"folder: {folder} holds no {name}; expected a folder written by "
                "save_task_model"
            )
    saved = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    if saved.get("model_type") != MODEL_TYPE:
        raise ValueError(
            f"folder: {folder} holds a {saved.get('model_type')!r} model, not a "
            "task's; load it with transformers"
        )
    task = task_config(saved["task"]) if config is None else config
    if task.name != saved["task"]:
        raise ValueError(
            f"config is the task {task.name!r}, {folder} holds {saved['task']!r}"
        )
    keys = ("head", "qubits", "layers", "reach", "dropout")
    with torch.random.fork_rng(devices=[]):
        model = TaskModel(
            task,
            tuple(saved["labels"]),
            saved["n_inputs"],
            **{key: saved[key] for key in keys},
        )
    missing, extra = model.load_state_dict(
        load_file(folder / WEIGHTS_FILE), strict=False
    )
    if missing or extra:
        raise ValueError(
            f"{WEIGHTS_FILE}: missing {missing[:3]}, unexpected {extra[:3]}; save it "
            "again with save_task_model"
        )
    return model.eval()


def as_transformers(model: TaskModel) -> tuple[Any, Any]:
    """The same model as a transformers model and its tokenizer, encoder included.

    ``save_pretrained`` both into one folder, and
    ``pipeline("text-classification", model=folder)`` or, for tagged words,
    ``pipeline("token-classification", model=folder,
    aggregation_strategy="first")`` gives its answers on raw text.

    Raises
    ------
    ValueError
        the task's inputs are not text, or a tagger with another reach than pi.
    """
    kind, settings = model.config.features, model.settings
    sizes = {key: settings[key] for key in ("qubits", "layers", "dropout")}
    if kind is text_features:
        whole, tokenizer = build_text_classifier(
            labels=model.labels,
            head=settings["head"],
            reach=settings["reach"],
            **sizes,
        )
    elif kind is word_features:
        types = sorted({label[2:] for label in model.labels if label != "O"})
        whole, tokenizer = build_tagger(types=types, head=settings["head"], **sizes)
        if settings["head"] == "quantum" and settings["reach"] != whole.head.reach:
            raise ValueError(
                f"reach is {settings['reach']}: a token tagger's circuit has "
                f"{whole.head.reach:.4f}; train with that reach"
            )
    else:
        raise ValueError(
            f"task {model.config.name!r} does not read text with the offline encoder; "
            "use save_task_model and predict"
        )
    missing, extra = whole.load_state_dict(model.state_dict(), strict=False)
    ours = [k for k in missing if not k.startswith(("encoder.", "shape_embedding."))]
    assert not ours and not extra, "the heads must be built alike"
    return whole.eval(), tokenizer
