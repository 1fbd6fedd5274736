"""The tasks by name: what is read, how, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qglib.data.examples import Examples
from qglib.tasks import signals, tables, texts
from qglib.tasks.text_classifier import REACH

METRICS = ("accuracy", "macro_f1", "entity_f1")


@dataclass(frozen=True)
class TaskConfig:
    """One task. All of them share heads, training loop, split rules and baselines.

    Attributes:
        name: key in `TASKS` and in saved folders.
        load: seed to `Examples`; takes also ``folder`` where ``folder`` is True.
        features: raw inputs to numbers, (n, columns), or one row per word where
            every word has a label.
        metric: "accuracy", "macro_f1" (classes of unequal size) or "entity_f1"
            (IOB2 tags).
        question: what is asked, and where the data is from, in one sentence.
        folder: whether the data lies in a folder that the user names.
        simulated: whether the examples were simulated or authored for this project.
        qubits, layers: size of the quantum head, and of the bottleneck head.
        reach: largest angle into the circuit, radians.
        epochs, batch_size: of training, the same for all heads.
    """

    name: str
    load: Callable[..., Examples]
    features: Callable[[Any], np.ndarray] = tables.numbers
    metric: str = "accuracy"
    question: str = ""
    folder: bool = False
    simulated: bool = False
    qubits: int = 6
    layers: int = 3
    reach: float = REACH
    epochs: int = 40
    batch_size: int = 32

    def __post_init__(self) -> None:
        """Check the metric."""
        if self.metric not in METRICS:
            raise ValueError(f"metric is {self.metric!r}: use {', '.join(METRICS)}")


_BUILT_IN = (
    TaskConfig(
        "language", texts.names, texts.word_features, "entity_f1",
        "names in authored news sentences (newswire), or in a corpus in columns",
        simulated=True, qubits=8, reach=math.pi, epochs=25, batch_size=512,
    ),
    TaskConfig(
        "topic", texts.topics, texts.text_features, "accuracy",
        "which of five topics an authored news sentence has", simulated=True, qubits=8,
    ),
    TaskConfig(
        "sentiment", texts.sentiment, texts.text_features, "accuracy",
        "72 authored sentences: positive, negative or neutral",
        simulated=True, qubits=8,
    ),
    TaskConfig(
        "customer_service", texts.intents, texts.text_features, "accuracy",
        "84 authored messages to a help desk, six intents", simulated=True, qubits=8,
    ),
    TaskConfig(
        "banking", texts.banking_intents, texts.text_features, "accuracy",
        "questions to a bank, 77 intents (BANKING77)", folder=True, qubits=8,
        epochs=25, batch_size=256,
    ),
    TaskConfig(
        "vision", tables.digits, metric="accuracy",
        question="which digit a handwritten 8 x 8 image shows (UCI)", qubits=8,
    ),
    TaskConfig(
        "speech", signals.spoken_digits, signals.sound_features, "accuracy",
        "spoken digits of unheard speakers (Free Spoken Digit Dataset)", folder=True,
        qubits=8,
    ),
    TaskConfig(
        "audio", signals.gliding_tones, signals.sound_features, "macro_f1",
        "simulated tones in noise: falling, steady or rising", simulated=True,
    ),
    TaskConfig(
        "manufacturing", signals.machine_vibration, signals.vibration_features,
        "accuracy", "simulated vibration of a machine: which fault, if any",
        simulated=True,
    ),
    TaskConfig(
        "product_origin", tables.wine_origin, metric="accuracy",
        question="which of three makers a product is from, by 13 analyses (UCI)",
    ),
    TaskConfig(
        "medicine", tables.breast_cancer, metric="macro_f1",
        question="malignant or benign, by 30 measurements of cells (UCI)",
    ),
    TaskConfig(
        "finance", tables.bill_rate, metric="macro_f1",
        question="will the US three-month rate rise next quarter; split along time",
        qubits=4,
    ),
    TaskConfig(
        "recommendation", tables.travel_mode, metric="macro_f1",
        question="which of four travel modes a person chose among priced offers",
    ),
)  # fmt: skip

TASKS: dict[str, TaskConfig] = {config.name: config for config in _BUILT_IN}
"""Name to configuration; `register_task` adds your own."""


def register_task(config: TaskConfig) -> TaskConfig:
    """Add a task, so that its name can be trained and its saved models loaded.

    Raises:
        ValueError: the name is taken by another task.
    """
    if TASKS.setdefault(config.name, config) != config:
        raise ValueError(f"name {config.name!r} is a task already: choose another")
    return config


def task_config(task: str | TaskConfig) -> TaskConfig:
    """The configuration of a task named or given.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(task, TaskConfig):
        return task
    if task not in TASKS:
        raise ValueError(
            f"task is {task!r}: known are {', '.join(TASKS)}; add your own with "
            "register_task(TaskConfig(...))"
        )
    return TASKS[task]
