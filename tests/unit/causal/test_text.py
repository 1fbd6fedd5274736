from __future__ import annotations

import importlib
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qglib.causal import (
    Target,
    WordClasses,
    cluster_interval,
    contrast_sentence,
    draw_contrast,
    draw_effects,
    draw_flips,
    intervene_on_context,
    minimal_order_change,
    order_counterfactual,
    order_flips,
    planted_interventions,
    planted_table_of_errors,
    strata_contrast,
    targets_of,
    text_effects,
    whitespace_placebo,
    word_class,
)
from qglib.causal.classifier_effects import classifier_effects, control_effects
from qglib.causal.classifier_order import classifier_order_flips, control_flips
from qglib.causal.control_tasks import control_task
from qglib.causal.interventions import KINDS
from qglib.causal.naturalness import NgramModel
from qglib.causal.reading import at_precision
from qglib.causal.text_classifier import fit_text_classifier, text_features
from qglib.data import Sentence
from qglib.data.planted import planted
from qglib.models import build_tagger

# the sub-package exports functions under the names of their modules
effects_module = importlib.import_module("qglib.causal.text_effects")
order_module = importlib.import_module("qglib.causal.order_counterfactual")
planted_module = importlib.import_module("qglib.causal.planted_effects")

LABELS = ["O", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]
LABELS += ["B-ORG", "I-ORG", "B-PER", "I-PER"]
WORDS = tuple("the coach praised Bolton after a long training camp .".split())
STUB = SimpleNamespace(config=SimpleNamespace(labels=LABELS))


@pytest.fixture(scope="module")
def tagger(encoder_dir):
    return build_tagger(head="linear")


def reader(rule):
    """A stand-in for word_logits: `rule(words, position)` names the sure label."""

    def word_logits(model, tokenizer, sentences, batch_size=32, progress=False):
        out = []
        for words in sentences:
            rows = np.zeros((len(words), len(LABELS)), dtype=np.float32)
            for k in range(len(words)):
                rows[k, LABELS.index(rule(tuple(words), k))] = 30
            out.append(rows)
        return out

    return word_logits


def target(words=WORDS, label="B-PER") -> Target:
    at = words.index("Bolton")
    return Target(0, words, at, at + 1, label)


@pytest.mark.parametrize("kind", KINDS)
def test_interventions_leave_target_and_punctuation_alone(kind: str, tagger) -> None:
    classes = WordClasses(*tagger, [WORDS, tuple(w for w in WORDS[::-1]), LINE])
    done = intervene_on_context(
        [target()], [kind], 6, np.random.default_rng(0), classes
    )
    assert done
    for item in done:
        assert item.words[item.start] == "Bolton"
        assert item.words[-1] == "."
        assert item.words != WORDS
        if kind == "deletion":
            assert len(item.words) == len(WORDS) - 1
        else:
            assert len(item.words) == len(WORDS)
            assert item.start == 3
        if kind in ("adjacent_swap", "transposition", "phrase_block", "shuffle"):
            assert sorted(item.words) == sorted(WORDS)
        if kind.startswith("meaning"):
            changed = [k for k in range(len(WORDS)) if item.words[k] != WORDS[k]]
            assert len(changed) == 1
            k = changed[0]
            assert word_class(item.words[k]) == word_class(WORDS[k])
    assert len({item.words for item in done}) == len(done)


LINE = tuple(
    "x an old short dinner tent manager visited watched before this camp".split()
)


def test_near_replacements_stand_at_smaller_angles(tagger) -> None:
    vocabulary = "x dog cat horse table bank idea stone river house tree".split()
    classes = WordClasses(*tagger, [vocabulary])
    rng = np.random.default_rng(0)
    near = {classes.replacement("dog", rng, n_near=2) for _ in range(30)}
    far = {classes.replacement("dog", rng, near=False) for _ in range(30)}
    assert near == {"cat", "horse"}
    worst = max(classes.angle("dog", w) for w in near)
    assert worst <= min(classes.angle("dog", w) for w in far)
    assert classes.replacement("unseen", rng) is None
    assert classes.replacement("Dog", rng, n_near=1, first=True) == "Cat"
    assert classes.angle("dog", "dog") == pytest.approx(0, abs=0.1)


def test_word_classes() -> None:
    assert word_class("the") == "determiner" and word_class("Of") == "preposition"
    assert word_class("1996") == "number" and word_class("--") == "particle"
    assert word_class("quickly") == "adverb" and word_class("walked") == "-ed form"
    assert word_class("running") == "-ing form" and word_class("goals") == "-s form"
    assert word_class("Bolton") == "capitalised" and word_class("camp") == "base"
    assert word_class(".") == "mark"


