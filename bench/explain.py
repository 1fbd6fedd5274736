"""Speed of explanations: attribution patching and batched Shapley values.

How often the cheap graph has the path of the exact one is printed beside the ratio;
intervals and all variants are in the recorded study ``top_path``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
import torch

from bench import Row, compare, interleave
from bench.reading import at_precision
from qglib import models, run
from qglib.explain import (
    attribute,
    decision_graphs,
    decision_path,
    exact_patching,
    exact_shapley,
    planted_pairs,
    turning_pairs,
)
from qglib.explain.decision import decision
from qglib.explain.edge_patching import checked_graph, exact_graph


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
            exact_patching(*reference, *text, target)
            for text, target in zip(texts, targets, strict=True)
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


def edges(reference, pairs) -> Row:
    """Two checked paths per graph against one exact forward row for each edge."""
    texts = [(p.clean, p.corrupt) for p in pairs]
    targets = [p.target for p in pairs]
    graphs = decision_graphs(*reference, texts, targets, slopes="midpoint")
    paths: dict[str, list] = {}

    def ours():
        cheap = decision_graphs(*reference, texts, targets, slopes="midpoint")
        found = map(partial(checked_graph, *reference, k=2), texts, cheap)
        paths["ours"] = [decision_path(graph).positions for graph in found]

    def every_edge():
        found = map(partial(exact_graph, *reference), texts, graphs)
        paths["exact"] = [decision_path(graph).positions for graph in found]

    ours()
    times = interleave({"exact": every_edge, "ours": ours}, rounds=1, warm=0)
    times["ours"] += interleave({"ours": ours}, rounds=2, warm=0)["ours"]
    best, middle = (f(times["exact"]) / f(times["ours"]) for f in (min, median))
    same = sum(a == b for a, b in zip(paths["ours"], paths["exact"], strict=True))
    note = f"ours {min(times['ours']):.3g} s, {same} of {len(pairs)} paths identical"
    what = f"checked graphs and paths of {len(pairs)} sentences vs exact edges"
    return Row(what, best, middle, 10, 20, note=note)


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

    exact, found = one_by_one().values, ours().scores
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
    yield edges(reference, pairs[:6])
    yield shapley(*reference, "auto", 5, 10)  # bfloat16 where the CPU has it
    yield shapley(*reference, "fp32", 5, 6)
