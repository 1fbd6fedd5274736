"""Do interventions on words and the decision path D agree on what matters?

Question: over newswire entities, does the effect of deleting a word rank the words
as D's starts do, more than permuted words do, and more than nearness does?

Protocol: test-part entities (at most 30 words) that the tagger gets right, one for
each sentence; D from the decision graph against the blank sentence. Spearman over
the words around the target, mean over sentences; null: 999 permutations within
sentences; rivals nearness and attention; 95 % bootstrap over sentences. Nothing was
chosen. Runtime: about 1 minute on one thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench.studies.curvature import load
from qglib.data import load_corpus
from qglib.explain import first_entities, interval_table, intervention_trial
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/agreement.json"


def compare(model, most: int = 100) -> list[dict]:
    """Rows of agreement with the effects of deletion."""
    cases = first_entities(*model, load_corpus("newswire").test, most)
    rng = np.random.default_rng(0)
    got = intervention_trial(*model, cases, rng)
    table = {n: g.each for n, g in got.items()}
    same = len({len(x) for x in table.values()}) == 1
    if same:
        table |= {
            f"D minus {n}": table["D"] - table[n] for n in ("attention", "nearness")
        }
    rows = []
    for name, row in interval_table(table, rng).iterrows():
        numbers = {c: round(float(v), 6) for c, v in row.items()}
        if name in got:
            numbers |= {
                "null_high": round(got[name].null_high, 6),
                "p_value": round(got[name].p_value, 6),
            }
        rows.append({"row": name, "sentences": len(table[name]), **numbers})
    return rows


def main() -> None:
    """Run the study and write its record."""
    torch.set_num_threads(1)
    write_json(
        OUT,
        {
            "study": "agreement",
            "question": "Do interventions and D point at the same words?",
            "settings": {"most_sentences": 100, "null": "999 permutations"},
            "versions": versions(),
            "rows": compare(load()),
        },
    )


if __name__ == "__main__":
    main()
