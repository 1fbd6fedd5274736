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
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bench.studies.curvature import load
from qglib.data import load_corpus
from qglib.explain import attributions, decision, interval_table, visit_probability
from qglib.explain.blank_graphs import blank_graphs
from qglib.run import versions, write_json
from qglib.text import word_logits

OUT = Path(__file__).parents[2] / "data/reference/results/simulatability.json"
METHODS = ("D", "integrated_gradients", "occlusion", "attention", "nearness")
KS = (1, 3)
DRAWS = 5


def examples(model, sentences, most: int, rng) -> list[tuple]:
    """(words, place, tagger's label) of entity starts, at most `most`."""
    sentences = [s for s in sentences if len(s.words) <= 30]
    labels = model[0].config.labels
    found = []
    scored = word_logits(*model, [s.words for s in sentences])
    for sentence, logits in zip(sentences, scored, strict=True):
        for at, tag in enumerate(sentence.tags):
            if tag.startswith("B-"):
                own = labels[int(logits[at].argmax())]
                if own != "O":
                    found.append((sentence.words, at, own))
    keep = rng.permutation(len(found))[:most]
    return [found[i] for i in sorted(keep)]


def rankings(model, cases) -> dict[str, list[np.ndarray]]:
    """Method -> score of each word of each case."""
    graphs = blank_graphs(*model, [c[0] for c in cases], [c[1:] for c in cases])
    out: dict[str, list] = {name: [] for name in METHODS}
    for (words, at, label), graph in zip(cases, graphs, strict=True):
        target = (at, label)
        this = decision(*model, words, target)
        by_word = {"D": np.zeros(len(words)), "attention": np.zeros(len(words))}
        start = visit_probability(graph)[0]
        looks = graph.attention[-1, this.position]
        for token, word in enumerate(this.word_of):
            if word is not None:
                by_word["D"][word] += start[token]
                by_word["attention"][word] += looks[token]
        for name, scores in by_word.items():
            out[name].append(scores)
        for name in ("integrated_gradients", "occlusion"):
            options = {"steps": 12} if name == "integrated_gradients" else {}
            found = attributions(*model, words, target, name, **options)
            out[name].append(np.abs(found.scores))
        out["nearness"].append(1 / (1 + abs(np.arange(len(words)) - at)))
    return out


def shown(case, scores: np.ndarray, k: int) -> dict[str, float]:
    """What the student sees: the k words of largest score, with their side."""
    words, at, _ = case
    seen = {}
    for place in np.argsort(-scores, kind="stable")[:k]:
        side = "name" if place == at else "left" if place < at else "right"
        seen[f"{words[place].lower()}"] = 1.0
        seen[f"{words[place].lower()}|{side}"] = 1.0
        seen[f"ending {words[place][-2:].lower()}|{side}"] = 1.0
    return seen


def agreement(train, test, train_scores, test_scores, k: int) -> np.ndarray:
    """1 where the student says what the tagger says, for each test case."""
    student = make_pipeline(DictVectorizer(), LogisticRegression(C=3.0, max_iter=2000))
    rows = [shown(c, s, k) for c, s in zip(train, train_scores, strict=True)]
    student.fit(rows, [c[2] for c in train])
    rows = [shown(c, s, k) for c, s in zip(test, test_scores, strict=True)]
    return (student.predict(rows) == np.array([c[2] for c in test])).astype(float)


def compare(model, n_train: int = 400, n_test: int = 250, seed: int = 0) -> list[dict]:
    """Rows of agreement with the tagger, per method and k."""
    rng = np.random.default_rng(seed)
    corpus = load_corpus("newswire")
    train = examples(model, corpus.train, n_train, rng)
    test = examples(model, corpus.test, n_test, rng)
    learned, asked = rankings(model, train), rankings(model, test)
    rows = []
    for k in KS:
        luck = np.mean(
            [
                agreement(
                    train,
                    test,
                    [rng.random(len(c[0])) for c in train],
                    [rng.random(len(c[0])) for c in test],
                    k,
                )
                for _ in range(DRAWS)
            ],
            0,
        )
        right = {
            name: agreement(train, test, learned[name], asked[name], k)
            for name in METHODS
        }
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
