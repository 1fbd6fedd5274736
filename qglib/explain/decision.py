"""One decision of a model: the logit of one label at one word.

A token classifier decides at the first sub-word of a word; a text classifier once for
the whole text (word index ``None``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Decision:
    """A tokenised sentence and the logit that is to be explained."""

    model: Any  # of transformers; logits (batch, sub-words, labels) or (batch, labels)
    tokenizer: Any
    inputs: dict[str, torch.Tensor]  # of the tokenizer, each (1, sub-words)
    words: tuple[str, ...]
    word_of: tuple[int | None, ...]  # word of each sub-word; None: special token
    position: int | None  # sub-word where the label is read; None: whole text
    label: int
    target: tuple[int | None, str]  # word index and name of the label

    @property
    def tokens(self) -> tuple[str, ...]:
        """The sub-words."""
        ids = self.inputs["input_ids"][0].tolist()
        return tuple(self.tokenizer.convert_ids_to_tokens(ids))

    def read(self, logits: torch.Tensor) -> torch.Tensor:
        """Pick the decision's logit out of the model's logits: shape (batch,)."""
        (word, name), once = self.target, logits.ndim == 2
        if once != (word is None):
            how = "once for the whole text" if once else "at every word"
            raise ValueError(
                f"target=({word}, {name!r}): this model decides {how}, give "
                f"target=({None if once else 'word index'}, {name!r})"
            )
        return logits[:, self.label] if once else logits[:, self.position, self.label]

    def logits(
        self,
        inputs: dict[str, torch.Tensor],
        batch_size: int = 64,
        *,
        probability: bool = False,
    ) -> np.ndarray:
        """Logit of the decision, or the label's probability, float64 (rows,)."""
        out = []
        with evaluation_mode(self.model), torch.inference_mode():
            for start in range(0, len(inputs["input_ids"]), batch_size):
                part = {k: v[start : start + batch_size] for k, v in inputs.items()}
                logits = self.model(**part).logits
                scale = logits.double().softmax(-1) if probability else logits
                out.append(self.read(scale).double().cpu())
        return torch.cat(out).numpy()

    def repeated(self, rows: int) -> dict[str, torch.Tensor]:
        """The inputs as `rows` equal rows (views; copy before writing)."""
        return {k: v.expand(rows, -1) for k, v in self.inputs.items()}

    def without_words(
        self, keep: np.ndarray, baseline: str = "mask"
    ) -> dict[str, torch.Tensor]:
        """Inputs in which words not kept (rows, words) stand as the baseline token.

        Every sub-word of an absent word is replaced, so all positions stay.
        """
        blank = getattr(self.tokenizer, f"{baseline}_token_id", None)
        if blank is None:
            raise ValueError(
                f"the tokenizer has no {baseline}_token to stand for an absent word: "
                f"set tokenizer.{baseline}_token"
            )
        inputs = self.repeated(len(keep))
        ids = inputs["input_ids"]
        always = np.zeros((len(keep), 1), dtype=bool)  # special tokens: column -1
        absent = np.hstack([~np.asarray(keep, bool), always])
        absent = absent[:, [-1 if w is None else w for w in self.word_of]]
        gone = torch.as_tensor(absent).to(ids.device)
        return inputs | {"input_ids": ids.masked_fill(gone, blank)}


def decision(
    model: Any,
    tokenizer: Any,
    words: Sequence[str],
    target: tuple[int | None, str | int],
) -> Decision:
    """Tokenise `words` and point at the logit of `target` = (word index, label)."""
    from qglib.models.encoder import longest_input

    if isinstance(words, str):
        raise ValueError("words is one string: split it, e.g. words=text.split()")
    words = tuple(words)
    if not words or not any(word.strip() for word in words):
        raise ValueError(f"words={words!r} holds no text: give at least one word")
    if not isinstance(target, tuple | list) or len(target) != 2:
        raise TypeError(f"target={target!r}: give (word index, label)")
    word, label = target
    if word is not None and not 0 <= word < len(words):
        raise IndexError(
            f"target word {word} is beyond the sentence of {len(words)} words: "
            f"use 0 to {len(words) - 1}"
        )
    encoded = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
    word_of = tuple(encoded.word_ids(0))
    limit = longest_input(model)
    if limit and len(word_of) > limit:
        raise ValueError(
            f"the sentence has {len(word_of)} sub-words and the encoder takes "
            f"{limit}: explain a shorter window around the word"
        )
    silent = sorted(set(range(len(words))) - set(word_of))
    if silent:
        raise ValueError(
            f"words {[words[i] for i in silent]!r} give no sub-word: remove them"
        )
    names = {int(k): str(v) for k, v in model.config.id2label.items()}
    index = next((k for k in sorted(names) if label in (k, names[k])), None)
    if index is None:
        raise ValueError(
            f"label {label!r} is not one of the model's: "
            f"{', '.join(names[k] for k in sorted(names))}, or their numbers from 0"
        )
    device = next(model.parameters()).device
    return Decision(
        model=model,
        tokenizer=tokenizer,
        inputs={k: v.to(device) for k, v in encoded.items()},
        words=words,
        word_of=word_of,
        position=None if word is None else word_of.index(word),
        label=index,
        target=(word, names[index]),
    )


def aligned_decisions(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str] | None,
    target: tuple[int | None, str | int],
) -> tuple[Decision, Decision]:
    """The same decision in both texts, which must align; no corrupt one: the blank."""
    first = decision(model, tokenizer, clean, target)
    if corrupt is None:
        inputs = first.without_words(np.zeros((1, len(first.words)), dtype=bool))
        return first, replace(first, inputs=inputs)
    second = decision(model, tokenizer, corrupt, target)
    if len(first.tokens) != len(second.tokens):
        raise ValueError(
            f"clean has {len(first.tokens)} sub-words and corrupt "
            f"{len(second.tokens)}: exchange words for words with as many sub-words"
        )
    if first.position != second.position:
        raise ValueError(
            f"word {target[0]} starts at sub-word {first.position} in clean and "
            f"{second.position} in corrupt: keep the words before it equally long"
        )
    return first, second


@contextmanager
def evaluation_mode(model: torch.nn.Module) -> Iterator[None]:
    """Dropout off inside the block; the model's mode is put back afterwards."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
