"""Five kinds of data, each with the same four functions.

A kind is a module; `KINDS` maps its name to it. One input is called x:

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
another shape with a ValueError (TypeError where the type is wrong). What a kind adds
to this stands with its functions.
"""

from __future__ import annotations

from types import ModuleType

from qglib.data.kinds import image, series, sound, table, text

KINDS: dict[str, ModuleType] = {
    "text": text,
    "image": image,
    "sound": sound,
    "table": table,
    "series": series,
}
"""Name of a kind to its module."""
