"""D against its controls, and the intervals that decide between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from qglib.explain.decision import decision
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import (
    DecisionPath,
    pinned_ends_path,
    random_path,
    rollout_path,
    stay_path,
)
from qglib.explain.patching import exact_patching, restored_logits
from qglib.explain.planted_pairs import PlantedPair


def interval_table(
    values: Mapping[str, Sequence[float]],
    rng: np.random.Generator,
    n_bootstrap: int = 2000,
) -> pd.DataFrame:
    """Mean of each row of cases with its 95 % bootstrap interval over the cases.

    Columns ``mean``, ``low``, ``high``; one row for each name.

    Raises:
        ValueError: a name without values, or values that are not finite.
    """
    rows = {}
    for name, cases in values.items():
        cases = np.asarray(cases, dtype=float)
        if not cases.size or not np.isfinite(cases).all():
            raise ValueError(f"{name!r} needs at least one value, all finite")
        draws = cases[rng.integers(0, len(cases), (n_bootstrap, len(cases)))].mean(1)
        rows[name] = [cases.mean(), *np.quantile(draws, [0.025, 0.975])]
    return pd.DataFrame(rows, index=["mean", "low", "high"]).T


@dataclass(frozen=True)
class PathControls:
    """Restored shares of D and its controls on the pairs with one exit layer.

    Attributes:
        exit_layer: the commonest layer at which D ends.
        cases: numbers of the pairs whose D ends there.
        by_layer: name -> (cases, exit_layer + 1), one node made clean.
        inner: name -> (cases,), all nodes between the ends made clean.
        start_on_cause: share of the paths that start at a deciding word.
        start_chance: share of deciding words among the words that differ by design.
    """

    exit_layer: int
    cases: tuple[int, ...]
    by_layer: dict[str, np.ndarray]
    inner: dict[str, np.ndarray]
    start_on_cause: float
    start_chance: float

    def margin(self, rng: np.random.Generator) -> tuple[int, pd.Series]:
        """Layer where D and the pinned-ends path are told apart, and by how much.

        The layer is chosen on the first half of the cases and the difference
        measured on the second, so the choice does not flatter the number. The
        series holds ``effect``, ``low``, ``high``.
        """
        difference = self.by_layer["D"] - self.by_layer["pinned ends"]
        half = len(difference) // 2
        layer = 1 + int(difference[:half, 1 : self.exit_layer].mean(0).argmax())
        table = interval_table({"margin": difference[half:, layer]}, rng)
        return layer, table.loc["margin"].rename({"mean": "effect"})


def path_controls(
    model: torch.nn.Module,
    tokenizer: Any,
    pairs: Sequence[PlantedPair],
    graphs: Sequence[DecisionGraph],
    paths: Sequence[DecisionPath],
    rng: np.random.Generator,
    *,
    pinned: int = 3,
) -> PathControls:
    """Patch D, `pinned` pinned-ends paths, stay, random and rollout paths.

    Only pairs whose D ends at the commonest layer count, so that all paths are
    equally long.

    Raises:
        ValueError: fewer than two such pairs, or a D that ends below layer 2 and
            so has nothing between its ends.
    """
    ends = Counter(path.exit_layer for path in paths)
    last = ends.most_common(1)[0][0] if ends else 0
    cases = tuple(i for i, path in enumerate(paths) if path.exit_layer == last)
    if len(cases) < 2 or last < 2:
        raise ValueError(
            f"{len(cases)} paths end at layer {last}: at least 2 pairs and layer 2 "
            "are needed to compare paths between their ends"
        )
    layers = [[n] for n in range(last + 1)] + [list(range(1, last))]
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in ("D", "pinned ends", "stay", "random", "rollout")
    }
    hits, chances = [], []
    for i in cases:
        pair, graph, path = pairs[i], graphs[i], paths[i]
        start, end = path.positions[0], path.positions[-1]
        inner = range(1, len(graph.tokens) - 1)
        tried = [
            path.positions,
            stay_path(start, last),
            random_path(inner, last, rng),
            rollout_path(graph, end, last),
            *(pinned_ends_path(start, end, last, rng) for _ in range(pinned)),
        ]
        got = restored_logits(
            model, tokenizer, pair.clean, pair.corrupt, tried, layers, pair.target
        )
        for name, value in zip(("D", "stay", "random", "rollout"), got, strict=False):
            rows[name].append(value)
        rows["pinned ends"].append(got[4:].mean(0))
        word_of = decision(model, tokenizer, pair.clean, pair.target).word_of
        hits.append(word_of[start] in pair.cause)
        chances.append(len(pair.cause) / (len(pair.cause) + len(pair.bait)))
    restored = {name: np.array(value) for name, value in rows.items()}
    return PathControls(
        exit_layer=last,
        cases=cases,
        by_layer={name: value[:, :-1] for name, value in restored.items()},
        inner={name: value[:, -1] for name, value in restored.items()},
        start_on_cause=float(np.mean(hits)),
        start_chance=float(np.mean(chances)),
    )


def oracle_agreement(
    model: torch.nn.Module,
    tokenizer: Any,
    pairs: Sequence[PlantedPair],
    graphs: Sequence[DecisionGraph],
) -> tuple[float, float]:
    """First order against exact patching: (median Pearson, share of same top node).

    Pearson runs over all nodes below the last layer of one pair; the top nodes are
    compared layer by layer.
    """
    pearson, same = [], []
    for pair, graph in zip(pairs, graphs, strict=True):
        exact = exact_patching(model, tokenizer, pair.clean, pair.corrupt, pair.target)
        one, two = (graph.sign * x[:-1] for x in (exact, graph.node_scores))
        pearson.append(np.corrcoef(one.ravel(), two.ravel())[0, 1])
        same.append(one.argmax(1) == two.argmax(1))
    return float(np.median(pearson)), float(np.mean(same))
