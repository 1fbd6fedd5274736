from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from bench.studies import tasks as study
from qglib.models.heads import build_head
from qglib.tasks import (
    TASKS,
    Examples,
    TaskConfig,
    compare_heads,
    divided,
    draw_gains,
    draw_tasks,
    in_order,
    load_task_model,
    numbers,
    predict,
    register_task,
    save_task_model,
    task_config,
    train_task,
    vibration_features,
)
from qglib.tasks.model import logits
from qglib.tasks.prepared import prepare
from qglib.tasks.scoring import interval, score
from qglib.tasks.training import SAME_SIZE, same_size_mlp

OFFLINE = [n for n, c in TASKS.items() if not c.folder and c.features is numbers]


def blobs(seed: int) -> Examples:
    rng = np.random.default_rng(seed)
    labels = ["left", "right"] * 40
    rows = rng.normal(size=(80, 3)) + np.tile([[-2.0], [2.0]], (40, 1))
    return Examples(rows, labels, divided(labels, seed))


BLOBS = TaskConfig("blobs", blobs, qubits=2, layers=1, epochs=20)


@pytest.mark.parametrize("name", [*OFFLINE, "manufacturing", "audio"])
def test_parts_are_disjoint_and_hold_every_class(name) -> None:
    data = prepare(TASKS[name], 0, "")
    sizes = {part: len(rows) for part, rows in data.gold.items()}
    total = sum(sizes.values())
    assert sizes["test"] >= 0.15 * total
    assert sizes["train"] >= 0.5 * total
    for part, rows in data.features.items():
        assert rows.shape == (sizes[part], data.width)
        assert rows.dtype == np.float32
    everywhere = np.concatenate(list(data.features.values()))
    assert len(everywhere) == total
    assert set(data.gold["test"]) <= set(data.gold["train"])


@pytest.mark.parametrize(
    ("name", "gain"), [("vision", 0.6), ("medicine", 0.4), ("recommendation", 0.3)]
)
def test_every_head_beats_the_majority(name, gain) -> None:
    floor = train_task(name, "linear", 3).baselines["majority"].value
    for head in ("quantum", SAME_SIZE, "linear"):
        found = train_task(name, head, 3)
        assert found.test.value > floor + gain, found
        assert found.test.low <= found.test.value <= found.test.high


def test_the_seed_repeats_a_run_and_changes_it() -> None:
    first, again, other = (train_task(BLOBS, "quantum", s) for s in (1, 1, 2))
    assert first.history["loss"].equals(again.history["loss"])
    assert not first.history["loss"].equals(other.history["loss"])
    assert first.predicted == again.predicted


def test_the_test_part_changes_no_weight() -> None:
    """Scrambled test labels leave model, epoch and penalty as they were."""

    def scrambled(seed: int) -> Examples:
        found = blobs(seed)
        labels = np.array(found.labels)
        mine = found.split == "test"
        labels[mine] = np.where(labels[mine] == "left", "right", "left")
        return Examples(found.inputs, labels.tolist(), found.split)

    plain = train_task(BLOBS, "quantum", 0)
    broken = train_task(replace(BLOBS, load=scrambled), "quantum", 0)
    assert broken.dev == plain.dev
    assert broken.predicted == plain.predicted
    assert broken.test.value == pytest.approx(1 - plain.test.value)


