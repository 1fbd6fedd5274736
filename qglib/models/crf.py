"""A linear-chain conditional random field on the logits of any head.

The score of a sequence of tags is the sum of its logits and of a learnt number for
every pair of neighbours (Lafferty, McCallum and Pereira, ICML 2001).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

IGNORED = -100  # number of a place that is no word
FORBIDDEN = -1e4  # score of a pair that IOB2 does not allow


def allowed(labels: Sequence[str]) -> np.ndarray:
    """Whether label b may follow label a in IOB2, (L + 1, L); last row: at the start.

    ``I-X`` follows only ``B-X`` or ``I-X``.
    """
    inside = np.array([label.startswith("I-") for label in labels])
    kind = np.array([label[2:] for label in labels])
    return np.vstack([~inside | (kind[:, None] == kind), ~inside])


def cross_entropy(logits: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """Mean over the words; logits (..., L), gold (...) with -100 where none is."""
    return nn.functional.cross_entropy(
        logits.flatten(0, -2), gold.flatten(), ignore_index=IGNORED
    )


class CRF(nn.Module):
    """Negative log-likelihood of sequences of tags, and the marginals of words.

    Pairs that IOB2 forbids have no probability. A start inside an entity has some,
    because long sentences are read in windows.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        """All allowed pairs start alike."""
        super().__init__()
        self.pairs = nn.Parameter(torch.zeros(len(labels) + 1, len(labels)))
        fixed = np.where(allowed(labels), 0.0, FORBIDDEN)
        fixed[-1] = 0.0
        self.fixed = nn.Buffer(torch.tensor(fixed, dtype=torch.float32))

    def forward(self, logits: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
        """Mean over words of -log p(gold), logits (B, T, L), gold (B, T).

        Places with the number -100 are left out and their neighbours touch.
        """
        gold = gold[:, : logits.shape[1]]  # may be padded for longer sentences
        order = (gold == IGNORED).int().argsort(dim=1, stable=True)
        gold, lengths = gold.gather(1, order), (gold != IGNORED).sum(1)
        logits = logits.gather(1, order[..., None].expand_as(logits))
        real, numbers = gold != IGNORED, gold.clamp(min=0)
        pairs = self.pairs + self.fixed
        start = numbers.new_full((len(gold), 1), len(pairs) - 1)
        before = torch.cat([start, numbers[:, :-1]], dim=1)
        own = logits.gather(2, numbers[..., None])[..., 0] + pairs[before, numbers]
        score = (own * real).sum(1)
        found = (self.log_sum(logits, lengths) - score)[lengths > 0]
        return found.sum() / real.sum()

    def log_sum(self, logits: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Log of the summed exponential scores of all sequences, (B,)."""
        pairs = (self.pairs + self.fixed).to(logits.dtype)
        total = logits[:, 0] + pairs[-1]
        for place in range(1, logits.shape[1]):
            longer = (total[:, :, None] + pairs[:-1]).logsumexp(1) + logits[:, place]
            total = torch.where((place < lengths)[:, None], longer, total)
        return total.logsumexp(-1)

    def marginals(self, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Log-probability of every label given the whole sentence, each (n_words, L).

        Exact: the derivative of the log-sum by a logit is the marginal probability.
        """
        out = []
        for start in range(0, len(rows), 64):
            some = [torch.from_numpy(np.array(r, float)) for r in rows[start:][:64]]
            lengths = torch.tensor([len(r) for r in some])
            with torch.inference_mode(False), torch.enable_grad():
                logits = pad_sequence(some, True).to(self.fixed.device)
                logits.requires_grad_()
                total = self.log_sum(logits, lengths.to(logits.device)).sum()
                (found,) = torch.autograd.grad(total, logits)
            logs = found.clamp(min=1e-30).log().float().cpu().numpy()
            out += [r[:n] for r, n in zip(logs, lengths.tolist(), strict=True)]
        return out
