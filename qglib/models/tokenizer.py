"""A fast tokenizer that writes word shapes where BERT expects token types."""

from __future__ import annotations

from typing import Any

from transformers import (
    AutoTokenizer,
    BatchEncoding,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

from qglib.models.encoder import REVISIONS, quiet
from qglib.models.shapes import shapes_of_text, word_shape


class ShapeTokenizer(PreTrainedTokenizerFast):
    """Any fast tokenizer; ``token_type_ids`` hold the word-shape class, 0 to 8.

    Every sub-word carries the shape of its whole word, for raw text (words found
    by `shapes_of_text`) and for pre-split words alike; special tokens and padding
    get 0. Saved folders load with ``AutoTokenizer`` once ``qglib.models`` is
    imported, so a stock transformers pipeline sends the shapes by itself.
    """

    model_input_names = ["input_ids", "token_type_ids", "attention_mask"]  # noqa: RUF012

    def _encode_plus(
        self, text: Any, text_pair: Any = None, *args: Any, **options: Any
    ) -> BatchEncoding:
        tensors = options.pop("return_tensors", None)
        wanted = options.pop("return_token_type_ids", None) is not False
        out = super()._encode_plus(
            text, text_pair, *args, return_token_type_ids=False, **options
        )
        split = options.get("is_split_into_words", False)
        batched = isinstance(text, list | tuple) and (
            not split or bool(text and isinstance(text[0], list | tuple))
        )
        single = not batched and not options.get("return_overflowing_tokens", False)
        if wanted:
            texts = text if batched else [text]
            sample = out.get("overflow_to_sample_mapping", range(len(out.encodings)))
            shapes = [
                _shapes(encoding, texts[int(i)], split)
                for encoding, i in zip(out.encodings, sample, strict=True)
            ]
            out["token_type_ids"] = shapes[0] if single else shapes
        if tensors is not None:
            out.convert_to_tensors(tensors, prepend_batch_axis=single)
        return out


def _shapes(encoding: Any, text: Any, split: bool) -> list[int]:
    """Shape class per token of one encoding; 0 for tokens of no word of ``text``."""
    shapes = [0] * len(encoding.ids)
    of_character = [] if split else shapes_of_text(text)
    for k, (part, word) in enumerate(
        zip(encoding.sequence_ids, encoding.word_ids, strict=True)
    ):
        if part != 0 or word is None:
            continue
        if split:
            shapes[k] = word_shape(text[word])
            continue
        start, stop = encoding.offsets[k]
        # byte-level vocabularies count the blank before a word as part of it
        while start < stop - 1 and text[start].isspace():
            start += 1
        shapes[k] = of_character[start] if start < len(text) else 3
    return shapes


def load_tokenizer(path: str, config: PreTrainedConfig) -> ShapeTokenizer:
    """The encoder's tokenizer, wrapped so that it writes word shapes.

    Its ``model_max_length`` is at most the positions the encoder has.

    Raises:
        TypeError: the encoder has no fast tokenizer.
    """
    with quiet():
        base = AutoTokenizer.from_pretrained(path, revision=REVISIONS.get(path, "main"))
        if isinstance(base, ShapeTokenizer):
            return base
        if not getattr(base, "is_fast", False):
            raise TypeError(
                f"encoder {path!r} has no fast tokenizer (tokenizer.json), which word "
                "positions need; choose an encoder that has one"
            )
        backend = base.backend_tokenizer
        backend.no_truncation()  # sentence encoders store a cut at 128
        backend.no_padding()
        positions = getattr(config, "max_position_embeddings", 512)
        return ShapeTokenizer(
            tokenizer_object=backend,
            model_max_length=int(min(base.model_max_length, positions)),
            padding_side="right",
            **base.special_tokens_map,
        )
