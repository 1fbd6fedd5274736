"""Interventions on planted sentences, where the true answer is known exactly.

`qglib.data.intervene` solves the structural equations again with the same noise,
so for every intervention it is known whether the true label changes. A tagger is
scored by how often its decision changes where the truth does not, and stays where
the truth changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from qglib.causal.text_effects import cluster_draws, cluster_interval, probabilities
from qglib.data.interventions import intervene, true_flip
from qglib.data.structural import PlantedSentence
from qglib.models import decode_all, word_logits

__all__ = [
    "contrast_sentence",
    "planted_interventions",
    "planted_table_of_errors",
    "strata_contrast",
]


def planted_interventions(
    model: torch.nn.Module,
    tokenizer: object,
    examples: Sequence[PlantedSentence],
    rng: np.random.Generator,
    *,
    variables: Sequence[str] = ("C", "ORDER", "N", "H"),
    batch_size: int = 32,
    progress: bool = False,
) -> pd.DataFrame:
    """Every possible intervention on the first clause, with model and truth.

    Parameters
    ----------
    model, tokenizer: a tagger that knows the four planted types.
    examples: planted sentences.
    rng: source of the values that are set.
    variables: see `qglib.data.intervene`; one that a sentence does not have (C in
        an order frame, ORDER elsewhere) is skipped there.
    batch_size, progress: passed to `word_logits`.

    Returns
    -------
    One row per intervention and name of the first clause: ``variable``,
    ``stratum`` ('ambiguous' or 'unambiguous' name), ``sentence``, ``slot``,
    ``true_flip``, ``model_flip`` (the type read at the name's first word),
    ``before`` and ``after``, the probabilities of the label that was true before.

    Raises
    ------
    ValueError: a label of the planted types is unknown to the model, or no
        sentence can be intervened on.
    """
    labels = list(model.config.labels)
    missing = sorted(
        {f"B-{k}" for e in examples for k in e.variables["L"]} - set(labels)
    )
    if missing:
        raise ValueError(
            f"labels {missing} are unknown to the model, which has {labels}."
        )
    pairs = []
    for number, example in enumerate(examples):
        order_frame = len(example.clauses[0]) == 2
        for variable in variables:
            if (variable == "C" and order_frame) or (
                variable == "ORDER" and not order_frame
            ):
                continue
            pairs.append((number, variable, intervene(example, variable, None, rng)))
    if not pairs:
        raise ValueError(
            f"none of the variables {list(variables)} can be set in these sentences; "
            "draw sentences with and without order frames."
        )
    texts = [e.sentence.words for e in examples]
    texts += [after.sentence.words for _, _, after in pairs]
    logits = word_logits(model, tokenizer, texts, batch_size, progress)
    tags = decode_all(logits, labels)
    rows = []
    for k, (number, variable, after) in enumerate(pairs, start=len(examples)):
        example = examples[number]
        flips = true_flip(example, after)
        for slot in example.clauses[0]:
            here, there = example.slots[slot][0], after.slots[slot][0]
            column = labels.index(f"B-{example.variables['L'][slot]}")
            rows.append(
                {
                    "variable": variable,
                    "stratum": "ambiguous"
                    if example.pools[slot] == "AMB"
                    else "unambiguous",
                    "sentence": number,
                    "slot": slot,
                    "true_flip": flips[slot],
                    "model_flip": tags[number][here][2:] != tags[k][there][2:],
                    "before": float(probabilities(logits[number][here])[column]),
                    "after": float(probabilities(logits[k][there])[column]),
                }
            )
    return pd.DataFrame(rows)


def planted_table_of_errors(
    outcomes: pd.DataFrame, rng: np.random.Generator, n_bootstrap: int = 2000
) -> pd.DataFrame:
    """Flip rates of truth and model per variable and stratum, with intervals.

    Parameters
    ----------
    outcomes: result of `planted_interventions`.
    rng: source of the resamples (of whole sentences).
    n_bootstrap: number of resamples.

    Returns
    -------
    Index (variable, stratum); ``true_flip``, ``model_flip`` with ``low`` and
    ``high``, ``error`` (share of interventions on which the two disagree) with
    ``error_low`` and ``error_high``, ``effect`` on the probability of the label that
    was true with ``effect_low`` and ``effect_high``, ``n``.
    """
    rows = {}
    ordered = outcomes.assign(
        variable=pd.Categorical(outcomes["variable"], outcomes["variable"].unique())
    )
    grouped = ordered.groupby(["variable", "stratum"], observed=True)
    for key, part in grouped:
        cluster = part["sentence"].to_numpy()

        def interval(values: pd.Series, cluster: np.ndarray = cluster) -> tuple:
            return cluster_interval(values.to_numpy(float), cluster, rng, n_bootstrap)

        flip = interval(part["model_flip"])
        error = interval(part["model_flip"] != part["true_flip"])
        effect = interval(part["after"] - part["before"])
        rows[key] = {
            "true_flip": float(part["true_flip"].mean()),
            "model_flip": flip[0],
            "low": flip[1],
            "high": flip[2],
            "error": error[0],
            "error_low": error[1],
            "error_high": error[2],
            "effect": effect[0],
            "effect_low": effect[1],
            "effect_high": effect[2],
            "n": len(part),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["variable", "stratum"])
    return table


def strata_contrast(
    outcomes: pd.DataFrame,
    rng: np.random.Generator,
    variable: str = "ORDER",
    n_bootstrap: int = 2000,
) -> pd.DataFrame:
    """How much more a tagger moves where the truth may change than where it may not.

    The size of a change is |after - before|, the absolute change of the probability
    of the label that was true. On ambiguous names the intervention can change the
    label, on unambiguous ones it cannot: their difference is the part of the
    reaction that knows this.

    Parameters
    ----------
    outcomes: result of `planted_interventions`.
    rng: source of the resamples; whole sentences, each stratum by itself (the names
        of one clause share their stratum).
    variable: the intervention, see `qglib.data.intervene`.
    n_bootstrap: number of resamples.

    Returns
    -------
    Rows ``ambiguous``, ``unambiguous`` and ``difference``; ``effect`` with its 95 %
    interval ``low``, ``high``.

    Raises
    ------
    ValueError: the outcomes lack the intervention in one of the strata.
    """
    rows, draws = {}, {}
    for stratum in ("ambiguous", "unambiguous"):
        part = outcomes.query("variable == @variable and stratum == @stratum")
        if part.empty:
            raise ValueError(
                f"no {variable!r} on {stratum} names in the outcomes; draw more "
                "planted sentences."
            )
        size = (part["after"] - part["before"]).abs().to_numpy()
        clusters = part["sentence"].to_numpy()
        rows[stratum], draws[stratum] = cluster_draws(size, clusters, rng, n_bootstrap)
    rows["difference"] = rows["ambiguous"] - rows["unambiguous"]
    draws["difference"] = draws["ambiguous"] - draws["unambiguous"]
    ends = {name: np.quantile(d, [0.025, 0.975]) for name, d in draws.items()}
    return pd.DataFrame(
        {
            "effect": rows,
            "low": {name: float(low) for name, (low, _) in ends.items()},
            "high": {name: float(high) for name, (_, high) in ends.items()},
        }
    )


def contrast_sentence(table: pd.DataFrame) -> str:
    """The difference of a `strata_contrast` for ORDER, and what it means, in words."""
    effect, low, high = table.loc["difference", ["effect", "low", "high"]]
    if low > 0:
        meaning = "The tagger moves more where the truth moves: it uses part of it."
    elif high < 0:
        meaning = "The tagger moves *less* where the truth moves."
    else:
        meaning = (
            "This cannot be told from zero: the tagger reacts to the exchange, but "
            "shows **no sign of knowing when it matters**."
        )
    return (
        f"Ambiguous minus unambiguous names: {effect:+.3f} [{low:+.3f}, {high:+.3f}] "
        f"(a tagger that understands: +1). {meaning}"
    )
