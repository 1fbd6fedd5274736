from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qglib.data import Sentence, illegal, labels_of
from qglib.models import (
    build_tagger,
    decode_all,
    frozen_features,
    head_logits,
    load_tagger,
    train_head,
    train_tagger,
    word_logits,
)
from qglib.models.crf import CRF, IGNORED

LABELS = labels_of(("A", "B"))


def drawn(seed, n):
    """A CRF with random pairs, and logits of n words."""
    torch.manual_seed(seed)
    crf = CRF(LABELS).double()
    torch.nn.init.normal_(crf.pairs)
    return crf, torch.randn(1, n, len(LABELS), dtype=torch.double)


def by_hand(crf, logits):
    """Every path of labels with its score, by the definition."""
    pairs = crf.pairs + crf.fixed
    for path in product(range(len(LABELS)), repeat=logits.shape[1]):
        score, before = 0.0, len(LABELS)
        for row, label in zip(logits[0], path, strict=True):
            score = score + row[label] + pairs[before, label]
            before = label
        yield path, score


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 4))
def test_likelihood_marginals_and_gradients_equal_brute_force(seed, n) -> None:
    crf, logits = drawn(seed, n)
    logits.requires_grad_()
    paths = list(by_hand(crf, logits))
    total = torch.stack([score for _, score in paths]).logsumexp(0)
    torch.testing.assert_close(crf.log_sum(logits, torch.tensor([n]))[0], total)
    gold, score = paths[seed % len(paths)]
    weights = (logits, crf.pairs)
    own = crf(logits, torch.tensor([gold]))
    torch.testing.assert_close(own, (total - score) / n)
    for a, b in zip(
        torch.autograd.grad(own, weights),
        torch.autograd.grad((total - score) / n, weights),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
    share = torch.stack([(s - total).exp() for _, s in list(by_hand(crf, logits))])
    wanted = torch.zeros(n, len(LABELS), dtype=torch.double)
    for (path, _), p in zip(paths, share, strict=True):
        wanted[range(n), list(path)] += p
    (found,) = crf.marginals([logits[0].detach().numpy()])
    np.testing.assert_allclose(np.exp(found), wanted.detach(), atol=1e-6)


def test_zero_pairs_are_the_softmax_of_legal_sequences() -> None:
    """One word: nothing but its own logits counts."""
    crf, logits = CRF(LABELS), torch.randn(1, 1, len(LABELS))
    (found,) = crf.marginals([logits[0].numpy()])
    np.testing.assert_allclose(found, logits[0].log_softmax(-1), atol=1e-6)


def test_padding_and_places_left_out_change_nothing() -> None:
    crf, logits = drawn(3, 7)
    gold = torch.tensor([[0, IGNORED, 1, 2, IGNORED, IGNORED, 3]])
    kept = (gold != IGNORED)[0]
    alone = crf(logits[:, kept], gold[:, kept])
    torch.testing.assert_close(crf(logits, gold), alone)
    other = torch.full_like(gold, IGNORED)
    twice = crf(torch.cat([logits, logits]), torch.cat([gold, other]))
    torch.testing.assert_close(twice, alone)
    rows = logits[0].numpy()
    together = crf.marginals([rows, rows[:3], rows[:1]])
    for found, n in zip(together, (7, 3, 1), strict=True):
        np.testing.assert_allclose(found, crf.marginals([rows[:n]])[0], atol=1e-6)


def test_illegal_pairs_have_no_probability() -> None:
    crf = CRF(LABELS)
    logits = np.full((2, 5), -9.0)
    logits[0, 0], logits[1, 2] = 40.0, 3.0  # O, then I-A
    (found,) = crf.marginals([logits])
    assert found[1, 2] < -15
    assert not illegal(decode_all([found], LABELS)[0])


# the second word of a name looks like any other: only its neighbour tells
NAMES = [
    Sentence(("Anna", "met", "the", "bank"), ("B-PER", "O", "O", "O")),
    Sentence(("the", "bank", "of", "Paris"), ("O", "O", "O", "B-LOC")),
    Sentence(("Paris", "met", "Anna"), ("B-LOC", "O", "B-PER")),
]


@pytest.fixture
def tagger(tiny_encoder):
    return build_tagger(
        tiny_encoder, ("LOC", "PER"), "mlp", hidden_layers=(1, 2), crf=True
    )


def test_it_learns_with_the_head_and_is_saved(tagger, tmp_path) -> None:
    model, tokenizer = tagger
    words, tags = ([getattr(s, k) for s in NAMES] for k in ("words", "tags"))
    features = frozen_features(model, tokenizer, words)
    history = train_head(model, features, tags, epochs=30, batch_size=2)
    assert history["loss"].iloc[-1] < 0.3 * history["loss"].iloc[0]
    assert model.crf.pairs.abs().max() > 0.01
    assert decode_all(head_logits(model, features), model.config.labels) == [
        list(t) for t in tags
    ]
    train_tagger(model, tokenizer, NAMES, NAMES, epochs=1, precision="fp32")
    before = word_logits(model, tokenizer, words)
    np.testing.assert_allclose(np.exp(before[0]).sum(1), 1, atol=1e-5)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    for a, b in zip(before, word_logits(*load_tagger(tmp_path), words), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_loss_of_the_model_is_that_of_the_words(tagger) -> None:
    model, tokenizer = tagger
    torch.nn.init.normal_(model.crf.pairs)
    inputs = tokenizer("Anna met the bank", return_tensors="pt")
    labels = torch.full_like(inputs["input_ids"], IGNORED)
    labels[0, 1:4] = torch.tensor([1, 2, 0])
    out = model(**inputs, labels=labels)
    torch.testing.assert_close(out.loss, model.crf(out.logits[:, 1:4], labels[:, 1:4]))
