"""Do cheap edges give the same decision path as exact ones?

Question: is D of attribution patching the D of exact edge patching on 0.95 of the
pairs, at least 10 times faster, and do better edges raise D's restored logit above
the pinned-ends control?

Protocol: the reference tagger, planted pairs whose decision turns. Oracle: every
edge and read-out patched alone, clean into corrupt (`exact_graph`), then the same
Viterbi search. Rows: gradients at both texts (``ends``), at the ``midpoint`` of the
embeddings, and the midpoint graph with exact edges into the nodes of its k best paths
(``checked k``). The smallest k with 0.95 of identical paths is chosen on 24 pairs of
generator 0 (the largest, if none), everything is measured on 80 pairs of generator
1. ``score_kept`` is the exact probability of the cheap D as a share of the exact D's,
so that a near-tie costs little. Time: one thread, seconds for one pair, each
method in turns and the fastest of two rounds; first order and nodes on all 80 pairs,
checked and exact edges on the first 12; ``checked`` includes its midpoint graph. Both
exact rivals are timed: patching every edge, which the path needs, and patching every
node, which is cheaper and gives no path.

Lead: restored logit of D minus the mean of all pinned-ends paths, one layer made
clean; the layer is chosen on 40 pairs of generator 0 and measured on the same 80. 95 %
bootstrap over pairs.

Why: slope of the logit at five points between the texts, 40 of the pairs.

Other models: node agreement of both slopes on 20 negations of generator 1 each, for
classifiers with a linear and a quantum head, seeds 0 and 1, pooled. Runtime: about
15 minutes on one thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench import interleave
from bench.studies.curvature import cases, load
from bench.studies.oracle import agreement as node_agreement
from qglib.explain import (
    decision_graphs,
    decision_path,
    exact_patching,
    interval_table,
    negation_classifier,
    negation_pairs,
    restored_logits,
)
from qglib.explain.decision import aligned_decisions
from qglib.explain.edge_patching import checked_graph, exact_graph
from qglib.explain.encoder import trace
from qglib.explain.path_search import searched_path
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/top_path.json"
KS = (1, 2, 3)
SLOPES = ("ends", "midpoint")


def log_score(graph, positions: tuple[int, ...]) -> float:
    """ln probability of a path under a graph's backward walk."""
    edges, readout = graph.shares
    last = len(positions) - 1
    steps = [readout[last, positions[-1]]]
    steps += [edges[n, positions[n + 1], positions[n]] for n in range(last)]
    return float(np.log(np.maximum(steps, 1e-12)).sum())


def path_agreement(graphs, exact) -> dict[str, list[float]]:
    """Numbers of each pair: a cheap graph against the exact one."""
    out: dict[str, list[float]] = {
        n: [] for n in ("identical", "same_nodes", "score_kept", "pearson_edges")
    }
    for graph, truth in zip(graphs, exact, strict=True):
        one, two = (decision_path(g, 1).positions for g in (graph, truth))
        out["identical"].append(float(one == two))
        same = [a == b for a, b in zip(one, two, strict=False)]
        out["same_nodes"].append(float(np.mean(same)) if len(one) == len(two) else 0.0)
        lost = log_score(truth, one) - log_score(truth, two)
        out["score_kept"].append(float(np.exp(lost)))
        seen = truth.edges != 0
        pearson = np.corrcoef(graph.edges[seen], truth.edges[seen])[0, 1]
        out["pearson_edges"].append(float(pearson))
    return out


def all_graphs(model, seed: int, count: int, ks=KS):
    """Pairs, and graphs of every row by name (``exact`` too)."""
    pairs, _ = cases(model, seed, count)
    texts, targets = _asked(pairs)
    graphs = {
        name: decision_graphs(*model, texts, targets, slopes=name) for name in SLOPES
    }
    both = list(zip(texts, graphs["midpoint"], strict=True))
    for k in ks:
        graphs[f"checked {k}"] = [checked_graph(*model, *x, k=k) for x in both]
    graphs["exact"] = [exact_graph(*model, *x) for x in both]
    return pairs, graphs