def test_context_blind_reader_has_no_effect(monkeypatch, tagger) -> None:
    """Negative control: a reader of the name alone cannot be moved."""
    rule = reader(lambda words, k: "B-PER" if words[k] == "Bolton" else "O")
    monkeypatch.setattr(effects_module, "word_logits", rule)
    kinds = [k for k in KINDS if not k.startswith("meaning")]
    out = text_effects(*tagger, [target()], np.random.default_rng(0), kinds=kinds)
    assert (out.table["effect"] == 0).all() and (out.table["low"] == 0).all()
    assert (out.table.loc[kinds, "flip_rate"] == 0).all()


def test_order_reader_moves_under_order_and_not_under_distant_meaning(
    monkeypatch, tagger
) -> None:
    """Positive control: the label hangs on the word just before the name."""

    def rule(words, k):
        if words[k] != "Bolton":
            return "O"
        return "B-PER" if k and words[k - 1] == "praised" else "B-LOC"

    monkeypatch.setattr(effects_module, "word_logits", reader(rule))
    out = text_effects(
        *tagger,
        [target()],
        np.random.default_rng(0),
        kinds=["shuffle", "deletion"],
        n_draws=40,
    )
    assert out.table.loc["shuffle", "effect"] < -0.5
    assert out.table.loc["shuffle", "flip_rate"] > 0.5
    assert out.table.loc["deletion", "effect"] == pytest.approx(-1 / 8, abs=1e-6)
    assert out.table.loc["deletion", "interventions"] == 8
    assert out.table.loc["whitespace", "effect"] == 0
    assert draw_effects(out.table).axes[0].get_title() == "The largest effect: shuffle"


def test_whitespace_placebo_is_exactly_zero(tagger) -> None:
    sentences = [
        Sentence(WORDS, ("O", "O", "O", "B-PER", *["O"] * 6)),
        Sentence(("Rovigo", "won", "2-1", "."), ("B-ORG", "O", "O", "O")),
    ]
    out = whitespace_placebo(*tagger, targets_of(sentences))
    assert (out["before"] == out["after"]).all()
    assert not out["flipped"].any()


def test_batched_effects_equal_one_sentence_at_a_time(tagger) -> None:
    out = text_effects(
        *tagger,
        [target()],
        np.random.default_rng(0),
        kinds=["deletion", "shuffle"],
        n_draws=3,
    )
    for row in out.draws[out.draws["kind"] != "whitespace"].itertuples():
        words = row.text.split()
        logits = effects_module.word_logits(*tagger, [words])[0]
        p = effects_module.probabilities(logits[words.index("Bolton")])
        assert p[LABELS.index("B-PER")] == pytest.approx(row.after, abs=1e-5)


def test_cluster_interval() -> None:
    rng = np.random.default_rng(0)
    values, clusters = np.repeat([0.0, 1.0], [90, 10]), np.repeat([0, 1], [90, 10])
    mean, low, high = cluster_interval(values, clusters, rng)
    assert mean == 0.5  # clusters count alike
    assert (low, high) == (0, 1)
    spread = cluster_interval(rng.normal(size=400), np.arange(400), rng)
    assert spread[2] - spread[1] == pytest.approx(2 * 1.96 / 20, rel=0.15)
    with pytest.raises(ValueError, match="not empty"):
        cluster_interval(np.array([]), np.array([]), rng)


def kendall(p: tuple[int, ...]) -> int:
    return sum(p[i] > p[j] for i in range(len(p)) for j in range(i + 1, len(p)))


@pytest.mark.parametrize("seed", range(6))
def test_minimal_order_change_is_minimal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    everything = sorted(permutations(range(5)), key=kendall)
    flips = {p for p in everything if kendall(p) >= 2 and rng.random() < 0.04}
    flips.add((4, 3, 2, 1, 0))

    def score(orders):
        return np.array([-1.0 if p in flips else 1.0 for p in orders])

    found = minimal_order_change(5, score, exact_to=10, max_swaps=10)
    assert found[1] == kendall(found[0]) == min(map(kendall, flips))
    assert found[0] in flips and found[2]