@pytest.mark.parametrize("head", ["quantum", SAME_SIZE, "bottleneck", "mlp:5"])
def test_saved_models_predict_the_same(tmp_path, head) -> None:
    found = train_task("product_origin", head, 0, epochs=3)
    save_task_model(found.model, tmp_path)
    assert {f.name for f in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    loaded = load_task_model(tmp_path)
    rows = TASKS["product_origin"].load(0).inputs
    np.testing.assert_array_equal(logits(loaded, rows), logits(found.model, rows))
    assert predict(loaded, rows[:4]) == predict(found.model, rows[:4])
    assert loaded.labels == ("maker 1", "maker 2", "maker 3")
    assert not loaded.training


def test_prediction_and_score_agree() -> None:
    found = train_task("vision", "linear", 0, epochs=3)
    examples = TASKS["vision"].load(0)
    mine = examples.split == "test"
    assert predict(found.model, examples.inputs[mine]) == found.predicted
    right = np.mean([a == b for a, b in zip(found.gold, found.predicted, strict=True)])
    assert found.test.value == pytest.approx(right)


def test_own_tasks_are_registered_once(tmp_path) -> None:
    mine = replace(BLOBS, name="own blobs")
    try:
        assert register_task(mine) is mine
        assert register_task(mine) is mine
        assert train_task("own blobs", "linear", 0).test.value > 0.9
        with pytest.raises(ValueError, match="'own blobs' is a task already"):
            register_task(replace(mine, epochs=9))
    finally:
        del TASKS["own blobs"]
    found = train_task(mine, "linear", 0)
    save_task_model(found.model, tmp_path)
    with pytest.raises(ValueError, match="task is 'own blobs': known are language"):
        load_task_model(tmp_path)
    assert load_task_model(tmp_path, config=mine).labels == ("left", "right")
    with pytest.raises(ValueError, match="config is the task 'blobs'"):
        load_task_model(tmp_path, config=BLOBS)


def test_comparison_is_paired_by_seed() -> None:
    table = compare_heads(BLOBS, ("quantum", "linear"), (0, 1, 2))
    scores = table.attrs["scores"]
    gap = np.subtract(scores["quantum"], scores["linear"])
    assert table.loc["linear", "difference"] == pytest.approx(gap.mean())
    half = 4.302653 * gap.std(ddof=1) / math.sqrt(3)  # Student's t, 2 degrees
    assert table.loc["linear", "low"] == pytest.approx(gap.mean() - half, abs=1e-6)
    assert list(table.index[:2]) == ["quantum", "linear"]
    assert {"majority", "random", "logistic regression"} <= set(table.index)
    other = compare_heads(BLOBS, ("linear",), (0,), reference="logistic regression")
    assert np.isnan(other.loc["linear", "low"])
    assert other.loc["logistic regression", "difference"] == 0


@pytest.mark.parametrize(("inputs", "labels"), [(30, 2), (64, 10), (384, 77)])
def test_the_mlp_of_the_same_size_is_of_the_same_size(inputs, labels) -> None:
    sizes = {
        name: sum(p.numel() for p in build_head(name, inputs, labels).parameters())
        for name in ("quantum", same_size_mlp(inputs, labels, 8, 3))
    }
    quantum, mlp = sizes.values()
    assert abs(mlp - quantum) <= (inputs + labels + 1) / 2


def test_scores_on_a_case_done_by_hand() -> None:
    data = prepare(BLOBS, 0, "")
    gold = data.gold["test"]
    perfect = np.eye(2)[gold]
    assert interval(data, perfect, "test", "macro_f1") == (1.0, 1.0, 1.0)
    one = np.tile([1.0, 0.0], (len(gold), 1))
    n, k = len(gold), int((gold == 0).sum())
    assert score(data, one, "test", "accuracy") == pytest.approx(k / n)
    # F1 of the class always said: 2k / (n + k); of the other: 0
    assert score(data, one, "test", "macro_f1") == pytest.approx(k / (n + k))


def test_future_quarters_are_tested() -> None:
    assert in_order(10).tolist() == ["train"] * 6 + ["dev"] * 2 + ["test"] * 2
    first, second = (TASKS["finance"].load(s) for s in (0, 1))
    np.testing.assert_array_equal(first.split, second.split)
    assert first.split.tolist() == sorted(
        first.split, key=["train", "dev", "test"].index
    )


def test_groups_stay_together() -> None:
    labels = ["a", "b"] * 30
    groups = np.repeat(np.arange(20), 3)
    split = divided(labels, 0, groups)
    for g in range(20):
        assert len(set(split[groups == g])) == 1


def test_travellers_choose_one_of_four_modes() -> None:
    found = TASKS["recommendation"].load(0)
    assert np.shape(found.inputs) == (210, 18)
    counts = pd.Series(found.labels).value_counts()
    # Greene, Econometric Analysis: 58 air, 63 train, 30 bus, 59 car
    assert counts.to_dict() == {"train": 63, "car": 59, "air": 58, "bus": 30}


def test_a_bearing_fault_shows_in_the_envelope() -> None:
    found = TASKS["manufacturing"].load(0)
    rows = vibration_features(np.asarray(found.inputs))
    labels = np.array(found.labels)
    hertz = 8 + 4 * np.arange(48)
    near = np.abs(hertz + 2 - 3.6 * 25) < 6
    envelope = rows[:, 48:96][:, near].mean(axis=1)
    assert (
        envelope[labels == "outer race"].mean() > envelope[labels == "healthy"].mean()
    )
    with pytest.raises(ValueError, match=r"inputs have shape \(3, 10\)"):
        vibration_features(np.zeros((3, 10)))


def with_rows(change):
    def load(seed: int) -> Examples:
        found = blobs(seed)
        return change(found.inputs.copy(), list(found.labels), found.split.copy())

    return replace(BLOBS, load=load)


def gap(rows, labels, split):
    rows[7, 1] = np.nan
    return Examples(rows, labels, split)


def one_class(rows, labels, split):
    labels = ["right" if s != "train" else "left" for s in split]
    return Examples(rows, labels, split)


def unseen(rows, labels, split):
    labels[int(np.flatnonzero(split == "test")[0])] = "up"
    return Examples(rows, labels, split)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (gap, r"nan in row 7, column 1 and 0 more places; fill the gaps"),
        (one_class, "training holds the one class 'left'"),
        (unseen, r"\['up'\] occur in dev or test and never in training"),
        (lambda r, y, s: Examples(r[:0], [], s[:0]), "examples are empty"),
        (lambda r, y, s: Examples(r[:9], y, s), "9 inputs, 80 labels"),
        (lambda r, y, s: Examples(r, y, np.full(80, "train")), "the dev part is empty"),
        (lambda r, y, s: Examples(r, y, np.full(80, "all")), "split holds 'all'"),
        (lambda r, y, s: Examples([["x"]] * 80, y, s), "not rows of numbers"),
        (lambda r, y, s: Examples(r[:, 0], y, s), r"shape \(80,\): give one row"),
    ],
)
def test_data_that_cannot_be_learnt_from_is_refused(change, match) -> None:
    with pytest.raises(ValueError, match=match):
        train_task(with_rows(change), "linear")


