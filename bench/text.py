"""Speed of fine-tuning against the article's recipe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BatchEncoding,
)
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from bench import Row, compare
from qglib.data import Corpus, Sentence, load_corpus
from qglib.models import (
    build_tagger,
    decode_all,
    encoder_path,
    entity_f1,
    train_tagger,
    word_logits,
)

Words = list[tuple[str, ...]]


class ArticleRecipe:
    """Batch 16, padding to 128, float32, dropout .1, AdamW: same encoder as ours."""

    def __init__(self, sentences: list[Sentence], labels: tuple[str, ...]) -> None:
        set_verbosity_error()
        disable_progress_bar()
        path = encoder_path()
        self.labels = labels
        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self.model = AutoModelForTokenClassification.from_pretrained(
            path, num_labels=len(labels)
        )
        self.coded = self.encode([s.words for s in sentences])
        self.target = torch.full(self.coded["input_ids"].shape, -100)
        for row, s in enumerate(sentences):
            for word, column in self.first(self.coded, row):
                self.target[row, column] = labels.index(s.tags[word])
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=5e-5)

    def encode(self, sentences: Words) -> BatchEncoding:
        return self.tokenizer(
            [list(words) for words in sentences],
            is_split_into_words=True,
            padding="max_length",
            truncation=True,
            max_length=128,
            return_tensors="pt",
        )

    def first(self, coded: BatchEncoding, row: int) -> list[tuple[int, int]]:
        """(word, column of its first sub-word) of one sentence."""
        columns: dict[int, int] = {}
        for column, word in enumerate(coded.word_ids(row)):
            if word is not None:
                columns.setdefault(word, column)
        return list(columns.items())

    def epochs(self, count: int = 1) -> None:
        self.model.train()
        order = [torch.randperm(len(self.target)) for _ in range(count)]
        for batch in torch.cat(order).split(16):
            loss = self.model(
                input_ids=self.coded["input_ids"][batch],
                attention_mask=self.coded["attention_mask"][batch],
                labels=self.target[batch],
            ).loss
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimiser.step()

    def word_logits(self, sentences: Words) -> list[np.ndarray]:
        self.model.eval()
        coded = self.encode(sentences)
        with torch.inference_mode():
            parts = [
                self.model(input_ids=ids, attention_mask=mask).logits
                for ids, mask in zip(
                    coded["input_ids"].split(16),
                    coded["attention_mask"].split(16),
                    strict=True,
                )
            ]
        logits = torch.cat(parts).numpy()
        return [
            logits[row, [column for _, column in self.first(coded, row)]]
            for row in range(len(sentences))
        ]


def recipes(corpus: Corpus, chosen: list[Sentence], epochs: int = 4) -> Iterator[Row]:
    """Time of one epoch, then F1 after as many epochs as `train_tagger` makes."""
    article = ArticleRecipe(chosen, corpus.labels)
    model, tokenizer = build_tagger(types=corpus.types, head="linear")

    def ours():  # the project's training loop, tokenising included
        train_tagger(model, tokenizer, chosen, [], epochs=1, rate=1e-6)

    what = f"one epoch of fine-tuning, article's recipe / ours, {len(chosen)} sentences"
    yield compare(what, article.epochs, ours, 8, 10, rounds=7)

    torch.manual_seed(0)
    article = ArticleRecipe(chosen, corpus.labels)
    article.epochs(epochs)
    model, tokenizer = build_tagger(types=corpus.types, head="linear")
    train_tagger(model, tokenizer, chosen, [], epochs=epochs)
    test = corpus.test[:400]
    words, gold = [s.words for s in test], [s.tags for s in test]
    theirs, mine = (
        100 * entity_f1(gold, decode_all(logits, corpus.labels))
        for logits in (
            article.word_logits(words),
            word_logits(model, tokenizer, words),
        )
    )
    what = f"entity F1 after {epochs} epochs on them, ours less article's recipe"
    note = f"ours {mine:.1f}, article's {theirs:.1f}, {len(test)} test sentences"
    yield Row(what, mine - theirs, None, 0, 5, unit="", note=note)


def rows() -> Iterator[Row]:
    """Fine-tuning on 192 sentences, then batched against single inference."""
    corpus = load_corpus("newswire")
    rng = np.random.default_rng(0)
    chosen = [corpus.train[k] for k in rng.permutation(len(corpus.train))[:192]]
    yield from recipes(corpus, chosen)
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