def test_beam_goes_beyond_the_exact_levels() -> None:
    goal = (4, 3, 2, 1, 0)

    def score(orders):  # falls with every inversion, negative at the reversal only
        return np.array([9.5 - kendall(p) for p in orders])

    found = minimal_order_change(5, score, exact_to=1, beam=2, max_swaps=10)
    assert found[0] == goal and found[1] == 10 and not found[2]
    assert minimal_order_change(5, score, exact_to=1, max_swaps=9) is None
    fixed = minimal_order_change(3, score, movable=[False, True, True], max_swaps=3)
    assert fixed is None
    with pytest.raises(ValueError, match="beam must be"):
        minimal_order_change(3, score, beam=0)


def test_order_counterfactual_on_a_known_rule(monkeypatch) -> None:
    def rule(words, k):
        if words[k] != "Bolton":
            return "O"
        return "B-PER" if "praised" in words[:k] else "B-LOC"

    monkeypatch.setattr(order_module, "word_logits", reader(rule))
    found = order_counterfactual(STUB, None, WORDS, (3, 4), "B-PER")
    assert found.swaps == 1 and found.exact
    assert found.words[:4] == ("the", "coach", "Bolton", "praised")
    distant = ("praised", "by", "the", "coach", "Bolton", ".")
    found = order_counterfactual(STUB, None, distant, (4, 5), "B-PER")
    assert found.swaps == 4 and not found.exact
    table = order_flips(STUB, None, [target(), target(label="B-ORG")])
    assert list(table["swaps"]) == [1] and list(table["label"]) == ["PER"]
    with pytest.raises(ValueError, match="does not win"):
        order_counterfactual(STUB, None, WORDS, (3, 4), "B-ORG")
    with pytest.raises(ValueError, match="no span"):
        order_counterfactual(STUB, None, WORDS, (3, 40), "B-PER")


def test_searches_side_by_side_equal_single_ones(tagger) -> None:
    names = "Bolton Geneva Siemens".split()
    sentences = [tuple(w if w != "Bolton" else n for w in WORDS) for n in names]
    labels = [
        LABELS[int(effects_module.word_logits(*tagger, [s])[0][3].argmax())]
        for s in sentences
    ]
    targets = [
        Target(k, s, 3, 4, y)
        for k, (s, y) in enumerate(zip(sentences, labels, strict=False))
    ]
    language = NgramModel([WORDS, LINE], min_count=1)
    table = order_flips(*tagger, targets, max_swaps=4, exact_to=2, language=language)
    for row, item in zip(table.itertuples(), targets, strict=True):
        alone = order_counterfactual(
            *tagger, item.words, (3, 4), item.label, max_swaps=4, exact_to=2
        )
        assert (alone is None) == np.isnan(row.swaps)
        if alone is not None:
            assert alone.swaps == row.swaps and alone.exact == row.exact
            assert row.words in " ".join(alone.words)
            assert np.isfinite(row.naturalness)


def test_bfloat16_copy_reads_nearly_the_same(tagger) -> None:
    model, tokenizer = tagger
    fast = at_precision(model, "bf16")
    assert at_precision(model, "fp32") is model and fast is not model
    assert next(model.encoder.parameters()).dtype.itemsize == 4
    exact, rounded = (
        effects_module.probabilities(
            effects_module.word_logits(m, tokenizer, [WORDS])[0]
        )
        for m in (model, fast)
    )
    assert np.abs(exact - rounded).max() < 0.01
    with pytest.raises(ValueError, match="precision"):
        at_precision(model, "int4")


def test_text_features_pool_sub_words(tagger) -> None:
    texts = ["the dog barked loudly", "the dog  barked   loudly", "rain fell"]
    found = text_features(*tagger, texts, pooling="position", batch_size=2)
    assert found.shape == (3, 2 * 384)
    assert (found[0] == found[1]).all()  # the same sub-words, computed once
    mean = text_features(*tagger, texts, batch_size=1)
    assert np.allclose(mean, found[:, :384], atol=1e-5)
    model, tokenizer = tagger
    coded = tokenizer(texts[2:], return_tensors="pt")
    _, _, out = model.hidden(**coded)
    hidden = out.last_hidden_state[0, 1:-1].detach().numpy()  # two words, two pieces
    assert np.allclose(mean[2], hidden.mean(0), atol=1e-5)
    assert np.allclose(found[2, 384:], (hidden[0] - hidden[1]) / 2, atol=1e-5)


