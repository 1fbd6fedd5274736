"""How much each part of an input adds to one decision, and whether that is true.

All methods explain the value of the input minus its value with every part absent. For
a transformers model the value is a logit and the parts are words; for any other model
it is what ``predict`` gives, and the parts are those of the kind.

An attribution is faithful if taking away the parts it ranks first breaks the decision
soonest (deletion) and giving them back restores it soonest (insertion; ERASER 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from qglib.explain.decision import Decision, evaluation_mode
from qglib.explain.games import BATCH, exact_shapley, game_of, sampled_shapley

GRADIENTS = ("gradient_x_input", "integrated_gradients")
METHODS = (*GRADIENTS, "occlusion", "shapley", "shapley_sampled")


@dataclass(frozen=True)
class Attribution:
    """Signed contributions of the parts to one value."""

    parts: tuple[str, ...]  # names, for text the words
    scores: np.ndarray  # of each part in units of the value, float64, (parts,)
    method: str
    target: Any  # (word index, label) of a tagger, or the column of ``predict``
    full: float  # value of the input; a logit for transformers models
    empty: float  # with every part absent, a mean where a background is given
    stderr: np.ndarray | None = None  # of each score, for the sampled method only

    @property
    def completeness_gap(self) -> float:
        """Sum of the scores minus (full - empty); 0 for exact Shapley values."""
        return float(self.scores.sum() - (self.full - self.empty))


def attribute(
    model: Any,
    x: Any,
    target: Any,
    method: str = "shapley_sampled",
    *,
    kind: Any = None,
    background: Sequence[Any] = (),
    steps: int = 50,
    permutations: int = 64,
    rng: np.random.Generator | None = None,
) -> Attribution:
    """Contribution of each part of `x` to the value of `target`.

    What does not fit together is a ValueError, IndexError or TypeError.

    Args:
        model: (transformers model, tokenizer), a function from a list of inputs to
            an array (inputs, classes), or an object with such a ``predict_proba``.
        x: the input; for a (model, tokenizer) its words.
        target: (word index, label) of a token classifier, (None, label) of a text
            classifier, else the column of ``predict``.
        method: ``gradient_x_input`` (x - blank) . gradient at x, and
            ``integrated_gradients`` (Sundararajan et al. 2017), for transformers
            models, from a sentence of masks; for every model ``occlusion`` (value
            lost when one part is absent), ``shapley`` (exact, at most 12 parts) and
            ``shapley_sampled``.
        kind: ``"text"``, ``"image"``, ``"sound"``, ``"table"`` or ``"series"``, or an
            object with ``parts(x)`` and ``blank(x, keep, background)``; not needed
            for a (model, tokenizer).
        background: inputs from which absent parts are taken, one at a time; values
            are means over them. Empty: blanks. Not for a (model, tokenizer), where
            an absent word is a mask.
        steps: Gauss-Legendre points of integrated gradients.
        permutations, rng: orders drawn by ``shapley_sampled``, and their generator.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is unknown: use one of {METHODS}")
    if steps < 1:
        raise ValueError(f"steps={steps}: at least one")
    if method == "shapley_sampled" and rng is None:
        raise ValueError("shapley_sampled needs rng=numpy.random.Generator")
    game = game_of(model, x, target, kind=kind, background=background)
    if method in GRADIENTS and game.decision is None:
        raise ValueError(
            f"method={method!r} follows gradients from the blank sentence of a "
            "(transformers model, tokenizer): use 'occlusion', 'shapley' or "
            "'shapley_sampled' for other models"
        )
    n, stderr, worth = len(game.parts), None, dict[int, float]()

    def value(keep: np.ndarray) -> np.ndarray:
        out = np.asarray(game.value(keep), dtype=np.float64)
        worth.update(zip(keep.sum(1).tolist(), out, strict=False))  # by parts kept
        return out

    if "shapley" not in method:  # those ask for both ends
        value(np.array([np.zeros(n, bool), np.ones(n, bool)]))
    if method == "occlusion":
        scores = worth[n] - game.value(~np.eye(n, dtype=bool))
    elif method == "shapley":
        scores = exact_shapley(value, n)
    elif method == "shapley_sampled" and rng is not None:
        scores, stderr = sampled_shapley(value, n, permutations, rng)
    else:
        points, weights = np.ones(1), np.ones(1)  # at x alone
        if method == "integrated_gradients":
            points, weights = np.polynomial.legendre.leggauss(steps)
            points, weights = (points + 1) / 2, weights / 2
        scores = _along_line(cast(Decision, game.decision), points, weights)
    full, empty = float(worth[n]), float(worth[0])
    return Attribution(game.parts, scores, method, game.target, full, empty, stderr)