def test_bad_arguments_are_named(tmp_path) -> None:
    with pytest.raises(ValueError, match="task is 'chess': known are language"):
        task_config("chess")
    with pytest.raises(ValueError, match="head must be one of"):
        train_task(BLOBS, "forest")
    with pytest.raises(ValueError, match="folder is empty: the task 'banking'"):
        train_task("banking")
    with pytest.raises(ValueError, match="metric is 'auc'"):
        replace(BLOBS, metric="auc")
    with pytest.raises(ValueError, match="reach is 0"):
        train_task(BLOBS, "quantum", reach=0.0)
    with pytest.raises(ValueError, match="seeds"):
        compare_heads(BLOBS, ("linear",), ())
    with pytest.raises(ValueError, match="reference is 'svm'"):
        compare_heads(BLOBS, ("linear",), (0,), reference="svm")
    with pytest.raises(ValueError, match="needs 5 examples of every class"):
        divided(["a"] * 9 + ["b"], 0)
    model = train_task(BLOBS, "linear", 0).model
    with pytest.raises(ValueError, match="4 columns, the model was trained on 3"):
        predict(model, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="inf in row 1, column 2"):
        predict(model, [[0, 0, 0], [0, 0, np.inf]])
    with pytest.raises(ValueError, match="inputs are empty"):
        predict(model, [])
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        load_task_model(tmp_path)
    save_task_model(model, tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | {"model_type": "bert"}))
    with pytest.raises(ValueError, match="'bert' model"):
        load_task_model(tmp_path)


def test_training_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train_task(BLOBS, "quantum", 0)
    assert torch.equal(before, torch.get_rng_state())


def test_the_figure_counts_wins() -> None:
    rows = pd.DataFrame(
        [
            ("one", "quantum", "accuracy", 0.9, 0.1),
            ("one", "linear", "accuracy", 0.8, 0.1),
            ("two", "quantum", "accuracy", 0.5, 0.1),
            ("two", "linear", "accuracy", 0.8, 0.1),
        ],
        columns=["task", "method", "metric", "mean", "sd"],
    )
    figure = draw_tasks(rows)
    assert "in 1 of 2" in figure.axes[0].get_title()


def test_parts_keep_inputs_with_their_labels() -> None:
    split = np.array(["train", "test", "dev", "test"])
    examples = Examples(["a", "b", "c", "d"], [1, 2, 3, 4], split)
    assert examples.part("test") == (["b", "d"], [2, 4])
    assert [len(examples.part(p)[0]) for p in ("train", "dev")] == [1, 1]
    with pytest.raises(ValueError, match="part is 'held out'"):
        examples.part("held out")


def test_gains_are_counted_by_their_intervals() -> None:
    rows = pd.DataFrame(
        [
            ("one", "linear", 0.1, 0.05, 0.15),
            ("two", "linear", -0.1, -0.15, -0.05),
            ("three", "linear", 0.1, -0.05, 0.25),
        ],
        columns=["task", "method", "difference", "low", "high"],
    )
    figure = draw_gains(rows, ("linear",))
    assert figure.axes[0].get_title(loc="left").endswith("won 1, lost 1") or (
        figure.axes[0].get_title().endswith("won 1, lost 1")
    )
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [
        "one", "two", "three",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no method 'bottleneck'"):
        draw_gains(rows, ("bottleneck",))


def test_real_recordings_and_questions(shared_data) -> None:
    speech = TASKS["speech"].load(0, folder=shared_data / "fsdd")
    speakers = {p: set() for p in ("train", "dev", "test")}
    for sound, part in zip(speech.inputs, speech.split, strict=True):
        speakers[part].add(sound.speaker)
    assert not speakers["train"] & speakers["test"]
    banking = TASKS["banking"].load(0, folder=shared_data / "banking77")
    assert (banking.split == "test").sum() == 3080
    assert len(set(banking.labels)) == 77


@pytest.mark.parametrize("task", ["product_origin", "finance"])
def test_the_record_is_what_the_code_gives(task) -> None:
    recorded = json.loads(study.OUT.read_text(encoding="utf-8"))["rows"]
    mine = {r["method"]: r for r in recorded if r["task"] == task}
    for row in study.rows_of(task, seeds=(0,)):
        assert row["scores"][0] == pytest.approx(
            mine[row["method"]]["scores"][0], abs=1e-6
        ), row["method"]
