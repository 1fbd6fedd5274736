"""Train one head on examples of any kind: features once, then the one loop."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from qglib import devices
from qglib.data import Examples
from qglib.models import features as kinds
from qglib.models.encoder import check_weights, reading
from qglib.models.features import FeatureFunction, Prepared
from qglib.models.fitting import DEFAULTS, WIDE, fit
from qglib.models.heads import SAME_SIZE, build_head, head_kind, same_size_mlp
from qglib.models.tags import check_labels
from qglib.models.tokenizer import N_SHAPES
from qglib.record import read_json, write_json

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
MODEL_TYPE = "qglib-task"
SETTINGS: dict[str, Any] = dict(kind=str, labels=list, tagged=bool, head=str)
SETTINGS |= dict(qubits=int, layers=int)

# Largest angle in radians into the circuit where examples are few: the whole circle
# learns tens of them by heart (six intents at .2, not .88; dev, seeds 100 to 102).
SMALL_REACH = 0.5
# Rates of `qglib.models.fitting.DEFAULTS` are for hundreds of features; where a row has
# fewer than 100, every part learns this much faster (chosen on dev, seeds 100-102).
NARROW_FACTOR = 5.0


class FeatureModel(nn.Module):
    """Raw inputs of one kind to features, standardised, to logits by a head.

    ``features`` maps raw inputs to numbers (those of the kind by default); ``settings``
    are kind, labels, tagged, head, n_inputs, qubits, layers, reach, dropout;
    ``history`` has one row per epoch of the training (none after loading).
    """

    def __init__(self, features: FeatureFunction | None = None, **settings: Any):
        """A fresh head; torch's generator in force draws its weights."""
        super().__init__()
        self.settings, self.history = settings, pd.DataFrame()
        self.read = features or kinds.features_of(settings["kind"], settings["tagged"])
        n_inputs = settings["n_inputs"]
        self.feature_mean = nn.Buffer(torch.zeros(n_inputs))
        self.feature_scale = nn.Buffer(torch.ones(n_inputs))
        sizes = {k: settings[k] for k in ("qubits", "layers", "dropout", "reach")}
        self.head = build_head(settings["head"], n_inputs, len(self.labels), **sizes)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.settings["labels"])

    def standardise(self, rows: torch.Tensor) -> None:
        """Set mean and deviation by training rows ``(n, n_inputs)``."""
        variance, mean = torch.var_mean(rows, dim=0, correction=0)
        scale = variance.sqrt()
        # what never varies in training would be blown up by its tiny deviation
        scale[scale < 1e-6 * (1 + mean.abs())] = 1.0
        if self.settings["tagged"]:
            # rare word shapes: as the token tagger treats them
            mean[-N_SHAPES:], scale[-N_SHAPES:] = 0.0, 1 / 3
        self.feature_mean.copy_(mean)
        self.feature_scale.copy_(scale)

    def scaled(self, rows: torch.Tensor) -> torch.Tensor:
        """Standardised features."""
        return (rows - self.feature_mean) / self.feature_scale

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits ``(..., n_labels)`` of features ``(..., n_inputs)``."""
        return self.head(self.scaled(rows))

    def logits_of(self, rows: np.ndarray) -> np.ndarray:
        """Logits ``(n, n_labels)`` of features that were computed before."""
        self.eval()
        device = self.feature_mean.device
        with torch.inference_mode():
            return self(torch.from_numpy(rows).to(device)).float().cpu().numpy()

    def logits(self, inputs: Any) -> np.ndarray:
        """Logits of raw inputs, one row per example (per word where tagged)."""
        if len(inputs) == 0:
            raise ValueError("inputs are empty: give at least one example")
        rows = np.asarray(self.read(inputs), dtype=np.float32)
        kinds.check_features(rows, width=self.settings["n_inputs"])
        return self.logits_of(rows)

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Probabilities ``(n, n_labels)`` of raw inputs, see `logits`."""
        return torch.from_numpy(self.logits(inputs)).softmax(dim=-1).numpy()

    def predict(self, inputs: Any) -> list[Any]:
        """One label per example; one list of tags per sentence where tagged."""
        found = self.logits(inputs)
        if self.settings["tagged"]:
            return kinds.decoded(found, inputs, self.labels)
        return [self.labels[k] for k in found.argmax(axis=1)]

    def save(self, folder: str | Path) -> None:
        """Write config.json and model.safetensors (standardisation included)."""
        settings = {"model_type": MODEL_TYPE} | self.settings
        write_json(Path(folder) / CONFIG_FILE, settings)
        state = {k: v.contiguous() for k, v in self.state_dict().items()}
        save_file(state, Path(folder) / WEIGHTS_FILE, metadata={"format": "pt"})


