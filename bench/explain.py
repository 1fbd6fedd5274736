"""Speed of explanations: attribution patching and batched Shapley values.

How often the cheap graph has the path of the exact one is printed beside the ratio;
intervals and all variants are in the recorded study ``top_path``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import numpy as np
import torch

from bench import Row, compare, interleave
from bench._reading import at_precision
from qglib import models, run
from qglib.explain import (
    attribute,
    decision_graphs,
    decision_path,
    exact_shapley,
    patched_logits,
    planted_pairs,
    turning_pairs,
)
from qglib.explain.decision import decision


def agreement(graphs, exact) -> dict[str, float]:
    """Share of layers with the same top node, and the mean Pearson correlation."""
    same, pearson = [], []
    for graph, effects in zip(graphs, exact, strict=True):
        one, two = (graph.sign * x[:-1] for x in (effects, graph.node_scores))
        same.append(np.mean(one.argmax(1) == two.argmax(1)))
        pearson.append(np.corrcoef(one.ravel(), two.ravel())[0, 1])
    return {"same_top_node": np.mean(same), "pearson": np.mean(pearson)}


def nodes(reference, pairs) -> Row:
    """Decision graphs and paths against one exact forward row for each node."""
    texts = [(p.clean, p.corrupt) for p in pairs]
    targets = [p.target for p in pairs]
    graphs, exact = [], []

    def ours():
        graphs[:] = decision_graphs(*reference, texts, targets, slopes="midpoint")
        return [decision_path(graph) for graph in graphs]

    def every_node():
        exact[:] = [
            patched_logits(
                *reference, *text, graph.target, [[node] for node in np.ndindex(shape)]
            ).reshape(shape)
            - graph.corrupt_logit
            for text, graph in zip(texts, graphs, strict=True)
            for shape in [graph.node_scores.shape]
        ]

    what = f"decision graphs and paths of {len(pairs)} sentences vs exact patching"
    ours()
    times = interleave({"exact": every_node, "ours": ours}, rounds=2, warm=0)
    times["ours"] += interleave({"ours": ours}, rounds=3, warm=0)["ours"]
    best, middle = (f(times["exact"]) / f(times["ours"]) for f in (min, median))
    fast, slow = min(times["ours"]), min(times["exact"])
    seen = agreement(graphs, exact)
    note = (
        f"ours {fast:.3g} s, other {slow:.3g} s; same top node in "
        f"{seen['same_top_node']:.2f} of layers, Pearson {seen['pearson']:.2f}"
    )
    return Row(what, best, middle, 10, 15, note=note)


def shapley(model, tokenizer, precision: str, gate: float, goal: float) -> Row:
    """All coalitions as batches against one coalition at a time in float32."""
    words = "Jordan scored twice against Lyon on Sunday in heavy rain".split()
    target = (0, "B-PER")
    this = decision(model, tokenizer, words, target)
    reader = at_precision(model, precision)

    def one_by_one():
        def value(coalitions):
            rows = [this.logits(this.without_words(c[None])) for c in coalitions]
            return np.concatenate(rows)

        return exact_shapley(value, len(words))

    def ours():
        return attribute((reader, tokenizer), words, target, "shapley")

    exact, found = one_by_one(), ours().scores
    error = np.abs(found - exact).max() / np.abs(exact).max()
    what = f"exact Shapley of {len(words)} words, batched vs one by one, {precision}"
    row = compare(what, one_by_one, ours, gate, goal, rounds=3)
    return replace(row, note=f"{row.note}; values to {error:.0e} of the largest")


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    reference = models.load_tagger(run.REFERENCE / "02_model_training" / "model")
    offered = planted_pairs(reference[1], 400, np.random.default_rng(1))
    pairs = turning_pairs(*reference, offered)[:80]
    yield nodes(reference, pairs)
    yield shapley(*reference, "auto", 5, 10)  # bfloat16 where the CPU has it
    yield shapley(*reference, "fp32", 5, 6)
