"""Search for a head and its learning rate with Optuna, on the dev set alone."""

from __future__ import annotations

import copy
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.trial import Trial, TrialState
from tqdm import tqdm

from qglib.models.building import build_tagger
from qglib.models.evaluation import Tags
from qglib.models.head_training import train_head
from qglib.models.heads import HEADS, head_kind
from qglib.models.inference import WordFeatures
from qglib.models.tagger import TokenTagger

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
STARTUP = 5  # random trials before the sampler models, complete ones before pruning
SETTINGS = "settings"


@dataclass(frozen=True)
class HeadSearch:
    """Result of `search_heads`.

    ``best``: parameters of the trial with the best dev F1 (head, learning_rate,
    head_epochs, seed, and qubits, layers where the head has them); ``value``: that
    dev F1; ``study``: the Optuna study; ``counts``: trials by state.
    """

    best: dict[str, Any]
    value: float
    counts: dict[str, int]
    study: optuna.Study = field(repr=False)

    def papermill_command(
        self,
        notebook: str = "12_heads_and_optimisers",
        output: str = "best_trial.ipynb",
    ) -> str:
        """Shell line, for the project's folder, that trains the best trial again.

        The notebook must take these parameters: papermill only warns of others.
        """
        parts = ["papermill", f"notebooks/{notebook}.ipynb", output]
        parts += ["-k", "python3", "--cwd", "notebooks"]
        for name, value in self.best.items():
            parts += ["-p", name, str(value)]
        return shlex.join(parts)


def _sampler(seed: int, finished: int) -> optuna.samplers.BaseSampler:
    """A sampler that depends on the seed and the finished trials only.

    A generator that lives through the search would start again after a kill; a new
    one per trial makes a resumed search propose what the uninterrupted one would.
    """
    drawn = np.random.SeedSequence([seed, finished]).generate_state(1)
    return optuna.samplers.TPESampler(seed=int(drawn[0]), n_startup_trials=STARTUP)


def _fingerprint(
    features: Mapping[str, WordFeatures], labels: Mapping[str, Tags]
) -> str:
    digest = hashlib.sha256()
    for part in ("train", "dev"):
        digest.update(np.ascontiguousarray(features[part].hidden).tobytes())
        digest.update(json.dumps([list(t) for t in labels[part]]).encode())
    return digest.hexdigest()[:16]


def _open(storage: str, name: str, settings: dict[str, Any]) -> optuna.Study:
    """The study, new or to be continued, with trials of killed processes failed."""
    place = storage.removeprefix("sqlite:///")
    if place != storage and place not in ("", ":memory:"):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(STARTUP - 1, n_warmup_steps=2),
    )
    before = study.user_attrs.get(SETTINGS)
    if before is None:
        study.set_user_attr(SETTINGS, settings)
    elif before != settings:
        changed = sorted(k for k in settings if before.get(k) != settings[k])
        raise ValueError(
            f"storage {storage!r} holds the study {name!r} with other "
            f"{', '.join(changed) or 'settings'}: give another study_name or storage"
        )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _fresh(base: TokenTagger, seed: int, head: str, **size: int) -> TokenTagger:
    """What `build_tagger` gives for this head, without reading the encoder again.

    Frozen features need no encoder, so that it keeps its random weights; the head
    is drawn after them, exactly as there.
    """
    config = copy.deepcopy(base.config)
    config.head = head
    for name, value in size.items():
        setattr(config, name, value)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        return TokenTagger(config).eval()


def _suggest(
    trial: Trial,
    heads: Sequence[str],
    rates: tuple[float, float],
    qubits: tuple[int, int],
    layers: tuple[int, int],
) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "head": trial.suggest_categorical("head", list(heads)),
        "learning_rate": trial.suggest_float("learning_rate", *rates, log=True),
    }
    kind = head_kind(chosen["head"])[0]
    if kind in ("bottleneck", "quantum"):
        chosen["qubits"] = trial.suggest_int("qubits", *qubits)
    if kind == "quantum":
        chosen["layers"] = trial.suggest_int("layers", *layers)
    return chosen


