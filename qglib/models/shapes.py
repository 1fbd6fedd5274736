"""Word shape: what an uncased vocabulary forgets about a word.

Nine classes: 0 special token or padding; 1 digits without letters; 2 digits and
letters; 3 neither; 4 one capital letter; 5 all capitals; 6 initial capital, then
lower case; 7 lower case; 8 any other mixture.
"""

from __future__ import annotations

import re
from functools import lru_cache

N_SHAPES = 9
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


def shapes_of_text(text: str) -> list[int]:
    """Shape class of the word around every character of raw text.

    Words are cut as in newswire corpora: at blanks, with punctuation and a
    final ``'s`` split off and the dots of abbreviations kept. Blanks get 3.
    """
    shapes = [3] * len(text)
    for found in CORE.finditer(text):
        (start, stop), word = found.span(), found.group()
        if text[:start].endswith(("'", "\u2019")) and word.isalpha() and len(word) < 3:
            start -= 1  # a clitic that stands alone
        dotted = "." in word or (len(word) == 1 and word.isupper())
        stop += dotted and text[stop : stop + 1] == "."  # U.S. or an initial
        clitic = CLITIC.search(text[start:stop])
        cut = start + clitic.start() if clitic else stop
        for a, b in ((start, cut), (cut, stop)):
            shapes[a:b] = [word_shape(text[a:b])] * (b - a)
    return shapes
