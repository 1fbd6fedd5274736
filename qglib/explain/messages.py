"""What an edge of the decision graph carries, and its first-order effect."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from qglib.explain.encoder import Trace


def first_order_edges(
    clean: Trace, corrupt: Trace, slopes: Sequence[Trace], projection: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Head edges (L, B, H, T, T), skips (L, B, T) and read-out (L+1, B, T).

    `slopes` are the traces whose gradients are averaged; `projection` as
    `attention_projection` gives it.
    """
    gradient = sum(at.grad_sum for at in slopes) / len(slopes)
    wish = torch.einsum("lbtd,ldhk->lbthk", gradient, projection)
    sent = [
        side.attention * torch.einsum("lbshk,lbthk->lbhts", side.value, wish)
        for side in (clean, corrupt)
    ]
    change = clean.hidden - corrupt.hidden
    skips = (change[:-1] * gradient).sum(-1)
    direct = sum(at.grad_read for at in slopes) / len(slopes)
    # What is left of a gradient that cancels, beside a layer the head really reads.
    size = sum(at.grad_hidden.abs() for at in slopes).amax((1, 2, 3))
    seen = sum(at.grad_read.abs() for at in slopes).amax((1, 2, 3))
    direct = direct * (seen > 1e-4 * size)[:, None, None, None]
    return sent[0] - sent[1], skips, (change * direct).sum(-1)


def edge_changes(
    clean: Trace, corrupt: Trace, projection: torch.Tensor
) -> torch.Tensor:
    """Clean minus corrupt message of each edge, (L, T, T, D), of a batch of one.

    Destination before source; the skip is part of the edge to itself.
    """
    sent = [
        torch.einsum(
            "lhts,lshk,ldhk->ltsd", s.attention[:, 0], s.value[:, 0], projection
        )
        for s in (clean, corrupt)
    ]
    change = sent[0] - sent[1]
    here = torch.arange(change.shape[1])
    change[:, here, here] += (clean.hidden - corrupt.hidden)[:-1, 0]
    return change
