"""The tagger as a pipeline of transformers: whole words, Viterbi, long texts."""

from collections.abc import Sequence
from typing import Any, cast

from scipy.special import softmax
from transformers import AutoModelForTokenClassification, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY

from qglib.data import entities
from qglib.models.tagger import TokenTagger
from qglib.models.tags import decode_all
from qglib.models.tokenizer import ShapeTokenizer, word_spans
from qglib.models.windows import word_logits

TASK = "word-tagging"


class WordTagging(Pipeline):
    """Entities of texts, or of sentences given as words, as the tagger is scored.

    ``pipeline("word-tagging", model=folder)`` once ``qglib.models`` is imported. A
    call takes a text, or a list of texts and of lists of words. Each entity is a dict
    with ``entity_group``, ``score`` (mean probability of its tags), ``word``, ``start``
    and ``end`` (in the text, or in the words joined by blanks) and ``words``, numbers
    of its first word and of the word after its last. ``stride`` is the context in
    sub-words around the windows of long texts, ``batch_size`` how many go together,
    ``documents`` one name for each input (see `word_logits`).
    """

    model: TokenTagger
    # transformers declares these, and what the steps hand on, too narrowly
    _load_tokenizer = True  # type: ignore[assignment]
    _load_processor = _load_image_processor = _load_feature_extractor = False  # type: ignore[assignment]

    def __call__(self, inputs: str | Sequence[Any], **options: Any) -> list[Any]:  # type: ignore[override]
        """The entities of one text, or one list of entities for each input."""
        before, forward, after = self._sanitize_parameters(**options)
        forward = self._forward_params | forward
        single = isinstance(inputs, str)
        found = self.run_single([inputs] if single else inputs, before, forward, after)
        return found[0] if single else found

    def _sanitize_parameters(self, **options: Any) -> tuple[dict, dict, dict]:
        strange = sorted(options.keys() - {"stride", "batch_size", "documents"})
        if strange:
            known = "stride, batch_size and documents"
            raise ValueError(f"{TASK} takes {known}, not {strange[0]}")
        return {}, options, {}

    def preprocess(self, input_: Sequence[Any], **_: Any) -> Any:
        """Text, words and their spans of each input."""
        out = []
        for given in input_:
            text, start = given if isinstance(given, str) else " ".join(given), 0
            spans = word_spans(text) if isinstance(given, str) else []
            for word in () if isinstance(given, str) else given:
                spans.append((start, start + len(word)))
                start += len(word) + 1
            out.append((text, [text[a:b] for a, b in spans], spans))
        return out

    def _forward(self, input_tensors: Any, **options: Any) -> Any:
        words = [words for _, words, _ in input_tensors if words]
        if options.get("documents"):
            pairs = zip(options["documents"], input_tensors, strict=True)
            options["documents"] = [name for name, row in pairs if row[1]]
        reader = cast(ShapeTokenizer, self.tokenizer)
        logits = iter(word_logits(self.model, reader, words, **options))
        found = [next(logits) if words else () for _, words, _ in input_tensors]
        return input_tensors, found

    def postprocess(self, model_outputs: Any, **_: Any) -> list[list[dict[str, Any]]]:
        """Entities of each input."""
        return [self._entities(*row) for row in zip(*model_outputs, strict=True)]

    def _entities(self, read: tuple, logits: Any) -> list[dict[str, Any]]:
        text, words, spans = read
        if not words:
            return []
        best = softmax(logits, axis=-1)
        labels = list(self.model.config.labels)
        (tags,) = decode_all([logits], labels)
        out = []
        for kind, first, stop in entities(tags):
            start, end = spans[first][0], spans[stop - 1][1]
            scores = [best[k, labels.index(tags[k])] for k in range(first, stop)]
            found = {"entity_group": kind, "score": float(sum(scores) / len(scores))}
            found |= {"word": text[start:end], "start": start, "end": end}
            out.append(found | {"words": (first, stop)})
        return out


PIPELINE_REGISTRY.register_pipeline(
    TASK, WordTagging, pt_model=AutoModelForTokenClassification, type="text"
)
