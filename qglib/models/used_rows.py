"""Train only those rows of the word embedding that the training set reads.

MiniLM keeps half of its weights in the embedding table, and a corpus reads a small
part of it. AdamW moves the other rows by weight decay alone, because their gradients
and moments are zero: that needs one factor an epoch, not a pass over the table at
every step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


class UsedRows:
    """The rows in training, as parameter ``used`` of the embedding module."""

    def __init__(self, table: nn.Embedding, rows: torch.Tensor) -> None:
        """``rows``: sorted numbers of the rows that are read."""
        self.table, self.rows = table, rows
        self.number = torch.full((len(table.weight),), -1, device=rows.device)
        self.number[rows] = torch.arange(len(rows), device=rows.device)
        self.padding = None
        if table.padding_idx is not None:
            self.padding = int(self.number[table.padding_idx])
        table.register_parameter("used", nn.Parameter(table.weight.detach()[rows]))

    def write_back(self, decay: float = 1.0) -> None:
        """Trained rows into the table; the others are multiplied by ``decay``."""
        with torch.no_grad():
            self.table.weight.mul_(decay)
            self.table.weight[self.rows] = self.table.used

    def look_up(
        self, table: nn.Embedding, args: tuple, output: torch.Tensor
    ) -> torch.Tensor:
        """Forward hook: in training mode the output of the trained rows."""
        if not table.training:
            return output
        ids = self.number[args[0]]
        return nn.functional.embedding(ids, table.used, self.padding)

    def loaded(self, table: nn.Embedding, keys: object) -> None:
        """After ``load_state_dict``: the rows of the table that was loaded."""
        keys.missing_keys[:] = [k for k in keys.missing_keys if not _own(k)]
        with torch.no_grad():
            table.used.copy_(table.weight[self.rows])


def _own(key: str) -> bool:
    return key.rpartition(".")[2] == "used"


def _leave_out(table: nn.Embedding, state: dict, prefix: str, _: dict) -> None:
    del state[f"{prefix}used"]


@contextmanager
def used_rows(table: nn.Module, ids: Iterable[int]) -> Iterator[UsedRows | None]:
    """Inside the block the rows ``ids`` of an embedding are trained, as ``used``.

    The state dict stays as it was; `UsedRows.write_back` brings the table up to date
    and is called at the end. None, and nothing changed, where the table is frozen or
    no plain embedding.
    """
    plain = type(table) is nn.Embedding and table.max_norm is None
    if not plain or table.sparse or not table.weight.requires_grad:
        yield None
        return
    always = [] if table.padding_idx is None else [table.padding_idx]
    rows = torch.tensor(sorted({*ids, *always}), device=table.weight.device)
    table.weight.requires_grad_(False)
    used = UsedRows(table, rows)
    hooks = [
        table.register_forward_hook(used.look_up),
        table.register_state_dict_post_hook(_leave_out),
        table.register_load_state_dict_post_hook(used.loaded),
    ]
    try:
        yield used
    finally:
        used.write_back()
        for hook in hooks:
            hook.remove()
        del table.used
        table.weight.requires_grad_(True)
