"""Tagged sentences from an explicit structural causal model, so claims can be scored.

Every variable is a function of its causes and of its own noise. The noise is kept
with the sentence: an intervention replaces one mechanism and solves the same
equations with the same noise (Pearl, *Causality*, 2009, section 7.1), so the
counterfactual sentence and the true change of the label are exact.

Variables, one value per slot (a slot is one name; G, N, H, E hold for the sentence):

- G genre, uniform over five; Y | G intended type (``TYPE_GIVEN_GENRE``; the second
  slot of an order frame has another type than the first);
- A ambiguous name? Bernoulli(.45), one draw for both slots of an order
  frame;
- C type that the words around the slot ask for: Y if A, or with probability .9;
  otherwise uniform over the four types (so C differs from Y in 3/40 of the
  unambiguous slots). An order frame asks for two types by position: the pair
  (Y0, Y1), or in one case of ten any ordered pair;
- K which frame of that type and genre (for an order frame: of that pair);
- S name: from the ambiguous pool if A, else from the pool of Y: with probability
  .2 a bare name whose type is learnt only by frequency, else one with a
  typed ending, where PER takes a first name in half of the cases and ORG ``Group``,
  ``Union`` or ``Holdings`` in three of ten. Ambiguous names stand bare;
- N nuisance adverb: ``ADVERBS[Y of slot 0]`` with probability ``rho``, else uniform;
- H sentence in capitals, Bernoulli(.12); E ending, uniform; both causes of nothing;
- L gold label: C if S is an ambiguous name, else the type of S. G, N, H, E and the
  order of unambiguous names never enter it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from qglib.data.conll import Sentence
from qglib.data.lexicon import GENRES, TYPES, frames, invent

TYPE_GIVEN_GENRE = {  # in the order of TYPES
    "sport": (0.50, 0.20, 0.15, 0.15),
    "market": (0.15, 0.20, 0.50, 0.15),
    "travel": (0.15, 0.50, 0.15, 0.20),
    "science": (0.25, 0.15, 0.20, 0.40),
    "politics": (0.30, 0.25, 0.25, 0.20),
}
ADVERBS = {"PER": "today", "LOC": "yesterday", "ORG": "overnight", "MISC": "again"}
ENDINGS = ["officials noted", "according to a report", "with little warning"]
ENDINGS += ["despite the delay", "as expected", ""]
LINKS = ("; elsewhere", "; meanwhile", ", and the same day")
AMBIGUOUS, CONFLICT = 0.45, 0.1
SECOND_CLAUSE = 0.35  # probability of a second clause, always a cue frame
CAPITALS = 0.12
# Edges of the causal graph between the variables, S read as its pool (a type or
# "AMB"). H, K and E are isolated for slots of cue frames in the training split.
PLANTED_EDGES = tuple(map(tuple, "GY YC AC YS AS YN CL SL".split()))
VARIABLES = ("G", "Y", "A", "C", "K", "S", "N", "H", "E", "L")

# Names of the uniform draws; the last two of a slot are no longer used.
SENTENCE_NOISE = "order second G link N_keep N_word H E".split()
SLOT_NOISE = "Y A C_keep C K taught S affix first L_keep L".split()
_PAIRS = tuple(permutations(TYPES, 2))

Noise = Mapping[str, float]  # name of a draw -> number in [0, 1)
Done = Mapping[tuple[str, int], Any]


@dataclass(frozen=True)
class PlantedSentence:
    """A sentence with the values of its variables and the words that cause its tags.

    Slots are numbered in the order of the text before any intervention; a slot keeps
    its number and its name when two names change places.
    """

    sentence: Sentence  # ``ambiguous`` if a slot holds an ambiguous name
    variables: dict[str, tuple]  # name of a variable to one value per slot
    pools: tuple[str, ...]  # per slot, what its name shows: a type, or "AMB"
    clauses: tuple[tuple[int, ...], ...]  # slots, in the order of the text
    slots: tuple[tuple[int, int], ...]  # word span (start, stop) of each name
    # per slot, indices of the words that decide its label: the frame's words in its
    # clause if the name is ambiguous, else the name itself
    cause_spans: tuple[tuple[int, ...], ...]
    done: Done = field(default_factory=dict)  # interventions so far
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    noise: tuple[Noise, ...] = field(default=(), repr=False)

    def do(self, variable: str, value: Any, slot: int = 0) -> PlantedSentence:
        """The sentence under do(variable := value): all noise is kept.

        Variables are "C" (type that the frame of ``slot`` asks for; cue frames only),
        "S" (name in ``slot``, as (pool, name)), "N" (adverb), "H" (capitals, bool) or
        "ORDER" (whether an order frame's names change places). The last value counts.
        """
        pair = len(self.clauses[0]) == 2
        fixed = pair and slot in self.clauses[0]  # in an order frame
        fits = {"ORDER": pair, "C": not fixed, "S": True, "N": True, "H": True}
        if not fits.get(variable):
            choice = "C (not in an order frame), S, N, H or ORDER (only in one)"
            raise ValueError(f"variable is {variable!r}: choose {choice}")
        return solve(self.settings, self.noise, {**self.done, (variable, slot): value})


def planted(
    n: int,
    rng: np.random.Generator,
    *,
    rho: float = 0.95,
    order_share: float = 0.3,
    split: str = "train",
) -> list[PlantedSentence]:
    """Independent sentences with one to three names each.

    Args:
        n, rng: how many, source of all noise.
        rho: probability that the adverb follows the type of the first name, the
            spurious cue.
        order_share: probability of an order frame.
        split: "test" uses frames and names that training never shows (``taught``
            names excepted); ``rho=0`` as well takes the spurious cue away.
    """
    if not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n must be a whole number of at least 1, got {n!r}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}: give numpy.random.default_rng(seed)")
    for name, value in (("rho", rho), ("order_share", order_share)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be a probability in [0, 1], got {value!r}")
    settings = {"rho": rho, "order_share": order_share, "split": split}

    def draws(names: Sequence[str]) -> Noise:
        return dict(zip(names, rng.random(len(names)).tolist(), strict=True))

    every = [SENTENCE_NOISE, *[SLOT_NOISE] * 3]
    return [solve(settings, tuple(map(draws, every)), {}) for _ in range(n)]


def pick(options: Sequence, draw: float) -> Any:
    """The option that a uniform draw in [0, 1) falls on."""
    return options[int(draw * len(options))]


def solve(settings: Mapping, noise: tuple[Noise, ...], done: Done) -> PlantedSentence:
    """The sentence that follows from settings, noise and interventions.

    ``settings`` are rho, order_share and split; ``noise[0]`` the uniform draws of the
    sentence, ``noise[1 + i]`` those of slot i; ``done`` maps (variable, slot) to the
    value that replaces its mechanism, see `PlantedSentence.do`.
    """
    u, split = noise[0], settings["split"]
    genre = pick(GENRES, u["G"])
    head = (0, 1) if u["order"] < settings["order_share"] else (0,)
    clauses, rows, texts = list[tuple[int, ...]]([head]), [], []
    if u["second"] < SECOND_CLAUSE:
        clauses.append((len(head),))
    drawn: set[str] = set()  # names drawn, whatever an intervention puts there
    for clause in clauses:
        first = noise[1 + clause[0]]
        types = _types(clause, noise, genre)
        ambiguous = first["A"] < AMBIGUOUS
        conflicting = not ambiguous and first["C_keep"] < CONFLICT
        if len(clause) == 2:
            asked = pick(_PAIRS, first["C"]) if conflicting else types
            options = frames(split).order[asked]
            if done.get(("ORDER", 0)):  # the names change places, not the frame
                asked = asked[::-1]
        else:
            own = pick(TYPES, first["C"]) if conflicting else types[0]
            asked = (done.get(("C", clause[0]), own),)
            options = frames(split).cue[asked[0], genre]
        texts.append(pick(options, first["K"]))
        for slot, kind, cue in zip(clause, types, asked, strict=True):
            place = int(first["K"] * len(options))
            row = {"Y": kind, "A": ambiguous, "C": cue, "K": place}
            name = invent(kind, ambiguous, noise[1 + slot], split, drawn)
            drawn |= set(name.split())
            chosen = done.get(("S", slot))
            row["pool"], row["S"] = chosen or ("AMB" if ambiguous else kind, name)
            row["L"] = cue if row["pool"] == "AMB" else row["pool"]
            rows.append(row)
    follows = u["N_keep"] < settings["rho"]
    adverb = ADVERBS[rows[0]["Y"] if follows else pick(TYPES, u["N_word"])]
    whole = {"G": genre, "E": pick(ENDINGS, u["E"])}
    whole["N"] = done.get(("N", 0), adverb)
    whole["H"] = done.get(("H", 0), u["H"] < CAPITALS)
    rows = [row | whole for row in rows]
    if done.get(("ORDER", 0)):
        clauses[0] = (1, 0)
    words, slots, frame_words = _written(rows, texts, clauses, u["link"])
    tags = ["O"] * len(words)
    for row, (start, stop) in zip(rows, slots, strict=True):
        tags[start:stop] = [f"{'BI'[i > start]}-{row['L']}" for i in range(start, stop)]
    pools = tuple(row["pool"] for row in rows)
    sentence = Sentence(words, tuple(tags), topic=genre, ambiguous="AMB" in pools)
    variables = {k: tuple(row[k] for row in rows) for k in VARIABLES}
    causes = tuple(
        frame_words[i] if pools[i] == "AMB" else tuple(range(*span))
        for i, span in enumerate(slots)
    )
    return PlantedSentence(
        sentence, variables, pools, tuple(clauses), slots, causes, done, settings, noise
    )


def _types(clause: tuple, noise: tuple[Noise, ...], genre: str) -> tuple[str, ...]:
    """Intended types Y of a clause; those of an order frame differ."""
    weights: dict[str, float] = dict(zip(TYPES, TYPE_GIVEN_GENRE[genre], strict=True))
    types: list[str] = []
    for slot in clause:
        left = [t for t in TYPES if t not in types]
        mark = noise[1 + slot]["Y"] * sum(weights[t] for t in left)
        edges = np.cumsum([weights[t] for t in left])
        place = int(np.searchsorted(edges, mark, "right"))
        types.append(left[min(place, len(left) - 1)])
    return tuple(types)


def _written(rows: list, texts: list, clauses: list, link: float) -> tuple:
    """Words; per slot, the span of its name and the words of its frame."""
    words, slots, frame_words = [], {}, dict[int, tuple[int, ...]]()
    for c, (text, clause) in enumerate(zip(texts, clauses, strict=True)):
        if c:
            words += pick(LINKS, link).split()
        own: list[int] = []
        for token in text.split():
            start = len(words)
            if token.startswith("{"):
                slot = clause[int(token[1])]
                words += rows[slot]["S"].split()
                slots[slot] = (start, len(words))
            else:
                words.append(token)
                own.append(start)
        frame_words |= dict.fromkeys(clause, tuple(own))
        if not c:
            words.append(rows[0]["N"])
    words += [",", *rows[0]["E"].split()] if rows[0]["E"] else []
    words.append(".")
    words[0] = words[0][0].upper() + words[0][1:]
    if rows[0]["H"]:
        words = [w.upper() for w in words]
    spans = tuple(slots[i] for i in range(len(rows)))
    return tuple(words), spans, frame_words
