"""Padded batches of windows of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from qglib.models.windows import Window


def collate(
    batch: Sequence[Window], pad_id: int, device: torch.device | str = "cpu"
) -> dict[str, torch.Tensor]:
    """Pad windows on the right to the longest: ids, attention mask, shapes."""
    width = max(len(w.ids) for w in batch)
    ids = torch.full((len(batch), width), pad_id, dtype=torch.long)
    shapes = torch.zeros((len(batch), width), dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for row, w in enumerate(batch):
        ids[row, : len(w.ids)] = torch.tensor(w.ids)
        shapes[row, : len(w.ids)] = torch.tensor(w.shapes)
        mask[row, : len(w.ids)] = 1
    out = {"input_ids": ids, "attention_mask": mask, "token_type_ids": shapes}
    return {k: v.to(device) for k, v in out.items()}


def kept_positions(batch: Sequence[Window]) -> tuple[torch.Tensor, torch.Tensor]:
    """Row and column of every kept first sub-word, window by window."""
    rows = [row for row, w in enumerate(batch) for _ in w.first]
    columns = [k for w in batch for k in w.first]
    return torch.tensor(rows), torch.tensor(columns)


def length_batches(
    lengths: Sequence[int],
    batch_size: int,
    rng: np.random.Generator | None = None,
    pool: int = 50,
) -> Iterator[list[int]]:
    """Index batches of similar length, every index once.

    Without ``rng`` (inference) longest first; with it (training) indices are
    shuffled, sorted within pools of ``pool`` batches (fewer on small sets, so
    that batches differ between epochs), and the batches shuffled again.
    """
    lengths = np.asarray(lengths)
    if rng is None:
        order = np.argsort(-lengths, kind="stable")
        for start in range(0, len(order), batch_size):
            yield order[start : start + batch_size].tolist()
        return
    order = rng.permutation(len(lengths))
    n_batches = -(-len(lengths) // batch_size)
    size = batch_size * max(1, min(pool, -(-n_batches // 4)))
    batches = []
    for start in range(0, len(order), size):
        chunk = order[start : start + size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches += [chunk[k : k + batch_size] for k in range(0, len(chunk), batch_size)]
    for k in rng.permutation(len(batches)):
        yield batches[k].tolist()