def _asked(pairs):
    return [(p.clean, p.corrupt) for p in pairs], [p.target for p in pairs]


def seconds(model, pairs, k: int, few: int = 12) -> dict[str, float]:
    """Seconds for one pair of every method; see the protocol."""
    texts, targets = _asked(pairs)

    def graphs(count, slopes):
        return decision_graphs(*model, texts[:count], targets[:count], slopes=slopes)

    def nodes():
        for text, target in zip(texts, targets, strict=True):
            exact_patching(*model, *text, target)

    def checked():
        for case in zip(texts[:few], graphs(few, "midpoint"), strict=True):
            checked_graph(*model, *case, k=k)

    given = graphs(few, "midpoint")

    def exact():
        for case in zip(texts[:few], given, strict=True):
            exact_graph(*model, *case)

    many = {n: lambda n=n: graphs(len(pairs), n) for n in SLOPES} | {"nodes": nodes}
    spent = interleave(many, rounds=2, warm=0)
    out = {name: min(times) / len(pairs) for name, times in spent.items()}
    spent = interleave({f"checked {k}": checked, "exact": exact}, rounds=2, warm=0)
    return out | {name: min(times) / few for name, times in spent.items()}


def slope_along(model, pairs, count: int = 40) -> dict[str, float]:
    """Slope of the logit along the line from corrupt (0) to clean (1) embeddings.

    Median over pairs, in units of the whole difference: 1 everywhere if linear.
    """
    found: dict[str, list[float]] = {}
    for pair in pairs[:count]:
        text = aligned_decisions(*model, pair.clean, pair.corrupt, pair.target)
        clean, corrupt = (
            trace(model[0], d.inputs, d.read, backward=False) for d in text
        )
        change = clean.hidden[0] - corrupt.hidden[0]
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            first = corrupt.hidden[0] + share * change
            at = trace(model[0], text[1].inputs, text[1].read, first=first)
            slope = (at.grad_hidden[0] * change).sum() / (clean.logit - corrupt.logit)
            found.setdefault(str(share), []).append(slope.item())
    return {share: round(float(np.median(v)), 4) for share, v in found.items()}


def leads(model, pairs, graphs, search: bool) -> dict[int, dict[str, np.ndarray]]:
    """Exit layer -> restored shares (pairs, layers) of D and of pinned ends."""
    out: dict[int, dict[str, list]] = {6: {}, 3: {}}
    for pair, graph in zip(pairs, graphs, strict=True):
        text = (pair.clean, pair.corrupt)
        found = {"D": decision_path(graph, 1).positions}
        last = len(found["D"]) - 1
        if last not in out:
            continue
        if search:
            found["D searched"] = searched_path(*model, *text, graph, k=60)
        start, end = found["D"][0], found["D"][-1]
        pinned = [
            (start,) * hop + (end,) * (last + 1 - hop) for hop in range(1, last + 1)
        ]
        layers = [[n] for n in range(last + 1)]
        paths = [*found.values(), *pinned]
        got = restored_logits(*model, *text, paths, layers, pair.target)
        control = got[len(found) :].mean(0)
        for name, row in zip(found, got, strict=False):
            out[last].setdefault(name, []).append(row - control)
    return {n: {k: np.array(v) for k, v in x.items()} for n, x in out.items()}


