"""Tasks: the same heads and training loop for text, images, sound and tables."""

from qglib.data.examples import Examples, divided, in_order
from qglib.tasks.adapters import (
    add_lora,
    load_adapter,
    save_adapter,
    trainable_share,
    unwrapped,
)
from qglib.tasks.drawing import draw_gains, draw_tasks
from qglib.tasks.fine_tuning import fine_tune_classifier
from qglib.tasks.head_comparison import compare_heads
from qglib.tasks.model import (
    TaskModel,
    as_transformers,
    load_task_model,
    predict,
    save_task_model,
)
from qglib.tasks.registry import TASKS, TaskConfig, register_task, task_config
from qglib.tasks.signals import sound_features, vibration_features
from qglib.tasks.tables import numbers
from qglib.tasks.text_classifier import (
    TextClassifier,
    TextClassifierConfig,
    build_text_classifier,
)
from qglib.tasks.texts import read_labelled, text_features, word_features
from qglib.tasks.training import TASK_HEADS, TaskResult, train_task

__all__ = [
    "TASKS",
    "TASK_HEADS",
    "Examples",
    "TaskConfig",
    "TaskModel",
    "TaskResult",
    "TextClassifier",
    "TextClassifierConfig",
    "add_lora",
    "as_transformers",
    "build_text_classifier",
    "compare_heads",
    "divided",
    "draw_gains",
    "draw_tasks",
    "fine_tune_classifier",
    "in_order",
    "load_adapter",
    "load_task_model",
    "numbers",
    "predict",
    "read_labelled",
    "register_task",
    "save_adapter",
    "save_task_model",
    "sound_features",
    "task_config",
    "text_features",
    "train_task",
    "trainable_share",
    "unwrapped",
    "vibration_features",
    "word_features",
]