def search_heads(
    features: Mapping[str, WordFeatures],
    labels: Mapping[str, Tags],
    types: Sequence[str],
    *,
    storage: str,
    n_trials: int = 30,
    seed: int = 0,
    heads: Sequence[str] = HEADS,
    rates: tuple[float, float] = (1e-3, 3e-2),
    qubits: tuple[int, int] = (4, 10),
    layers: tuple[int, int] = (1, 4),
    epochs: int = 12,
    study_name: str = "heads",
    encoder: str = "",
    progress: bool = True,
) -> HeadSearch:
    """Head, learning rate and size with the best dev entity F1.

    Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011) and median
    pruning after every epoch. The search goes on where an earlier one with the same
    storage and name stopped: complete and pruned trials count towards ``n_trials``,
    a trial that a killed process left running is marked failed and proposed again.
    One process at a time. Same seed, data, machine and number of threads give the
    same trials, also when the search was killed in between. The test set takes no
    part.

    Parameters
    ----------
    features, labels : frozen features and IOB2 tags, keys train and dev.
    storage : ``"sqlite:///file.db"``; the folder is made.
    n_trials : finished trials in the storage when this returns.
    rates, qubits, layers : smallest and largest value; ``qubits`` for the heads
        bottleneck and quantum, ``layers`` for quantum. Rates are drawn in logarithm.
    epochs : of every trial that is not pruned.

    Raises
    ------
    ValueError
        no trials, an unknown head, a range upside down, or a storage that holds a
        search with other settings or data.
    """
    if n_trials < 1:
        raise ValueError(f"n_trials must be at least 1, got {n_trials}")
    if not heads:
        raise ValueError("heads is empty: name at least one head")
    for head in heads:
        head_kind(head)
    for name, (low, high) in {
        "rates": rates, "qubits": qubits, "layers": layers,
    }.items():  # fmt: skip
        if not 0 < low <= high:
            raise ValueError(f"{name} must be (smallest, largest), got {(low, high)}")
    settings = {
        "seed": seed, "heads": list(heads), "rates": list(rates),
        "qubits": list(qubits), "layers": list(layers), "epochs": epochs,
        "types": list(types), "encoder": encoder,
        "data": _fingerprint(features, labels),
    }  # fmt: skip

    base, _ = build_tagger(encoder, types, "linear", seed=seed)

    def objective(trial: Trial) -> float:
        chosen = _suggest(trial, heads, rates, qubits, layers)
        size = {k: chosen[k] for k in ("qubits", "layers") if k in chosen}
        model = _fresh(base, seed, chosen["head"], **size)
        best = -1.0

        def report(epoch: int, value: float) -> None:
            nonlocal best
            best = max(best, value)
            trial.report(best, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        train_head(
            model,
            features["train"],
            labels["train"],
            (features["dev"], labels["dev"]),
            epochs=epochs,
            rate=chosen["learning_rate"],
            seed=seed,
            report=report,
        )
        return best

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = _open(storage, study_name, settings)
        done = _finished(study)
        bar = tqdm(total=n_trials, initial=done, unit="trial", disable=not progress)
        while done < n_trials:
            study.sampler = _sampler(seed, done)
            study.optimize(objective, n_trials=1)
            done = _finished(study)
            bar.update()
            if any(t.state == TrialState.COMPLETE for t in study.trials):
                bar.set_postfix(dev_f1=f"{study.best_value:.3f}")
        bar.close()
    finally:
        optuna.logging.set_verbosity(level)
    best = study.best_trial
    states = [t.state.name.lower() for t in study.trials]
    return HeadSearch(
        best.params | {"head_epochs": epochs, "seed": seed},
        float(best.value),
        {state: states.count(state) for state in dict.fromkeys(states)},
        study,
    )


def _finished(study: optuna.Study) -> int:
    return len(study.get_trials(False, FINISHED))
