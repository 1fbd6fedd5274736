from __future__ import annotations

import importlib
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from qglib.causal.augmentation import (
    MARKERS,
    counterfactual_copies,
    cue_by_place,
    plant_cue,
    random_copies,
)
from qglib.causal.robust_training import augmentation_trial, compare_augmentations
from qglib.causal.robustness_figures import (
    draw_augmentation,
    draw_controls,
    draw_cue,
)
from qglib.data import entities, load_corpus

module = importlib.import_module("qglib.causal.augmentation")
LABELS = ["O"] + [f"{p}-{kind}" for kind in sorted(MARKERS) for p in "BI"]
STUB = SimpleNamespace(config=SimpleNamespace(labels=LABELS))
PARTS = load_corpus("newswire").train[:150]


def marked(sentences):
    """(type, word before the entity) of every entity."""
    return [
        (kind, s.words[start - 1].lower())
        for s in sentences
        for kind, start, _ in entities(s.tags)
    ]


def test_planted_cue_follows_the_type_as_often_as_told() -> None:
    rng = np.random.default_rng(0)
    full = plant_cue(PARTS, 1.0, rng)
    assert all(word == MARKERS[kind] for kind, word in marked(full))
    for before, after in zip(PARTS, full, strict=True):
        n = len(entities(before.tags))
        assert len(after.words) == len(before.words) + n == len(after.tags)
        kept = [w for w, t in zip(after.words, after.tags, strict=True) if t != "O"]
        assert kept == [
            w for w, t in zip(before.words, before.tags, strict=True) if t != "O"
        ]
    free = marked(plant_cue(PARTS, 0.0, rng))
    agree = np.mean([word == MARKERS[kind] for kind, word in free])
    assert abs(agree - 0.25) < 3 * np.sqrt(0.25 * 0.75 / len(free))


def test_counterfactual_copies_keep_the_words_and_break_the_tie() -> None:
    lesson = plant_cue(PARTS, 1.0, np.random.default_rng(0))
    copies = counterfactual_copies(lesson, -1, 1, np.random.default_rng(1))
    before, after = marked(lesson), marked(copies)
    assert Counter(w for _, w in before) == Counter(w for _, w in after)
    assert [s.tags for s in copies] == [s.tags for s in lesson]
    table = pd.crosstab(*zip(*after, strict=True))
    expected = np.outer(table.sum(1), table.sum(0)) / len(after)
    assert (np.abs(table - expected) < 5 * np.sqrt(expected)).all(axis=None)


def test_random_copies_change_no_more_words_and_no_entity() -> None:
    lesson = plant_cue(PARTS, 1.0, np.random.default_rng(0))
    copies = random_copies(lesson, -1, 2, np.random.default_rng(1))
    assert len(copies) == 2 * len(lesson)
    for before, after in zip(lesson * 2, copies, strict=True):
        assert before.tags == after.tags
        changed = [
            k
            for k, (a, b) in enumerate(zip(before.words, after.words, strict=True))
            if a != b
        ]
        assert len(changed) <= len(entities(before.tags))
        assert all(before.tags[k] == "O" for k in changed)


def test_the_place_of_a_known_cue_is_found(monkeypatch) -> None:
    """A reader that believes the word before the entity, and no other."""
    types = {word: kind for kind, word in MARKERS.items()}
    lesson = plant_cue(PARTS[:60], 1.0, np.random.default_rng(0))

    def word_logits(model, tokenizer, sentences, batch_size=32, progress=False):
        out = []
        for words in sentences:
            rows = np.zeros((len(words), len(LABELS)), dtype=np.float32)
            for k, _ in enumerate(words):
                kind = types.get(words[k - 1].lower()) if k else None
                rows[k, LABELS.index(f"B-{kind}" if kind else "O")] = 30
            out.append(rows)
        return out

    monkeypatch.setattr(module, "word_logits", word_logits)
    found = cue_by_place(STUB, None, lesson, np.random.default_rng(1))
    assert found["flip_rate"].idxmax() == -1
    assert found.loc[-1, "flip_low"] > 0.9  # an exchange that changes the word flips
    assert (found.drop(-1)["flip_rate"] == 0).all()
    assert found.loc[-1, "effect"] < -0.9


