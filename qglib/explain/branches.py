"""Does D branch where two words must act together, and do the branches carry it?

Each branch is the best path from one of the likeliest starts. Its nodes are made
clean one layer at a time; the controls do the same with as many paths that know the
branches' ends (pinned ends), their starts (stay) or nothing (random).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qglib.explain.decision_graph import DecisionGraph, aligned_decisions
from qglib.explain.decision_path import (
    decision_branches,
    pinned_ends_path,
    random_path,
    stay_path,
)
from qglib.explain.patching import patched_logits
from qglib.explain.planted_negation import NegationPair

ROWS = ("one branch", "two branches", "pinned ends", "stay", "random")


@dataclass(frozen=True)
class BranchControls:
    """Restored shares of two branches and of their controls.

    Attributes:
        by_layer: name of `ROWS` -> (pairs, L), one layer made clean at a time, up to
            the last layer at which all branches have a node.
        starts_right: whether the two starts are the two deciding words, (pairs,).
        word_alone: share restored by each deciding word alone at the input,
            (pairs, 2).
        interaction: 1 minus the sum of these two, (pairs,): what only both give.
        used: numbers of the pairs, those whose logit moves by at least `least`.
    """

    by_layer: dict[str, np.ndarray]
    starts_right: np.ndarray
    word_alone: np.ndarray
    used: tuple[int, ...]

    @property
    def interaction(self) -> np.ndarray:
        """Share that neither word restores alone, (pairs,)."""
        return 1.0 - self.word_alone.sum(1)

    def over(self, control: str, layer: int) -> np.ndarray:
        """Two branches minus a control at one layer, (pairs,)."""
        ours, theirs = self.by_layer["two branches"], self.by_layer[control]
        return ours[:, layer] - theirs[:, layer]


def branch_controls(
    model: torch.nn.Module,
    tokenizer: Any,
    pairs: Sequence[NegationPair],
    graphs: Sequence[DecisionGraph],
    rng: np.random.Generator,
    *,
    draws: int = 3,
    least: float = 0.5,
) -> BranchControls:
    """Patch two branches of D and their controls, pair by pair.

    Args:
        model, tokenizer: the text classifier and its tokenizer.
        pairs: sentences with two deciding words.
        graphs: their decision graphs.
        rng: generator of the pinned-ends and random paths.
        draws: pinned-ends and random paths for each branch (their mean counts).
        least: smallest change of the logit, in logits.

    Raises:
        ValueError: fewer than two pairs that move the logit, or branches that end
            at layer 0.
    """
    used = [
        i for i, g in enumerate(graphs) if abs(g.clean_logit - g.corrupt_logit) >= least
    ]
    branches = {i: decision_branches(graphs[i], 2) for i in used}
    used = [i for i in used if len(branches[i]) == 2]
    if len(used) < 2:
        raise ValueError(
            f"{len(used)} pairs move the logit by {least}: give at least two pairs"
        )
    last = min(len(path) - 1 for i in used for path in branches[i])
    if last < 1:
        raise ValueError("the branches end at layer 0: there is no layer to patch")
    found: dict[str, list[np.ndarray]] = {name: [] for name in ROWS}
    hits, alone = [], []
    for i in used:
        pair, graph, two = pairs[i], graphs[i], branches[i]
        first, second = aligned_decisions(
            model, tokenizer, pair.clean, pair.corrupt, graph.target
        )
        causes = [first.word_of.index(c) for c in pair.cause]
        hits.append({path[0] for path in two} == set(causes))
        tried = [[two[0]], two, [stay_path(p[0], len(p) - 1) for p in two]]
        inner = range(1, len(graph.tokens) - 1)
        for _ in range(draws):
            tried.append([pinned_ends_path(p[0], p[-1], len(p) - 1, rng) for p in two])
            tried.append([random_path(inner, len(p) - 1, rng) for p in two])
        patches = [
            [(layer, path[layer]) for path in paths]
            for paths in tried
            for layer in range(last + 1)
        ]
        patches += [[(0, cause)] for cause in causes]
        logits = patched_logits(first, second, [*patches, []])
        gap = graph.clean_logit - graph.corrupt_logit
        share = (logits[:-1] - logits[-1]) / gap
        alone.append(share[-2:])
        rows = share[:-2].reshape(len(tried), last + 1)
        for name, row in zip(
            ("one branch", "two branches", "stay"), rows, strict=False
        ):
            found[name].append(row)
        found["pinned ends"].append(rows[3::2].mean(0))
        found["random"].append(rows[4::2].mean(0))
    return BranchControls(
        by_layer={name: np.array(rows) for name, rows in found.items()},
        starts_right=np.array(hits, dtype=float),
        word_alone=np.array(alone),
        used=tuple(used),
    )