def lead_rows(model, pairs, graphs) -> list[dict]:
    """Lead over pinned ends of each row at the layer chosen on generator 0."""
    earlier = cases(model, 0, 40)[0]
    texts = [(p.clean, p.corrupt) for p in earlier]
    targets = [p.target for p in earlier]
    first = {
        n: leads(model, earlier, decision_graphs(*model, texts, targets, slopes=n), 1)
        for n in SLOPES
    }
    out = []
    for name, some in graphs.items():
        later = leads(model, pairs, some, name in SLOPES)
        for last, rows in later.items():
            for path, gaps in rows.items():
                at = first.get(name, first["midpoint"])[last]
                if path not in at or len(gaps) < 2:
                    continue
                layer = 1 + int(at[path].mean(0)[1:last].argmax())
                table = interval_table({"x": gaps[:, layer]}, np.random.default_rng(4))
                out.append(
                    {"row": f"{path}, {name}", "exit_layer": last, "layer": layer}
                    | {"pairs": len(gaps)}
                    | {c: round(float(v), 6) for c, v in table.loc["x"].items()}
                )
    return out


def other_models(count: int = 20) -> dict[str, dict[str, list[dict]]]:
    """Node agreement of both slopes where two words of a template decide."""
    out = {}
    for head in ("linear", "quantum"):
        found: dict[str, dict[str, list[float]]] = {n: {} for n in SLOPES}
        for seed in (0, 1):
            model = negation_classifier(head, seed=seed)
            pairs = negation_pairs(count, np.random.default_rng(1))
            texts = [(p.clean, p.corrupt) for p in pairs]
            targets = [(None, p.label) for p in pairs]
            exact = [
                exact_patching(*model, *text, target)
                for text, target in zip(texts, targets, strict=True)
            ]
            for slopes, some in found.items():
                graphs = decision_graphs(*model, texts, targets, slopes=slopes)
                found_here = node_agreement(graphs, exact)
                for name in ("pearson", "same_top_node"):
                    some.setdefault(name, []).extend(found_here[name])
        out[head] = {n: rows(some) for n, some in found.items()}
    return out


def rows(values: dict[str, list[float]]) -> list[dict]:
    """Mean and interval of each number."""
    table = interval_table(values, np.random.default_rng(0))
    return [
        {"row": name, **{c: round(float(v), 6) for c, v in row.items()}}
        for name, row in table.iterrows()
    ]


def compare(model, chosen_on: int = 24, measured_on: int = 80) -> dict:
    """Choose k on generator 0, measure on generator 1."""
    _, graphs = all_graphs(model, 0, chosen_on)
    first = {
        n: float(np.mean(path_agreement(g, graphs["exact"])["identical"]))
        for n, g in graphs.items()
        if n != "exact"
    }
    good = [k for k in KS if first[f"checked {k}"] >= 0.95]
    k = min(good, default=KS[-1])
    pairs, graphs = all_graphs(model, 1, measured_on, (k,))
    texts, targets = _asked(pairs)
    nodes = [exact_patching(*model, *t, y) for t, y in zip(texts, targets, strict=True)]
    exact = graphs["exact"]
    cheap = {n: g for n, g in graphs.items() if n != "exact"}
    spent = seconds(model, pairs, k)
    return {
        "k": k,
        "identical_on_chosen": {n: round(v, 6) for n, v in first.items()},
        "pairs": len(pairs),
        "seconds_a_pair": {n: round(s, 4) for n, s in spent.items()},
        "paths": {
            n: {
                "over_exact_edges": round(spent["exact"] / spent[n], 1),
                "over_exact_nodes": round(spent["nodes"] / spent[n], 1),
                "rows": rows(path_agreement(g, exact)),
            }
            for n, g in cheap.items()
        },
        "nodes": {n: rows(node_agreement(graphs[n], nodes)) for n in SLOPES},
        "slope_along": slope_along(model, pairs),
        "lead": lead_rows(model, pairs, graphs),
    }


def main() -> None:
    """Run the study and write its record."""
    torch.set_num_threads(1)
    write_json(
        OUT,
        {
            "study": "top_path",
            "question": "Do cheap edges give the decision path of exact ones?",
            "settings": {"chosen_on": "seed 0", "measured_on": "seed 1", "threads": 1},
            "versions": versions(),
            **compare(load()),
            "negations": other_models(),
        },
    )


if __name__ == "__main__":
    main()
