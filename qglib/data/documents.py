"""Documents of a tagged corpus: its sentences in reading order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qglib.data.corpus import SPLITS, Corpus


@dataclass(frozen=True)
class Document:
    """One document.

    Attributes:
        split: train, dev or test.
        name: name of the document.
        topic: its topic, empty where the corpus has none.
        sentences: words of each sentence, in reading order.
    """

    split: str
    name: str
    topic: str
    sentences: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> list[str]:
        """All words in reading order."""
        return [word for sentence in self.sentences for word in sentence]

    def is_content(self) -> np.ndarray:
        """Whether each word is neither punctuation, number nor function word.

        Function words are the English list of scikit-learn; booleans (n_words,).
        """
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return np.array(
            [w.isalpha() and w.lower() not in ENGLISH_STOP_WORDS for w in self.words],
            dtype=bool,
        )


def documents(corpus: Corpus) -> list[Document]:
    """Documents of a corpus, train first; sentences of one name belong together."""
    found: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    for split in SPLITS:
        for sentence in getattr(corpus, split):
            key = (split, sentence.document, sentence.topic)
            found.setdefault(key, []).append(sentence.words)
    return [Document(*key, tuple(sentences)) for key, sentences in found.items()]
