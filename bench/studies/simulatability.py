"""Does an explanation help somebody to predict the tagger?

Question: a small student reads only the k words that an explanation ranks first (and
how far each stands from the name, but not the name itself unless it is ranked) and
predicts which type the tagger gives. Does it agree with the tagger more often with an
explanation than with random words, or the nearest ones?

Protocol: entity starts of newswire sentences, the tagger's own label (four types).
Methods rank words by the size of their score: D (start of the walk of the decision
graph against the blank sentence), integrated gradients, occlusion, attention (last
layer, from the name's first sub-word), nearness, random (mean of five draws). The
student is logistic regression on word identity and word identity times side; its
penalty is fixed. It learns on entities of the train part and is scored on the test
part; 95 % bootstrap intervals over test entities, differences from random paired.
Runtime: about 5 minutes on one thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bench.studies.curvature import load
from qglib.data import load_corpus
from qglib.explain import (
    decided_entities,
    interval_table,
    student_trial,
    word_rankings,
)
from qglib.run import versions, write_json

OUT = Path(__file__).parents[2] / "data/reference/results/simulatability.json"
METHODS = ("D", "integrated_gradients", "occlusion", "attention", "nearness")
KS = (1, 3)
DRAWS = 5


def compare(model, n_train: int = 400, n_test: int = 250, seed: int = 0) -> list[dict]:
    """Rows of agreement with the tagger, per method and k."""
    rng = np.random.default_rng(seed)
    corpus = load_corpus("newswire")
    train = decided_entities(*model, corpus.train, n_train, rng)
    test = decided_entities(*model, corpus.test, n_test, rng)
    learned = word_rankings(*model, train, METHODS)
    asked = word_rankings(*model, test, METHODS)
    rows = []
    for k in KS:
        right = student_trial(train, test, learned, asked, k, rng, DRAWS)
        luck = right.pop("random")
        table = dict(right) | {"random": luck}
        table |= {f"{name} minus random": x - luck for name, x in right.items()}
        table |= {
            f"{name} minus nearness": right[name] - right["nearness"]
            for name in METHODS[:-1]
        }
        for name, row in interval_table(table, rng).iterrows():
            numbers = {c: round(float(v), 6) for c, v in row.items()}
            rows.append({"k": k, "row": name, **numbers})
    most = max(np.unique([c[2] for c in test], return_counts=True)[1]) / len(test)
    rows.append({"k": 0, "row": "commonest label", "mean": round(float(most), 6)})
    return rows


def main() -> None:
    """Run the study and write its record."""
    torch.set_num_threads(1)
    write_json(
        OUT,
        {
            "study": "simulatability",
            "question": "Does an explanation help a student predict the tagger?",
            "settings": {"train": 400, "test": 250, "ks": KS, "seed": 0},
            "versions": versions(),
            "rows": compare(load()),
        },
    )


if __name__ == "__main__":
    main()
