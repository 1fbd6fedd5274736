"""Word shape: what an uncased vocabulary forgets about a word.

Nine classes: 0 special token or padding; 1 digits without letters; 2 digits and
letters; 3 neither; 4 one capital letter; 5 all capitals; 6 initial capital, then
lower case; 7 lower case; 8 any other mixture.
"""

from __future__ import annotations

from functools import lru_cache

N_SHAPES = 9
MARKS = ("'", "\u2019")  # apostrophes


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


def shapes_of_text(text: str) -> list[int]:
    """Shape class of the word around every character of raw text.

    Words are cut as in newswire corpora: at blanks, with punctuation and a
    final ``'s`` split off and the dots of abbreviations kept. Blanks get 3.
    """
    shapes = [3] * len(text)
    start = 0
    for chunk in text.split(" "):  # other blanks are cut below
        offset = start
        for word in _pieces(chunk):
            at = text.index(word, offset)
            shape = word_shape(word)
            shapes[at : at + len(word)] = [shape] * len(word)
            offset = at + len(word)
        start += len(chunk) + 1
    return shapes


def _pieces(chunk: str) -> list[str]:
    pieces: list[str] = []
    for part in chunk.split():
        left, right = 0, len(part)
        while left < right and not part[left].isalnum():
            left += 1
        while right > left and not part[right - 1].isalnum():
            right -= 1
        core, tail = part[left:right], part[right:]
        if part[:left] in MARKS and core.isalpha() and len(core) <= 2:
            pieces.append(part[left - 1 : right])  # a clitic that stands alone
            continue
        if tail.startswith(".") and (
            "." in core or (len(core) == 1 and core.isupper())
        ):
            core += "."  # U.S. or an initial
        stem, mark, clitic = max(
            (core.rpartition(mark) for mark in MARKS), key=lambda p: len(p[0])
        )
        if stem and mark and clitic.isalpha() and len(clitic) <= 2:
            pieces += [stem, mark + clitic]
        elif core:
            pieces.append(core)
    return pieces
