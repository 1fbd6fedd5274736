"""The verb `train` on each kind of data, with answers that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from qglib.data import Examples, Sound, divided
from qglib.models import load_model, train
from qglib.models.encoder import load_encoder
from qglib.models.features import mean_hidden, prepare, series_features, text_features
from qglib.models.heads import build_head, same_size_mlp
from qglib.models.tokenizer import load_tokenizer

FAST = {"qubits": 4, "layers": 1, "epochs": 25}
HEADS = ("quantum", "mlp_same_size", "bottleneck", "linear", "mlp:5")


def table(seed: int = 0, n: int = 80) -> Examples:
    rng = np.random.default_rng(seed)
    labels = ["left", "right"] * (n // 2)
    rows = rng.normal(size=(n, 3)) + np.tile([[-4.0], [4.0]], (n // 2, 1))
    return Examples(rows, labels, divided(labels, seed))


def images() -> Examples:
    """A bright upper or lower half."""
    rng = np.random.default_rng(1)
    labels = ["upper", "lower"] * 30
    pictures = rng.uniform(0, 0.3, size=(60, 4, 4))
    pictures[::2, :2] += 0.5
    pictures[1::2, 2:] += 0.5
    return Examples(pictures, labels, divided(labels, 0), kind="image")


def tones(rate: int, seconds: float) -> tuple[np.ndarray, list[str]]:
    """A low or a high tone in noise."""
    rng = np.random.default_rng(2)
    t = np.arange(int(rate * seconds)) / rate
    labels = ["low", "high"] * 30
    waves = [
        np.sin(
            2 * np.pi * (rate / (40 if name == "low" else 8)) * t + rng.uniform(0, 6)
        )
        + 0.1 * rng.normal(size=len(t))
        for name in labels
    ]
    return np.array(waves), labels


def series() -> Examples:
    rows, labels = tones(100, 1.0)
    return Examples(rows, labels, divided(labels, 0), kind="series")


def sounds() -> Examples:
    rows, labels = tones(8000, 0.3)
    made = [
        Sound(0.3 * row, 8000, label=str(y))
        for row, y in zip(rows, labels, strict=True)
    ]
    return Examples(made, labels, divided(labels, 0), kind="sound")


def texts() -> Examples:
    good = ["a wonderful day", "I love this", "great work", "what a joy", "so good"]
    bad = ["a terrible day", "I hate this", "awful work", "what a pain", "so bad"]
    inputs, labels = good * 4 + bad * 4, ["good"] * 20 + ["bad"] * 20
    return Examples(inputs, labels, divided(labels, 0), kind="text")


def tagged() -> Examples:
    people, places = ["Anna", "Omar", "Ines"], ["Paris", "Oslo", "Cairo"]
    verbs = ("sings", "waits", "grew", "rests", "won", "spoke")
    words = [(n, v) for v in verbs for n in people + places]
    tags = [("B-PER" if n in people else "B-LOC", "O") for n, _ in words]
    split = np.repeat(["train", "dev", "test"], [24, 6, 6])
    return Examples(words, tags, split, kind="text")


KINDS = {"table": table, "image": images, "series": series, "sound": sounds}
READING = {"text": texts, "tagged": tagged}


def right(model, examples) -> float:
    inputs, labels = examples.part("test")
    found = model.predict(inputs)
    return np.mean([list(a) == list(b) for a, b in zip(found, labels, strict=True)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", ["quantum", "linear"])
def test_separable_data_is_learnt(kind, head, tmp_path) -> None:
    examples = KINDS[kind]()
    model = train(examples, head, 0, **FAST)
    assert right(model, examples) >= 0.8
    inputs = examples.part("test")[0]
    chances = model.probabilities(inputs)
    assert chances.shape == (len(inputs), 2)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
    model.save(tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_allclose(
        again.logits(inputs), model.logits(inputs), rtol=0, atol=1e-6
    )
    assert again.labels == model.labels == tuple(sorted(set(examples.labels)))
    assert not again.training


@pytest.mark.parametrize("kind", READING)
def test_separable_text_is_learnt(kind, encoder_dir, tmp_path) -> None:
    examples = READING[kind]()
    model = train(examples, "linear", 0, epochs=40, batch_size=4)
    assert right(model, examples) >= 0.8
    model.save(tmp_path)
    inputs = examples.part("test")[0]
    assert load_model(tmp_path).predict(inputs) == model.predict(inputs)


@pytest.mark.parametrize("head", HEADS)
def test_every_head_can_be_saved(tmp_path, head) -> None:
    examples = table()
    model = train(examples, head, 0, **FAST | {"epochs": 2})
    model.save(tmp_path)
    assert {f.name for f in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    loaded = load_model(tmp_path)
    rows = examples.inputs
    np.testing.assert_allclose(
        loaded.logits(rows), model.logits(rows), rtol=0, atol=1e-6
    )


def test_the_seed_repeats_a_run_and_leaves_torch_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (train(table(), "quantum", s, **FAST) for s in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert first.history["loss"].equals(again.history["loss"])
    assert not first.history["loss"].equals(other.history["loss"])


def test_the_test_part_changes_no_weight() -> None:
    plain = table()
    labels = np.array(plain.labels)
    mine = plain.split == "test"
    labels[mine] = np.where(labels[mine] == "left", "right", "left")
    broken = Examples(plain.inputs, labels.tolist(), plain.split)
    one, two = (train(e, "quantum", 0, **FAST) for e in (plain, broken))
    np.testing.assert_array_equal(one.logits(plain.inputs), two.logits(plain.inputs))


def test_own_features(tmp_path) -> None:
    def last(rows):
        return np.asarray(rows, dtype=float)[:, -1:]

    examples = table()
    model = train(examples, "linear", 0, features=last, **FAST)
    assert model.settings["n_inputs"] == 1
    model.save(tmp_path)
    again = load_model(tmp_path, features=last)
    assert again.predict(examples.inputs) == model.predict(examples.inputs)
    with pytest.raises(ValueError, match="3 columns, the model was trained on 1"):
        load_model(tmp_path).predict(examples.inputs)


def test_scores_by_hand() -> None:
    examples = table()
    gold = prepare(examples).gold["test"]
    n, k = len(gold), int((gold == 0).sum())
    one = np.tile([1.0, 0.0], (n, 1))
    assert prepare(examples).score(one, "test") == pytest.approx(k / n)
    macro = prepare(examples, "macro_f1")
    # F1 of the class always said: 2k / (n + k); of the other: 0
    assert macro.score(one, "test") == pytest.approx(k / (n + k))
    assert macro.score(np.eye(2)[gold], "test") == 1.0


@pytest.mark.parametrize(("inputs", "labels"), [(30, 2), (64, 10), (384, 77)])
def test_the_mlp_of_the_same_size_is_of_the_same_size(inputs, labels) -> None:
    quantum, mlp = (
        sum(p.numel() for p in build_head(name, inputs, labels).parameters())
        for name in ("quantum", same_size_mlp(inputs, labels, 8, 3))
    )
    assert abs(mlp - quantum) <= (inputs + labels + 1) / 2


def test_features_of_a_series_do_not_depend_on_its_scale() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 64)).cumsum(axis=1)
    plain, scaled = series_features(rows), series_features(10 * rows)
    np.testing.assert_allclose(scaled[:, :2], 10 * plain[:, :2])
    np.testing.assert_allclose(scaled[:, 2:], plain[:, 2:], atol=1e-9)
    with pytest.raises(ValueError, match="3 steps: give series of at least 8"):
        series_features(rows[:, :3])


@pytest.mark.parametrize("kind", [int, float, bool, np.int64, str])
def test_answers_are_of_the_type_of_the_labels(kind, tmp_path) -> None:
    """A number answered as text would equal no label, and score 0 in silence."""
    plain = table()
    labels = [kind(name == "left") for name in plain.labels]
    examples = Examples(plain.inputs, labels, plain.split)
    model = train(examples, "linear", 0, **FAST)
    found = np.array(model.predict(plain.inputs))
    assert (found == np.array(labels)).mean() > 0.9
    model.save(tmp_path)
    assert load_model(tmp_path).predict(plain.inputs) == found.tolist()


def test_two_rows_are_enough_to_train() -> None:
    rows, labels = [[-1.0], [1.0]] * 3, ["a", "b"] * 3
    split = np.repeat(["train", "dev", "test"], 2)
    model = train(Examples(rows, labels, split), "linear", epochs=60)
    assert model.predict([[-1.0], [1.0]]) == ["a", "b"]


def changed(change) -> Examples:
    found = table()
    return change(found.inputs.copy(), list(found.labels), found.split.copy())


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
        (lambda r, y, s: Examples(r[:1], y[:1], s[:1]), "part is empty"),
        (
            lambda r, y, s: Examples(r, [None, *y[1:]], s),
            "example 0 and 0 more have no",
        ),
        (
            lambda r, y, s: Examples(r, [np.nan if v == "left" else v for v in y], s),
            "and 39 more have no label",
        ),
        (
            lambda r, y, s: Examples(r, [1, "1", *y[2:]], s),
            "1 occurs as a number and as text",
        ),
        (lambda r, y, s: Examples(1e300 * r, y, s), "inf in row 0, column 0 and 239"),
        (lambda r, y, s: Examples(r[:9], y, s), "9 inputs, 80 labels"),
        (lambda r, y, s: Examples(r, y, np.full(80, "train")), "the dev part is empty"),
        (lambda r, y, s: Examples(r, y, np.full(80, "all")), "split holds 'all'"),
        (lambda r, y, s: Examples([["x"]] * 80, y, s), "not rows of numbers"),
        (lambda r, y, s: Examples(r[:, 0], y, s), r"shape \(80,\): give one row"),
        (lambda r, y, s: Examples(r, y, s, kind="smell"), "kind is 'smell': choose"),
        (
            lambda r, y, s: Examples(r, [(v,) for v in y], s),
            "only the words of a text",
        ),
    ],
)
def test_data_that_cannot_be_learnt_from_is_refused(change, match) -> None:
    with pytest.raises(ValueError, match=match):
        train(changed(change), "linear")


def test_bad_arguments_are_named(tmp_path) -> None:
    with pytest.raises(ValueError, match="head must be one of"):
        train(table(), "forest")
    with pytest.raises(ValueError, match="metric is 'auc'"):
        train(table(), "linear", metric="auc")
    with pytest.raises(ValueError, match="metric is 'entity_f1'"):
        train(table(), "linear", metric="entity_f1")
    with pytest.raises(ValueError, match="reach is -1"):
        train(table(), "quantum", reach=-1.0)
    with pytest.raises(ValueError, match="device is 'tpu'"):
        train(table(), "linear", device="tpu")
    model = train(table(), "linear", 0, epochs=1)
    with pytest.raises(ValueError, match="inf in row 1, column 2"):
        model.predict([[0, 0, 0], [0, 0, np.inf]])
    with pytest.raises(ValueError, match="inputs are empty"):
        model.predict([])
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        load_model(tmp_path)
    model.save(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(settings | {"model_type": "bert"}))
    with pytest.raises(ValueError, match="'bert' model"):
        load_model(tmp_path)
    del settings["kind"]
    old = settings | {"model_type": "qglib-task", "task": "vision"}
    (tmp_path / "config.json").write_text(json.dumps(old))
    with pytest.raises(ValueError, match="train it again"):
        load_model(tmp_path)


def test_mean_of_the_encoder_over_whole_texts(tiny_encoder) -> None:
    model = load_encoder(tiny_encoder).eval()
    tokenizer = load_tokenizer(tiny_encoder, model)
    texts = ["Anna met the bank.", "Paris", "the bank " * 100, "Paris"]
    together = mean_hidden(model, tokenizer, texts)
    assert together.shape == (4, 32)
    for text, row in zip(texts, together, strict=True):
        alone = mean_hidden(model, tokenizer, [text])[0]
        np.testing.assert_allclose(row, alone, atol=1e-5)
    batch = tokenizer("Paris", return_tensors="pt")
    batch.pop("token_type_ids")
    with torch.inference_mode():
        by_hand = model(**batch).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(together[1], by_hand, atol=1e-5)


def test_bad_text() -> None:
    with pytest.raises(ValueError, match="sentence 1 is empty"):
        text_features(["Paris", " "])
    with pytest.raises(ValueError, match="give a list of texts"):
        text_features("Paris")
