"""Speed of fine-tuning against the article's recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from bench import Row, compare
from qglib.data import Sentence, load_corpus
from qglib.text import build_tagger, encoder_path, train_tagger, word_logits

EPOCHS = 1


def article_epochs(sentences: list[Sentence], labels: tuple[str, ...]) -> Callable:
    """Batch 16, padding to 128, float32, dropout .1, AdamW: same encoder as ours."""
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    set_verbosity_error()
    disable_progress_bar()
    path = encoder_path()
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForTokenClassification.from_pretrained(
        path, num_labels=len(labels)
    )
    coded = tokenizer(
        [list(s.words) for s in sentences],
        is_split_into_words=True,
        padding="max_length",
        truncation=True,
        max_length=128,
        return_tensors="pt",
    )
    target = torch.full(coded["input_ids"].shape, -100)
    for row, s in enumerate(sentences):
        before = None
        for column, word in enumerate(coded.word_ids(row)):
            if word is not None and word != before:
                target[row, column] = labels.index(s.tags[word])
            before = word
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5)

    def epochs():
        model.train()
        order = [torch.randperm(len(sentences)) for _ in range(EPOCHS)]
        for batch in torch.cat(order).split(16):
            loss = model(
                input_ids=coded["input_ids"][batch],
                attention_mask=coded["attention_mask"][batch],
                labels=target[batch],
            ).loss
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()

    return epochs


def our_epochs(sentences: list[Sentence], types: tuple[str, ...]) -> Callable:
    """The project's training loop, tokenising included."""
    model, tokenizer = build_tagger(types=types, head="linear")
    return lambda: train_tagger(
        model, tokenizer, sentences, [], epochs=EPOCHS, rate=1e-6, progress=False
    )


def rows() -> Iterator[Row]:
    """One epoch on 192 sentences, then batched against single inference."""
    corpus = load_corpus("newswire")
    rng = np.random.default_rng(0)
    chosen = [corpus.train[k] for k in rng.permutation(len(corpus.train))[:192]]
    yield compare(
        "one epoch of fine-tuning, article's recipe / ours, 192 sentences",
        article_epochs(chosen, corpus.labels),
        our_epochs(chosen, corpus.types),
        8,
        10,
        rounds=7,
    )
    model, tokenizer = build_tagger(types=corpus.types, head="linear")
    words = [s.words for s in chosen]

    def single():
        for sentence in words:
            word_logits(model, tokenizer, [sentence])

    yield compare(
        "inference, one sentence at a time / batches, 192 sentences",
        single,
        lambda: word_logits(model, tokenizer, words),
        1.5,
        2,
    )
