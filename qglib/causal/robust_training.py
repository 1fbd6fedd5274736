"""Plain, counterfactual and random augmentation on the same data, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from qglib.causal.augmentation import (
    counterfactual_copies,
    cue_by_place,
    plant_cue,
    random_copies,
)
from qglib.data import Corpus, Sentence
from qglib.models import (
    build_tagger,
    decode_all,
    entity_f1,
    train_tagger,
    word_logits,
)

__all__ = ["augmentation_trial", "augmentation_trials", "compare_augmentations"]

ARMS = ("plain", "counterfactual", "random")


def augmentation_trial(
    corpus: Corpus,
    seed: int,
    *,
    arms: Sequence[str] = ARMS,
    n_train: int = 240,
    n_test: int = 0,
    strength: float = 0.95,
    n_copies: int = 1,
    epochs: int = 3,
    rate: float = 3e-4,
    n_probe: int = 60,
    encoder: str = "",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One seed: plant, fine-tune, find the cue, augment, fine-tune again, score.

    All arms see as many sentences per epoch: the plain one sees each original again
    in place of its copies.

    Parameters
    ----------
    corpus: tagged sentences; train and test are used.
    seed: of the subset, the markers, the augmentation and the training.
    arms: 'plain' first, then some of 'counterfactual' and 'random'.
    n_train, n_test: sentences drawn from each split; 0 takes all.
    strength: how often the marker tells the type, in training and in ``in_f1``; in
        ``out_f1`` the markers are drawn freely.
    n_copies: augmented copies of the training set.
    epochs, rate: of every arm, see `qglib.models.train_tagger`.
    n_probe: training sentences on which the cue is searched.
    encoder: see `qglib.models.build_tagger`.

    Returns
    -------
    One row per arm (``arm``, ``seed``, ``in_f1``, ``out_f1``, and ``place``, the
    offset that was found), and the table of `cue_by_place` of the plain arm.

    Raises
    ------
    ValueError: unknown arms or 'plain' not the first; as `plant_cue` and
        `counterfactual_copies`.
    """
    if not arms or arms[0] != "plain" or set(arms) - set(ARMS):
        raise ValueError(
            f"arms must start with 'plain', the rest from {ARMS}; got {arms}."
        )
    rng = np.random.default_rng(seed)

    def some(part: Sequence[Sentence], n: int) -> list[Sentence]:
        order = rng.permutation(len(part))[: n or len(part)]
        return [part[k] for k in order]

    train = plant_cue(some(corpus.train, n_train), strength, rng)
    chosen = some(corpus.test, n_test)
    tests = {"in_f1": plant_cue(chosen, strength, rng)}
    tests["out_f1"] = plant_cue(chosen, 0.0, rng)
    makers = {"counterfactual": counterfactual_copies, "random": random_copies}
    rows, found, place = [], None, 0
    for arm in arms:
        if arm == "plain":
            more = train * n_copies
        else:
            more = makers[arm](train, place, n_copies, np.random.default_rng([seed, 1]))
        model, tokenizer = build_tagger(encoder, corpus.types, "linear", seed=seed)
        train_tagger(
            model,
            tokenizer,
            [*train, *more],
            [],
            epochs=epochs,
            rate=rate,
            seed=seed,
            progress=False,
        )
        if found is None:
            found = cue_by_place(model, tokenizer, train[:n_probe], rng)
            place = int(found["flip_rate"].idxmax())
        row = {"arm": arm, "seed": seed, "place": place}
        for name, part in tests.items():
            logits = word_logits(model, tokenizer, [s.words for s in part])
            tags = decode_all(logits, model.config.labels)
            row[name] = entity_f1([s.tags for s in part], tags)
        rows.append(row)
    return pd.DataFrame(rows), found


def augmentation_trials(
    corpus: Corpus,
    seeds: Sequence[int],
    progress: bool = False,
    **settings: float,
) -> pd.DataFrame:
    """`augmentation_trial` for several seeds, one row per arm and seed."""
    bar = tqdm(seeds, unit="seed", disable=not progress, leave=False)
    trials = [augmentation_trial(corpus, seed, **settings)[0] for seed in bar]
    return pd.concat(trials, ignore_index=True)


def compare_augmentations(trials: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds and paired differences, with 95 % intervals (Student's t).

    Parameters
    ----------
    trials: result of `augmentation_trials`.

    Returns
    -------
    Rows: every arm, and ``counterfactual - plain``, ``random - plain``,
    ``counterfactual - random``, paired by seed. Columns ``in_f1``, ``out_f1`` and
    ``gap`` (in minus out), each with ``_low`` and ``_high``, and ``seeds``.

    Raises
    ------
    ValueError: fewer than two seeds, or a seed that lacks an arm.
    """
    wide = trials.pivot(index="seed", columns="arm", values=["in_f1", "out_f1"])
    if len(wide) < 2 or wide.isna().any(axis=None):
        raise ValueError(
            f"trials hold {len(wide)} seeds: give at least two, each with all arms."
        )
    pairs = (("counterfactual", "plain"), ("random", "plain"))
    pairs += (("counterfactual", "random"),)
    rows = {}
    for name, a, b in [(arm, arm, None) for arm in ARMS] + [
        (f"{a} - {b}", a, b) for a, b in pairs
    ]:
        inside = wide["in_f1", a] - (wide["in_f1", b] if b else 0)
        outside = wide["out_f1", a] - (wide["out_f1", b] if b else 0)
        rows[name] = {}
        for key, x in (
            ("in_f1", inside),
            ("out_f1", outside),
            ("gap", inside - outside),
        ):
            half = stats.t.ppf(0.975, len(x) - 1) * x.std() / np.sqrt(len(x))
            rows[name] |= {
                key: x.mean(),
                f"{key}_low": x.mean() - half,
                f"{key}_high": x.mean() + half,
            }
        rows[name]["seeds"] = len(wide)
    return pd.DataFrame.from_dict(rows, orient="index")
