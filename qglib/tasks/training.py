"""Training a task with any head, beside the ordinary methods on the same split."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from qglib.models.evaluation import Interval
from qglib.models.fitting import DEFAULTS, WIDE, fit
from qglib.models.heads import HEADS, head_kind
from qglib.quantum.circuits import ring
from qglib.tasks.model import TaskModel
from qglib.tasks.prepared import Prepared, prepare
from qglib.tasks.registry import TaskConfig, task_config
from qglib.tasks.scoring import baseline_logits, interval, predicted_tags, score

SAME_SIZE = "mlp_same_size"
TASK_HEADS = (*HEADS, SAME_SIZE)
"""Heads of `train_task`; also ``"mlp:32"``, an MLP of 32 units."""

# Rates of `qglib.models.fitting.DEFAULTS` are for hundreds of features; where a row has
# fewer than 100, every part learns this much faster (chosen on dev, seeds 100-102).
NARROW_FACTOR = 5.0


def same_size_mlp(n_inputs: int, n_labels: int, qubits: int, layers: int) -> str:
    """The one-layer MLP with as many parameters as the quantum head, ``"mlp:h"``.

    >>> same_size_mlp(30, 2, 6, 3)
    'mlp:8'
    """
    outputs = qubits + len(ring(qubits))
    quantum = (n_inputs + 1) * qubits + 3 * layers * qubits + (outputs + 1) * n_labels
    return f"mlp:{max(1, round((quantum - n_labels) / (n_inputs + 1 + n_labels)))}"


@dataclass(frozen=True, repr=False)
class TaskResult:
    """A trained task and its scores on the test part.

    Attributes:
        task: name of the task.
        head: name of the head.
        seed: of split and head.
        metric: name of the score.
        test: score with its 95 % bootstrap interval; dev: the score that chose the
            epoch.
        baselines: score with interval of the ordinary methods on the same test part.
        parameters: trainable numbers of the head.
        model: the trained model, for `predict` and `save_task_model`.
        history: one row per epoch: loss, score on dev, seconds.
        gold, predicted: labels of the test part (tags of its sentences).
    """

    task: str
    head: str
    seed: int
    metric: str
    test: Interval
    dev: float
    baselines: dict[str, Interval]
    parameters: int
    model: TaskModel
    history: pd.DataFrame = field(repr=False)
    gold: list = field(repr=False)
    predicted: list = field(repr=False)

    def __repr__(self) -> str:
        """Score, interval and the strongest baseline in one line."""
        best = max(self.baselines, key=lambda k: self.baselines[k].value, default="")
        rival = f"; {best} {self.baselines[best].value:.3f}" if best else ""
        low, high = self.test.low, self.test.high
        return (
            f"{self.task}, {self.head} head: {self.metric} {self.test.value:.3f} "
            f"({low:.3f} to {high:.3f}){rival}"
        )

    def table(self) -> pd.DataFrame:
        """Head and baselines: one row each with score, low and high."""
        rows = {f"{self.head} head": self.test} | self.baselines
        return pd.DataFrame(rows.values(), index=pd.Index(rows, name="method")).rename(
            columns={"value": self.metric}
        )


@lru_cache(maxsize=64)
def _baselines(config: TaskConfig, seed: int, folder: str) -> dict[str, Interval]:
    data = prepare(config, seed, folder)
    found = baseline_logits(data, config.metric, seed)
    return {
        name: interval(data, values, "test", config.metric)
        for name, values in found.items()
    }


def train_task(
    task: str | TaskConfig,
    head: str = "quantum",
    seed: int = 0,
    *,
    folder: str | Path = "",
    epochs: int | None = None,
    rate: float | None = None,
    qubits: int | None = None,
    layers: int | None = None,
    reach: float | None = None,
    split_seed: int | None = None,
    baselines: bool = True,
    progress: bool = False,
) -> TaskResult:
    """Train one head on one task and score it once on the test part.

    The loop is `qglib.models.fitting.fit`: the epoch with the best score on dev is
    kept. Features, split and baselines of a task are computed once and kept.

    Parameters
    ----------
    task : a name in `TASKS` or a configuration of your own.
    head : one of `TASK_HEADS`, or ``"mlp:<units>"``. ``"mlp_same_size"`` has as many
        parameters as the quantum head.
    seed : of the head's weights, the order of batches and, without ``split_seed``,
        of the split.
    folder : of the data, for tasks that need one.
    epochs, rate, qubits, layers, reach : default to the task's and the head's own.

    Raises
    ------
    ValueError
        an unknown task or head; data that cannot be learnt from; NaN; a missing
        folder.
    """
    config = task_config(task)
    split_seed = seed if split_seed is None else split_seed
    data = prepare(config, split_seed, str(folder))
    qubits = config.qubits if qubits is None else qubits
    layers = config.layers if layers is None else layers
    n_labels = len(data.labels)
    built = head
    if head == SAME_SIZE:
        built = same_size_mlp(data.width, n_labels, qubits, layers)
    kind = head_kind(built)[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TaskModel(
            config,
            data.labels,
            data.width,
            built,
            qubits,
            layers,
            config.reach if reach is None else reach,
        )
    history = _fit(
        model,
        data,
        epochs=config.epochs if epochs is None else epochs,
        rate=default_rate(kind, data.width) if rate is None else rate,
        seed=seed,
        progress=progress,
    )
    found = _logits(model, data, "test")
    if data.tags is None:
        gold = [data.labels[k] for k in data.gold["test"]]
        predicted = [data.labels[k] for k in found.argmax(axis=1)]
    else:
        gold = [list(tags) for tags in data.tags["test"]]
        predicted = predicted_tags(data, found, "test")
    return TaskResult(
        task=config.name,
        head=head,
        seed=seed,
        metric=config.metric,
        test=interval(data, found, "test", config.metric),
        dev=float(history["score"].max()),
        baselines=_baselines(config, split_seed, str(folder)) if baselines else {},
        parameters=sum(p.numel() for p in model.head.parameters()),
        model=model,
        history=history,
        gold=gold,
        predicted=predicted,
    )


def default_rate(kind: str, width: int) -> float:
    """Peak learning rate of a kind of head on rows of this width."""
    return DEFAULTS[kind][1] * (1.0 if width >= WIDE else NARROW_FACTOR)


def _logits(model: TaskModel, data: Prepared, part: str) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.from_numpy(data.features[part])).numpy()


def _fit(
    model: TaskModel,
    data: Prepared,
    *,
    epochs: int,
    rate: float,
    seed: int,
    progress: bool,
) -> pd.DataFrame:
    rows = torch.from_numpy(data.features["train"])
    model.standardise(rows)
    metric = model.config.metric
    return fit(
        model.head,
        model.scaled(rows),
        torch.from_numpy(data.gold["train"]),
        epochs=epochs,
        rate=rate,
        batch_size=model.config.batch_size,
        seed=seed,
        score=lambda: score(data, _logits(model, data, "dev"), "dev", metric),
        progress=progress,
    )