def test_control_tasks_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    texts, labels = control_task("role", 2000, rng)
    for who in ("lion", "pilot"):  # both classes hold the same words
        share = [
            np.mean(
                [who in t for t, y in zip(texts, labels, strict=False) if y == kind]
            )
            for kind in ("animal", "human")
        ]
        assert abs(share[0] - share[1]) < 4 * np.sqrt(0.2 / 1000)
    assert set(control_task("sentiment", 4, rng)[1]) == {"good", "bad"}
    with pytest.raises(ValueError, match="name must be"):
        control_task("colour", 4, rng)
    with pytest.raises(ValueError, match="at least 2"):
        control_task("role", 1, rng)


def test_order_and_meaning_move_the_task_that_hangs_on_them(tagger) -> None:
    table = control_effects(*tagger, np.random.default_rng(0), n_test=30, n_draws=3)
    assert (table["accuracy"] > 0.9).all()
    blank = table.xs("whitespace", level="kind")
    assert (blank[["effect", "low", "high", "flip_rate"]] == 0).all(axis=None)
    assert abs(table.loc[("sentiment", "shuffle"), "effect"]) < 0.01  # negative
    assert table.loc[("role", "shuffle"), "high"] < -0.2  # positive controls
    assert table.loc[("role", "phrase_block"), "effect"] < -0.35
    assert table.loc[("sentiment", "meaning_far"), "high"] < -0.05


def test_order_flips_of_a_classifier_follow_the_task(tagger) -> None:
    rng = np.random.default_rng(0)
    share = {}
    for task in ("sentiment", "role"):
        lesson, answers = control_task(task, 300, rng)
        raw = [" ".join(t) for t in lesson]
        reader = fit_text_classifier(*tagger, raw, answers, strength=10.0)
        language = NgramModel(lesson)
        found = classifier_order_flips(
            reader, lesson[:8], answers[:8], language=language, max_swaps=3
        )
        share[task] = found["swaps"].notna().mean()
        for row in found.dropna().itertuples():
            assert sorted(row.changed.split()) == sorted(row.text.split())
            p = reader.probabilities([row.changed])[0]
            assert reader.classes[p.argmax()] != row.label and row.exact
    assert share["role"] > 0.5 and share["sentiment"] == 0
    with pytest.raises(ValueError, match="unknown to the classifier"):
        classifier_order_flips(reader, lesson[:1], ["blue"])


def test_texts_of_the_same_sub_words_get_exactly_equal_probabilities(tagger) -> None:
    texts, labels = control_task("role", 60, np.random.default_rng(3))
    raw = [" ".join(t) for t in texts]
    reader = fit_text_classifier(*tagger, raw, labels)
    blanks = [text.replace(" ", "  ") for text in raw]
    mixed = [*raw, "an odd text of another length", *blanks[::-1]]
    p = reader.probabilities(mixed)
    assert (p[:60] == p[61:][::-1]).all()
    assert np.allclose(p.sum(1), 1) and len(np.unique(p[:60], axis=0)) > 30