def _along_line(this: Decision, points, weights) -> np.ndarray:
    """(x - blank) . mean gradient at points of the line from blank (0) to x (1)."""
    blank = this.without_words(np.zeros((1, len(this.words)), bool))
    table = this.model.get_input_embeddings()
    start, end = (table(ids["input_ids"]).detach() for ids in (blank, this.inputs))
    mean = torch.zeros_like(end[0])
    for at in np.array_split(np.arange(len(points)), -(-len(points) // BATCH)):
        share, weight = (torch.as_tensor(v[at]).to(end) for v in (points, weights))
        rows = (start + share[:, None, None] * (end - start)).requires_grad_()
        with (
            evaluation_mode(this.model),
            table.register_forward_hook(lambda module, args, out, rows=rows: rows),
            torch.enable_grad(),
        ):
            logits = this.read(this.model(**this.repeated(len(at))).logits)
            (gradient,) = torch.autograd.grad(logits.sum(), rows)
        mean += torch.einsum("r,rtd->td", weight, gradient)
    tokens = ((end - start)[0] * mean).double().sum(-1).cpu().numpy()
    words = range(len(this.words))
    return np.array([tokens[[k == w for k in this.word_of]].sum() for w in words])


@dataclass(frozen=True)
class FaithfulnessCurve:
    """Probability of the label while parts go or come in order of their score."""

    fraction: np.ndarray  # of the parts deleted or inserted, 0 to 1, shape (n+1,)
    deletion: np.ndarray  # probability after deleting it, highest scores first
    insertion: np.ndarray  # probability after inserting it into the blank input

    @property
    def gain(self) -> float:
        """Area under insertion minus area under deletion; 0 for a random order."""
        return float(np.trapezoid(self.insertion - self.deletion, self.fraction))


def faithfulness(
    model: Any,
    x: Any,
    target: Any,
    scores: np.ndarray,
    *,
    kind: Any = None,
    background: Sequence[Any] = (),
) -> FaithfulnessCurve:
    """Deletion and insertion curve of one attribution.

    A deleted word stands as the unknown token, where `attribute` takes the mask: a test
    that blanks parts the way the method did favours the method, so give another
    `background` than the attribution had. A random order has gain 0 on average; ask
    for it, and for a plain rule such as nearness, beside it.

    Args:
        model, x, target, kind, background: as for `qglib.explain.attribute`.
        scores: signed, finite score of each part, shape (parts,), else a ValueError;
            the highest goes first.
    """
    options = {"kind": kind, "background": background}
    game = game_of(model, x, target, **options, baseline="unk", probability=True)
    n = len(game.parts)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (n,) or not np.isfinite(scores).all():
        raise ValueError(
            f"scores has shape {scores.shape} for {n} parts: give one finite number "
            "for each"
        )
    rank = np.empty(n, dtype=int)
    rank[np.argsort(-scores, kind="stable")] = np.arange(n)
    inserted = rank[None, :] < np.arange(n + 1)[:, None]
    both = np.concatenate([~inserted, inserted[1:-1]])  # the ends coincide
    probability = game.value(both)
    deletion, inner = probability[: n + 1], probability[n + 1 :]
    return FaithfulnessCurve(
        fraction=np.linspace(0, 1, n + 1),
        deletion=deletion,
        insertion=np.concatenate([deletion[-1:], inner, deletion[:1]]),
    )
