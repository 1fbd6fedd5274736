"""Five kinds of data, each with the same four functions.

`KINDS` maps the name of a kind to it. One input is called x:

============  ====================  ==================  =======================
kind          x                     parts               blanked part becomes
============  ====================  ==================  =======================
text          str, or words         words               ``[MASK]``
image         (rows, columns)       patches             its mean, or background
sound         `Sound`               frequency bands     silence
table         (columns,)            columns             background
series        (steps[, channels])   windows             its mean, or background
============  ====================  ==================  =======================

- ``parts(x)``: names of the parts, a list;
- ``blank(x, keep, background=None)``: x with the parts where ``keep``, shape
  (n_parts,), is false taken away. ``background`` is what stands there instead: a
  number, an input, or many inputs, whose mean does (a table needs one, a text takes a
  word, a sound none);
- ``events(x, ...)``: the timed `Events` of x, for the causal order;
- ``edits(x, rng, background=None)``: changed copies of x by name; ``rng`` draws the
  places, only images and tables look at the background. The one called "placebo" went
  through a change and back and must move no sensible model; an edit that x does not
  allow (one word has no neighbour to swap with) is left out.

All refuse an x of another kind, a ``keep`` of another length and a background of
another shape with a ValueError (TypeError where the type is wrong).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pandas as pd

from qglib.data.arrays import Edits, Image, Rng, Series, kept
from qglib.data.audio import Sound, spectral_events
from qglib.data.events import Events, token_events

MASK = "[MASK]"
BANDS, LOWEST = 8, 100.0  # Hz; the first band reaches down to 0

Words = str | Sequence[str]


class Text:
    """A string, or the words of a tagged sentence."""

    def parts(self, x: Words) -> list[str]:
        """Words: the pieces of a string between white space, or the words given."""
        if isinstance(x, str):
            return x.split()
        if not all(isinstance(word, str) for word in x):
            wanted = "give a string or a list of words"
            raise TypeError(f"x is {type(x).__name__}: {wanted}")
        return list(x)

    def blank(self, x: Words, keep: Any, background: Any = None) -> Words:
        """Words become the word ``background``; "" removes the place as well.

        Anything but a string (the training texts, say) means ``[MASK]``.
        """
        words = self.parts(x)
        mask = kept(keep, len(words))
        if mask.all():
            return x
        word = background if isinstance(background, str) else MASK
        new = [w if k else word for w, k in zip(words, mask, strict=True)]
        return _like(x, [w for w in new if w])

    def events(
        self, x: Words, vectors: np.ndarray | None = None, **options: Any
    ) -> Events:
        """Words as events: position as time, embedding as content.

        ``vectors`` are embeddings of the words, shape (n_words, k), without which a
        word has no place in a metric space; ``options`` those of `token_events`.
        """
        if vectors is None:
            wanted = "an array (n_words, k), e.g. of qglib.models.frozen_features"
            raise ValueError(f"vectors is None: words need embeddings; give {wanted}")
        return token_events(vectors, self.parts(x), **options)

    def edits(self, x: Words, rng: Rng, background: Any = None) -> Edits:
        """Two neighbours in "swap", a word less in "delete", another in "replace".

        The new word is one of the text; "placebo" doubles the white space of a string.
        """
        words, found = self.parts(x), {}
        n = len(words)
        unlike = [k for k in range(n - 1) if words[k] != words[k + 1]]
        if unlike:
            k = int(rng.choice(unlike))
            found["swap"] = [*words[:k], words[k + 1], words[k], *words[k + 2 :]]
        if n > 1:
            k = int(rng.integers(n))
            found["delete"] = words[:k] + words[k + 1 :]
        if unlike:
            k = int(rng.integers(n))
            others = sorted(set(words) - {words[k]})
            word = others[int(rng.integers(len(others)))]
            found["replace"] = [*words[:k], word, *words[k + 1 :]]
        changed = {name: _like(x, new) for name, new in found.items()}
        placebo = re.sub(r"\s+", "  ", x) if isinstance(x, str) else _like(x, words)
        return changed | {"placebo": placebo}


def _like(x: Words, words: list[str]) -> Words:
    return " ".join(words) if isinstance(x, str) else cast(Any, type(x))(words)


class Recording:
    """A mono recording, see `qglib.data.Sound`."""

    events = staticmethod(spectral_events)

    def _edges(self, x: Sound) -> np.ndarray:
        if not isinstance(x, Sound):
            raise TypeError(f"x is {type(x).__name__}: give a qglib.data.Sound")
        return np.concatenate([[0.0], np.geomspace(LOWEST, x.rate / 2, BANDS)])

    def parts(self, x: Sound) -> list[str]:
        """Eight frequency bands, equally wide in octaves above the first."""
        return [f"{a:.0f}-{b:.0f} Hz" for a, b in pairwise(self._edges(x))]

    def blank(self, x: Sound, keep: Any, background: Any = None) -> Sound:
        """Without some bands, by the Fourier transform over the whole length."""
        edges, mask = self._edges(x), kept(keep, BANDS)
        if mask.all():
            return x
        n = len(x.samples)
        waves = np.fft.rfft(x.samples)
        band = np.searchsorted(edges[1:-1], np.fft.rfftfreq(n, 1 / x.rate), "right")
        return replace(x, samples=np.fft.irfft(waves * mask[band], n))

    def edits(self, x: Sound, rng: Rng, background: Any = None) -> Edits:
        """Time in "reverse", a "band" less, and a "shift" by 5 to 15 % of the length.

        What leaves at the end enters at the start; "placebo" is reversed twice.
        """
        self._edges(x)
        steps = max(1, round(len(x.samples) * rng.uniform(0.05, 0.15)))
        changed = {
            "shift": np.roll(x.samples, steps),
            "reverse": x.samples[::-1].copy(),
            "band": self.blank(x, np.arange(BANDS) != rng.integers(BANDS)).samples,
            "placebo": x.samples[::-1][::-1].copy(),
        }
        return {name: replace(x, samples=samples) for name, samples in changed.items()}


class Row:
    """One row of numbers of a table; the background is a row, or many."""

    def parts(self, x: Any, columns: Sequence[str] = ()) -> list[str]:
        """Names of the columns: those given, of a pandas row, or "column 0" ..."""
        n = len(self._row(x))
        if columns and len(columns) != n:
            raise ValueError(f"columns has {len(columns)} names for {n} values")
        if not columns and isinstance(x, pd.Series):
            columns = tuple(x.index)
        return [str(name) for name in columns] or [f"column {k}" for k in range(n)]

    def blank(self, x: Any, keep: Any, background: Any = None) -> np.ndarray:
        """Columns become the (mean of the) background, which must be given."""
        row = self._row(x)
        fill = self._rows(background, len(row)).mean(axis=0)
        return np.where(kept(keep, len(row)), row, fill)

    def events(self, x: Any) -> None:
        """One row has no events: a ValueError that says what to use instead."""
        raise ValueError(
            "one row of a table has no events: the rows are the elements of an order, "
            "smaller in every column; use qglib.spacetime.Causet.from_dominance(rows)"
        )

    def edits(
        self, x: Any, rng: Rng, background: Any = None, columns: Sequence[str] = ()
    ) -> Edits:
        """One copy per column, under its name, with the value of another row.

        The value is drawn from the rows of the background that differ there (a
        constant column is left out); "placebo" permutes the columns and back.
        """
        row, found = self._row(x), {}
        rows = self._rows(background, len(row))
        for k, name in enumerate(self.parts(x, columns)):
            others = rows[rows[:, k] != row[k], k]
            if len(others):
                found[name] = row.copy()
                found[name][k] = others[int(rng.integers(len(others)))]
        order = rng.permutation(len(row))
        found["placebo"] = row[order][np.argsort(order)]
        return found

    def _row(self, x: Any) -> np.ndarray:
        values = np.asarray(x, dtype=float)
        if values.ndim != 1 or not len(values):
            raise ValueError(f"x has shape {values.shape}: give one row, (columns,)")
        return values

    def _rows(self, background: Any, n: int) -> np.ndarray:
        if background is None:
            raise ValueError(
                "background is None: a column can only be overwritten; give the "
                "training rows (n, columns) or one row"
            )
        values = np.asarray(background, dtype=float)
        if values.ndim not in (1, 2) or not len(values) or values.shape[-1] != n:
            raise ValueError(
                f"background has shape {values.shape}: give (n, {n}) or ({n},)"
            )
        return np.atleast_2d(values)


KINDS: dict[str, Any] = {
    "text": Text(),
    "image": Image(),
    "sound": Recording(),
    "table": Row(),
    "series": Series(),
}
