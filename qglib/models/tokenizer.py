"""A fast tokenizer that writes word shapes where BERT expects token types.

The shape is what an uncased vocabulary forgets about a word. Nine classes: 0 special
token or padding; 1 digits without letters; 2 digits and letters; 3 neither; 4 one
capital letter; 5 all capitals; 6 initial capital, then lower case; 7 lower case; 8 any
other mixture.
"""

import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoTokenizer, BatchEncoding, PreTrainedModel

from qglib.models.encoder import REVISIONS, longest_input, quiet, reading

N_SHAPES = 9
PARTS, BUCKETS = 5, 2048  # of the spelling of a word, and numbers for each of them
CORE = re.compile(r"[^\W_](?:\S*[^\W_])?")  # from the first letter or digit to the last
CLITIC = re.compile(r"(?<=.)['\u2019][^\W\d_]{1,2}$")  # 's, 're


@lru_cache(maxsize=1 << 16)
def word_shape(word: str) -> int:
    """Shape class 1 to 8 of one word."""
    letters = [c for c in word if c.isalpha()]
    digits = any(c.isdigit() for c in word)
    if digits:
        return 2 if letters else 1
    if not letters:
        return 3
    if all(c.isupper() for c in letters):
        return 4 if len(letters) == 1 else 5
    if letters[0].isupper() and all(c.islower() for c in letters[1:]):
        return 6
    return 7 if all(c.islower() for c in letters) else 8


@lru_cache(maxsize=1 << 16)
def spelling(word: str) -> int:
    """Word shape (four bits) and five hashed parts, case kept; 0 stands for no word."""
    pattern = re.sub(r"[^\W\d_]", lambda c: "xX"[c[0].isupper()], word)
    pattern = re.sub(r"(.)\1+", r"\1", re.sub(r"\d", "0", pattern))
    code = 0
    for kind, part in enumerate((word[:3], word[-2:], word[-3:], word[-4:], pattern)):
        code *= BUCKETS
        code += 1 + zlib.crc32(f"{kind} {part}".encode()) % (BUCKETS - 1)
    return code << 4 | word_shape(word)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Start and stop of every word of raw text.

    Words are cut as in newswire corpora: at blanks, with punctuation and a
    final ``'s`` split off; hyphens and the dots of abbreviations stay inside.
    """
    spans, end = list[tuple[int, int]](), 0

    def marks(start: int) -> None:  # the punctuation since the last word
        found = re.finditer(r"(\S)\1*", text[end:start])
        spans.extend((end + f.start(), end + f.end()) for f in found)

    for found in CORE.finditer(text):
        (start, stop), word = found.span(), found.group()
        quoted = text[end:start].endswith(("'", "\u2019"))
        if quoted and word.isalpha() and len(word) < 3:
            start -= 1  # a clitic that stands alone
        dotted = "." in word or (len(word) == 1 and word.isupper())
        stop += dotted and text[stop : stop + 1] == "."  # U.S. or an initial
        clitic = CLITIC.search(text[start:stop])
        cut = start + clitic.start() if clitic else stop
        marks(start)
        spans += [(a, b) for a, b in ((start, cut), (cut, stop)) if a < b]
        end = stop
    marks(len(text))
    return spans


class ShapeTokenizer(transformers.PreTrainedTokenizerFast):
    """Any fast tokenizer; ``token_type_ids`` hold the word-shape class, 0 to 8.

    Every sub-word carries the shape of its whole word, in raw text (`word_spans`)
    and in pre-split words; special tokens and padding get 0. Saved folders load with
    ``AutoTokenizer`` once ``qglib.models`` is imported.
    """

    pad_token_id: int | None  # transformers finds it by __getattr__

    @property
    def code(self) -> Callable[[str], int]:
        """What is written about a word: its `word_shape`, or its `spelling`."""
        return spelling if self.init_kwargs.get("characters") else word_shape

    model_input_names = ["input_ids", "token_type_ids", "attention_mask"]  # noqa: RUF012

    def _encode_plus(
        self, text: Any, text_pair: Any = None, *args: Any, **options: Any
    ) -> BatchEncoding:
        tensors = options.pop("return_tensors", None)
        wanted = options.pop("return_token_type_ids", None) is not False
        options["return_token_type_ids"] = False
        out = super()._encode_plus(text, text_pair, *args, **options)
        split = options.get("is_split_into_words", False)
        batched = isinstance(text, list | tuple) and (
            not split or bool(text and isinstance(text[0], list | tuple))
        )
        single = not batched and not options.get("return_overflowing_tokens", False)
        if wanted:
            texts, encodings = text if batched else [text], out.encodings or []
            sample = out.get("overflow_to_sample_mapping", range(len(encodings)))
            shapes = [
                _shapes(encoding, texts[int(i)], split, self.code)
                for encoding, i in zip(encodings, sample, strict=True)
            ]
            out["token_type_ids"] = shapes[0] if single else shapes
        if tensors is not None:
            out.convert_to_tensors(tensors, prepend_batch_axis=single)
        return out


def _shapes(encoding: Any, text: Any, split: bool, code: Callable) -> list[int]:
    """Shape class per token of one encoding; 0 for tokens of no word of ``text``."""
    shapes = [0] * len(encoding.ids)
    of_character = [code("-")] * (0 if split else len(text))
    for start, stop in () if split else word_spans(text):
        of_character[start:stop] = [code(text[start:stop])] * (stop - start)
    owners = zip(encoding.sequence_ids, encoding.word_ids, strict=True)
    for k, (part, word) in enumerate(owners):
        if part != 0 or word is None:
            continue
        if split:
            shapes[k] = code(text[word])
            continue
        start, stop = encoding.offsets[k]
        # byte-level vocabularies count the blank before a word as part of it
        while start < stop - 1 and text[start].isspace():
            start += 1
        shapes[k] = of_character[start] if start < len(text) else code("-")
    return shapes


def load_tokenizer(
    path: str, encoder: PreTrainedModel, parts: int = 0
) -> ShapeTokenizer:
    """The encoder's tokenizer, which writes shapes, or with ``parts`` spellings."""
    options = {"revision": REVISIONS.get(path, "main"), "trust_remote_code": False}
    with quiet(), reading(Path(path)):
        base = AutoTokenizer.from_pretrained(path, **options)
        usual = getattr(encoder.config, "max_position_embeddings", 512)
        limit = int(min(base.model_max_length, longest_input(encoder) or usual))
        if isinstance(base, ShapeTokenizer):
            base.model_max_length = limit
            base.init_kwargs["characters"] = bool(parts)
            return base
        if not getattr(base, "is_fast", False):
            wanted = "tokenizer.json, from which word positions come"
            raise ValueError(f"encoder {path!r} lacks {wanted}: take one that has it")
        backend = base.backend_tokenizer
        backend.no_truncation()  # sentence encoders store a cut at 128
        backend.no_padding()
        return ShapeTokenizer(
            tokenizer_object=backend,
            model_max_length=limit,
            padding_side="right",
            characters=bool(parts),
            **base.special_tokens_map,
        )