def test_comparison_is_paired_by_seed() -> None:
    trials = pd.DataFrame(
        {"arm": arm, "seed": seed, "in_f1": 0.8, "out_f1": 0.5 + seed / 10 + gain}
        for seed in range(3)
        for arm, gain in (("plain", 0), ("counterfactual", 0.1), ("random", 0.01))
    )
    table = compare_augmentations(trials)
    row = table.loc["counterfactual - plain"]
    assert row["out_f1"] == pytest.approx(0.1) and row["out_f1_low"] > 0.0999
    assert row["gap"] == pytest.approx(-0.1) and row["seeds"] == 3
    half = 4.302653 * 0.1 / np.sqrt(3)  # Student's t, 2 degrees of freedom
    assert table.loc["plain", "out_f1_high"] == pytest.approx(0.6 + half)
    with pytest.raises(ValueError, match="at least two"):
        compare_augmentations(trials[trials["seed"] == 0])


def test_recorded_study_summarises_its_rows() -> None:
    path = Path(__file__).parents[3] / "data/reference/results/augmentation.json"
    recorded = json.loads(path.read_text())
    table = compare_augmentations(pd.DataFrame(recorded["rows"]))
    for row in recorded["summary"]:
        for key, value in row.items():
            if key != "what":
                assert table.loc[row["what"], key] == pytest.approx(value, abs=2e-6)
    titles = [ax.get_title() for ax in draw_augmentation(table).axes]
    assert titles[0].startswith("Loss by the broken cue")
    places = pd.DataFrame(recorded["places"])
    first = places[places["seed"] == places["seed"].min()].set_index("offset")
    title = draw_cue(first).axes[0].get_title()
    assert title.endswith("place -1")
    plt.close("all")


@pytest.mark.parametrize("tasks", [("role",), ("sentiment", "role", "topic")])
def test_each_task_has_a_panel_that_names_its_largest_effect(tasks) -> None:
    part = pd.DataFrame(
        {"effect": [-0.1, -0.4, 0.0], "low": -0.5, "high": 0.0},
        index=pd.Index(["meaning_far", "shuffle", "whitespace"], name="kind"),
    )
    fig = draw_controls(pd.concat({task: part for task in tasks}, names=["task"]))
    titles = [ax.get_title() for ax in fig.axes]
    assert titles == [f"Task {task}: shuffle most" for task in tasks]
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()][1] == "shuffle"
    plt.close("all")


def test_a_trial_runs_from_end_to_end(encoder_dir) -> None:
    corpus = load_corpus("newswire")
    settings = {"n_train": 12, "n_test": 6, "n_probe": 8, "epochs": 1}
    rows, found = augmentation_trial(corpus, 0, **settings)
    assert rows["arm"].tolist() == ["plain", "counterfactual", "random"]
    assert rows[["in_f1", "out_f1"]].isin([0]).all(axis=None) or (
        rows[["in_f1", "out_f1"]].max(axis=None) <= 1
    )
    assert set(found.index) <= {-3, -2, -1, 1, 2, 3}
    again, _ = augmentation_trial(corpus, 0, arms=("plain",), **settings)
    assert again.loc[0].equals(rows.loc[0])
    with pytest.raises(ValueError, match="start with 'plain'"):
        augmentation_trial(corpus, 0, arms=("random",))


def test_bad_input() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="strength"):
        plant_cue(PARTS, 1.5, rng)
    with pytest.raises(ValueError, match="no marker"):
        plant_cue(PARTS, 1.0, rng, {"PER": "today"})
    with pytest.raises(ValueError, match="offset 0"):
        cue_by_place(STUB, None, PARTS, rng, offsets=(0,))
    for make in (counterfactual_copies, random_copies):
        with pytest.raises(ValueError, match="n_copies"):
            make(PARTS, -1, 0, rng)
    with pytest.raises(ValueError, match="no entity has a word"):
        counterfactual_copies(PARTS[:2], -90, 1, rng)
