"""Can a better search raise D above its controls, and does D branch where it must?

Question 1: does choosing among the k best paths by exact patching of the corrupt
states into the clean run raise D's restored logit above the pinned-ends control by
0.3? The controls get the same search: the best of as many pinned-ends paths as there
are hops. Candidates k and the layer are chosen on pairs of seed 0, measured on pairs
of seed 1.

Question 2: a classifier learns good / bad where a negation and an adjective decide
together. Do the two likeliest starts of the walk name these two words, and do two
branches restore what one path cannot?

95 % bootstrap intervals over pairs. Runtime: about 5 minutes on one thread.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput

from bench.studies.curvature import cases, load
from qglib.explain import (
    decision_graphs,
    decision_path,
    interval_table,
    restored_logits,
)
from qglib.explain.decision_graph import aligned_decisions
from qglib.explain.decision_path import decision_branches, visit_probability
from qglib.explain.patching import patched_logits
from qglib.explain.path_search import lost_logits, searched_path
from qglib.explain.planted_negation import negation_pairs
from qglib.models import encoder_path
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/faithfulness.json"
KS = (5, 20, 60)


def restored_by_layer(
    model, seed: int, count: int, exit_layer: int, ks=KS
) -> dict[str, np.ndarray]:
    """Name -> (pairs, layers) for the pairs whose D ends at one layer."""
    pairs, graphs = cases(model, seed, count)
    out: dict[str, list] = {}
    for pair, graph in zip(pairs, graphs, strict=True):
        best = decision_path(graph, 1)
        if best.exit_layer != exit_layer:
            continue
        start, end = best.positions[0], best.positions[-1]
        last = exit_layer
        pinned = [
            (start,) * hop + (end,) * (last + 1 - hop) for hop in range(1, last + 1)
        ]
        text = (pair.clean, pair.corrupt)
        lost = lost_logits(*model, *text, pinned, pair.target)
        tried = {"D": best.positions}
        for k in ks:
            tried[f"D searched {k}"] = searched_path(
                *model, *text, graph, k=k, hops=False
            )
            name = f"D searched {k} and hops"
            tried[name] = searched_path(*model, *text, graph, k=k)
        tried["pinned searched"] = pinned[int(lost[:, 1:-1].mean(1).argmax())]
        tried["stay"] = (start,) * (last + 1)
        paths = [*tried.values(), *pinned]
        layers = [[n] for n in range(last + 1)]
        got = restored_logits(*model, *text, paths, layers, pair.target)
        for name, row in zip(tried, got, strict=False):
            out.setdefault(name, []).append(row)
        out.setdefault("pinned ends", []).append(got[len(tried) :].mean(0))
    return {name: np.array(rows) for name, rows in out.items()}


def search_rows(
    model, exit_layer: int, chosen_on: int = 60, measured_on: int = 120
) -> dict:
    """Restored logit of D, searched and not, minus each control."""
    first = restored_by_layer(model, 0, chosen_on, exit_layer)
    names = [name for name in first if name.startswith("D searched")]
    inner = slice(1, first["D"].shape[1] - 1)
    lead = np.array([(first[n] - first["pinned ends"]).mean(0)[inner] for n in names])
    chosen, layer = np.unravel_index(lead.argmax(), lead.shape)
    layer = int(layer) + 1
    second = restored_by_layer(model, 1, measured_on, exit_layer)
    ours = names[chosen]
    rows = {}
    for name in ("D", ours):
        for control in ("pinned ends", "pinned searched", "stay"):
            gap = (second[name] - second[control])[:, layer]
            rows[f"{name} minus {control}"] = gap
    rows |= {name: second[name][:, layer] for name in ("D", ours, "pinned ends")}
    table = interval_table(rows, np.random.default_rng(2))
    return {
        "exit_layer": exit_layer,
        "chosen": ours,
        "layer": layer,
        "pairs": len(second["D"]),
        "rows": _rows(table),
        "by_layer": {
            n: [round(float(v), 6) for v in x.mean(0)] for n, x in second.items()
        },
    }


class NegationClassifier(nn.Module):
    """Encoder, mean of the last layer over sub-words, linear: good or bad."""

    def __init__(self, encoder) -> None:
        super().__init__()
        self.encoder = encoder
        names = ("bad", "good")
        self.config = SimpleNamespace(
            id2label=dict(enumerate(names)),
            max_position_embeddings=encoder.config.max_position_embeddings,
        )
        self.head = nn.Linear(encoder.config.hidden_size, 2)

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        """Logits (B, 2)."""
        out = self.encoder(input_ids, attention_mask)
        return SequenceClassifierOutput(logits=self.head(out.last_hidden_state.mean(1)))


def negation_model(seed: int = 0, steps: int = 120):
    """The encoder fine-tuned on negation pairs of its own seed."""
    torch.manual_seed(seed)
    folder = encoder_path()
    encoder = AutoModel.from_pretrained(folder, attn_implementation="eager")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = NegationClassifier(encoder)
    optimiser = torch.optim.AdamW(
        [
            {"params": model.encoder.parameters(), "lr": 2e-4},
            {"params": model.head.parameters(), "lr": 1e-2},
        ]
    )
    pairs = negation_pairs(steps * 32, np.random.default_rng(1000 + seed))
    model.train()
    for step in range(steps):
        part = pairs[32 * step : 32 * step + 32]
        rows = [list(p.clean) for p in part] + [list(p.corrupt) for p in part]
        coded = tokenizer(
            rows, is_split_into_words=True, return_tensors="pt", padding=True
        )
        logits = model(coded["input_ids"], coded["attention_mask"]).logits
        wanted = torch.tensor([int(p.label == "good") for p in part])
        loss = nn.functional.cross_entropy(logits[:32], wanted)
        # the neutral sentence is undecided
        loss = loss - nn.functional.log_softmax(logits[32:], -1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval(), tokenizer


def negation_rows(seed: int = 0, count: int = 60) -> dict:
    """Starts of the walk, and what one path and two branches restore."""
    model, tokenizer = negation_model(seed)
    pairs = negation_pairs(count, np.random.default_rng(seed))
    texts = [(p.clean, p.corrupt) for p in pairs]
    graphs = decision_graphs(model, tokenizer, texts, [(None, p.label) for p in pairs])
    found: dict[str, list] = {}
    for pair, graph in zip(pairs, graphs, strict=True):
        first, second = aligned_decisions(
            model, tokenizer, pair.clean, pair.corrupt, (None, pair.label)
        )
        probability = first.probabilities(first.inputs)[0]
        found.setdefault("accuracy", []).append(float(probability > 0.5))
        if probability <= 0.5:
            continue
        causes = [first.word_of.index(c) for c in pair.cause]
        baits = [first.word_of.index(c) for c in pair.bait]
        two = decision_branches(graph, 2)
        starts = {path[0] for path in two}
        found.setdefault("both_starts_right", []).append(float(starts == set(causes)))
        mass = visit_probability(graph)[0]
        found.setdefault("smaller_start_share", []).append(float(mass[causes].min()))
        lists = [[(n, path[n]) for n in range(4)] for path in two]  # the lower half
        alone = [[(0, c)] for c in causes]
        bait = [(n, b) for n in range(4) for b in baits]
        sets = [lists[0], lists[-1], lists[0] + lists[-1], *alone, bait, []]
        logits = patched_logits(first, second, sets)
        gap = graph.clean_logit - graph.corrupt_logit
        if abs(gap) < 0.5:
            continue
        got = (logits[:-1] - logits[-1]) / gap
        names = (
            "D",
            "second branch",
            "both branches",
            "negation alone",
            "adjective alone",
            "baits",
        )
        for name, value in zip(names, got, strict=True):
            found.setdefault(name, []).append(float(value))
        found.setdefault("both minus the better one", []).append(
            float(got[2] - max(got[0], got[1]))
        )
        found.setdefault("interaction", []).append(float(1 - got[3] - got[4]))
    return {
        "seed": seed,
        "pairs": count,
        "rows": _rows(interval_table(found, np.random.default_rng(3))),
    }


def _rows(table) -> list[dict]:
    return [
        {"row": name, **{c: round(float(v), 6) for c, v in row.items()}}
        for name, row in table.iterrows()
    ]


def main() -> None:
    """Run both parts and write the record."""
    torch.set_num_threads(1)
    negation = [negation_rows(seed) for seed in (0, 1)]
    write_json(
        OUT,
        {
            "study": "faithfulness",
            "question": "Does a searched D beat its controls; does D branch?",
            "settings": {"ks": KS, "chosen_on": "seed 0", "measured_on": "seed 1"},
            "versions": versions(),
            "negation": negation,
            "search": [search_rows(load(), layer) for layer in (6, 3)],
        },
    )


if __name__ == "__main__":
    main()