def test_control_flips_follow_the_task(tagger) -> None:
    lines = [("the", "dog", "sat"), ("a", "cat", "ran")]

    def flips(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        settings = {"n_train": 300, "n_test": 6, "max_swaps": 1}
        return control_flips(*tagger, lines, rng, **settings)

    table = flips(0)
    role, calm = table.loc["role"], table.loc["sentiment"]
    assert (calm["flipped"] == 0).all() and (calm["example"] == "").all()
    assert (role["fewest"].dropna() == 1).all() and (role["right"] >= 4).all()
    free, near = role.loc["transposition"], role.loc["adjacent"]
    assert free["flipped"] > 0.5 and free["flipped"] >= near["flipped"]
    # two words exchanged at will sound better than two neighbours exchanged
    assert free["naturalness"] > near["naturalness"] + 0.3
    words = free["example"].split()
    assert words[0] == words[3] == "the"  # the actors changed places
    assert flips(0).equals(table)


def test_classifier_bad_input(tagger) -> None:
    texts = ["good dog", "bad dog"]
    with pytest.raises(ValueError, match="one each"):
        fit_text_classifier(*tagger, texts, ["a"])
    with pytest.raises(ValueError, match="two classes"):
        fit_text_classifier(*tagger, texts, ["a", "a"])
    with pytest.raises(ValueError, match="pooling"):
        text_features(*tagger, texts, pooling="max")
    with pytest.raises(ValueError, match="hold no words"):
        text_features(*tagger, ["fine", "  "])
    with pytest.raises(ValueError, match="longer than"):
        text_features(*tagger, ["dog " * 2000])
    reader = fit_text_classifier(*tagger, texts, ["a", "b"])
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown to the classifier"):
        classifier_effects(reader, [("good", "dog")], ["c"], rng, kinds=["shuffle"])
    with pytest.raises(ValueError, match="as long"):
        classifier_effects(reader, [], [], rng)


def test_planted_errors_of_a_perfect_and_of_a_blind_reader(monkeypatch) -> None:
    examples = planted(40, np.random.default_rng(0), rho=0, split="test")
    known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def remember(*args, **kwargs):
        after = original(*args, **kwargs)
        known[after.sentence.words] = after.sentence.tags
        return after

    original = planted_module.intervene
    monkeypatch.setattr(planted_module, "intervene", remember)
    known.update({e.sentence.words: e.sentence.tags for e in examples})

    perfect = reader(lambda words, k: known[words][k])
    monkeypatch.setattr(planted_module, "word_logits", perfect)
    out = planted_interventions(STUB, None, examples, np.random.default_rng(1))
    assert (out["true_flip"] == out["model_flip"]).all()
    table = planted_table_of_errors(out, np.random.default_rng(2), 200)
    assert len(draw_flips(table).axes[0].get_yticklabels()) == len(table)
    assert (table["error"] == 0).all()
    assert table.loc[("C", "ambiguous"), "true_flip"] == 1
    assert table.loc[("C", "unambiguous"), "true_flip"] == 0
    assert table.loc[("ORDER", "ambiguous"), "effect"] < -0.99
    assert table.loc[("ORDER", "unambiguous"), "effect"] == pytest.approx(0)
    for nuisance in ("N", "H"):
        assert table.loc[nuisance, "true_flip"].max() == 0
    contrast = strata_contrast(out, np.random.default_rng(3), n_bootstrap=200)
    assert contrast.loc["difference", "effect"] == pytest.approx(1, abs=1e-6)
    assert contrast.loc["unambiguous", "high"] == pytest.approx(0, abs=1e-6)
    assert "uses part of it" in contrast_sentence(contrast)
    assert "they differ" in draw_contrast(contrast).axes[0].get_title()

    monkeypatch.setattr(planted_module, "word_logits", reader(lambda words, k: "O"))
    blind = planted_interventions(STUB, None, examples, np.random.default_rng(1))
    assert not blind["model_flip"].any()
    table = planted_table_of_errors(blind, np.random.default_rng(2), 200)
    assert table.loc[("C", "ambiguous"), "error"] == 1
    contrast = strata_contrast(blind, np.random.default_rng(3), n_bootstrap=200)
    assert (contrast == 0).all(axis=None)
    assert "no sign" in contrast_sentence(contrast)
    with pytest.raises(ValueError, match="no 'S' on ambiguous"):
        strata_contrast(blind, np.random.default_rng(3), "S")


def test_contrast_of_a_reader_that_is_merely_disturbed() -> None:
    """It moves by .3 under every exchange, whatever the truth does."""
    rng = np.random.default_rng(0)
    n = 400
    outcomes = pd.DataFrame(
        {
            "variable": "ORDER",
            "stratum": ["ambiguous", "unambiguous"] * (n // 2),
            "sentence": range(n),
            "before": 0.5,
            "after": 0.5 + rng.choice([-1, 1], n) * rng.normal(0.3, 0.1, n),
        }
    )
    contrast = strata_contrast(outcomes, rng)
    assert contrast.loc["ambiguous", "effect"] == pytest.approx(0.3, abs=0.03)
    low, high = contrast.loc["difference", ["low", "high"]]
    assert low < 0 < high
    half = 1.96 * 0.1 * np.sqrt(2 / (n / 2))  # normal theory
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)
    contrast.loc["difference"] = [-0.2, -0.3, -0.1]
    assert "less" in contrast_sentence(contrast)


def test_bad_input(tagger) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown; choose"):
        intervene_on_context([target()], ["rhyme"], 1, rng)
    with pytest.raises(ValueError, match="n_draws"):
        intervene_on_context([target()], ["shuffle"], 0, rng)
    with pytest.raises(ValueError, match="WordClasses"):
        intervene_on_context([target()], ["meaning_near"], 1, rng)
    with pytest.raises(ValueError, match="no sentence"):
        targets_of([])
    with pytest.raises(ValueError, match="unknown to the model"):
        text_effects(*tagger, [target(label="B-FOOD")], rng)
    with pytest.raises(ValueError, match="hold no words"):
        WordClasses(*tagger, [])
    examples = planted(3, rng, order_share=0.0)
    with pytest.raises(ValueError, match="can be set"):
        planted_interventions(STUB, None, examples, rng, variables=["ORDER"])