def train(
    examples: Examples,
    head: str = "quantum",
    seed: int = 0,
    *,
    metric: str = "",
    features: FeatureFunction | None = None,
    prepared: Prepared | None = None,
    qubits: int = 0,
    layers: int = 3,
    reach: float = 0.0,
    epochs: int = 0,
    rate: float = 0.0,
    batch_size: int = 0,
    device: str = "auto",
) -> FeatureModel:
    """Train one head on examples of any kind; dev chooses the epoch.

    Args:
        examples: inputs, labels, split and kind; the test part is not touched.
        head: see `build_head`; "mlp_same_size" has as many parameters as "quantum".
        seed: of the head's weights and of the order of batches.
        metric: "accuracy" (the default), "macro_f1" (classes of unequal size) or
            "entity_f1" (the default where every word has a tag).
        features: raw inputs to numbers, (n, columns); those of the kind by default.
        prepared: result of `prepare` on these examples, computed once for many heads.
        qubits, reach, epochs, batch_size: 0 takes 6, .5 radians, 40 and 32 for whole
            inputs, and 8, pi, 25 and 512 where every word has a label.
        layers: of the circuit.
        rate: peak learning rate; 0 takes the head's own.
        device: "auto" takes a CUDA device where torch has one.
    """
    data = prepared or kinds.prepare(examples, metric, features)
    tagged, width = examples.tagged, data.features["train"].shape[1]
    usual = (8, math.pi, 25, 512) if tagged else (6, SMALL_REACH, 40, 32)
    qubits, reach = qubits or usual[0], reach or usual[1]
    epochs, batch_size = epochs or usual[2], batch_size or usual[3]
    if head == SAME_SIZE:
        head = same_size_mlp(width, len(data.labels), qubits, layers)
    usual_rate = DEFAULTS[head_kind(head)[0]][1]
    usual_rate *= 1.0 if width >= WIDE else NARROW_FACTOR
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings = dict(kind=examples.kind, labels=list(data.labels), tagged=tagged)
        settings |= dict(head=head, n_inputs=width, qubits=qubits, layers=layers)
        model = FeatureModel(features, **settings, reach=reach, dropout=0.1)
    place = devices.torch_device(device)
    model.to(place)
    rows = torch.from_numpy(data.features["train"]).to(place)
    model.standardise(rows)
    gold = torch.from_numpy(data.gold["train"]).to(place)

    def score() -> float:
        return data.score(model.logits_of(data.features["dev"]), "dev")

    options = dict[str, Any](epochs=epochs, batch_size=batch_size, seed=seed)
    options |= {"rate": rate or usual_rate, "score": score}
    model.history = fit(model.head, model.scaled(rows), gold, **options)
    return model


def load_model(
    folder: str | Path, features: FeatureFunction | None = None
) -> FeatureModel:
    """A model in eval mode from a folder written by `FeatureModel.save`.

    ``features`` is the function that it was trained with, where one was given. A model
    of another kind, or of an earlier version, and broken files are a ValueError.
    """
    folder = Path(folder)
    with reading(folder, CONFIG_FILE, WEIGHTS_FILE), torch.random.fork_rng(devices=[]):
        saved = read_json(folder / CONFIG_FILE)
        found = saved.pop("model_type", None)
        if found != MODEL_TYPE or "kind" not in saved:
            raise ValueError(
                f"a {found!r} model: load a tagger with load_tagger, others with "
                "transformers; one of an old version: train it again"
            )
        read_json(folder / CONFIG_FILE, **SETTINGS)
        check_labels(saved["labels"], saved["tagged"])
        model = FeatureModel(features, **saved)
        model.load_state_dict(load_file(folder / WEIGHTS_FILE))
        check_weights(model)
    return model.eval()
