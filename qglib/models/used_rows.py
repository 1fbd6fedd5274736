"""Train only those rows of the word embedding that the training set reads.

MiniLM keeps half of its weights in the embedding table, and a corpus reads a small
part of it. AdamW moves the other rows by weight decay alone, because their gradients
and moments are zero: that needs one factor an epoch, not a pass over the table at
every step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class UsedRows:
    """The rows in training, as parameter ``used`` of the embedding module."""

    def __init__(self, table: nn.Embedding, rows: torch.Tensor) -> None:
        """``rows``: sorted numbers of the rows that are read."""
        self.table, self.rows, self.decay = table, rows, 1.0
        self.number = torch.full((len(table.weight),), -1, device=rows.device)
        self.number[rows] = torch.arange(len(rows), device=rows.device)
        self.padding = None
        if table.padding_idx is not None:
            self.padding = int(self.number[table.padding_idx])
        table.register_parameter("used", nn.Parameter(table.weight.detach()[rows]))

    def follow(self, optimiser: torch.optim.Optimizer) -> None:
        """Gather the weight decay that the other rows miss, step by step."""
        mine = next(
            group
            for group in optimiser.param_groups
            if any(p is self.table.used for p in group["params"])
        )

        def note(*_: Any) -> None:
            self.decay *= 1 - mine["lr"] * mine["weight_decay"]

        optimiser.register_step_post_hook(note)

    def write_back(self) -> None:
        """Trained rows into the table; the others take their weight decay."""
        with torch.no_grad():
            self.table.weight.mul_(self.decay)
            self.table.weight[self.rows] = self.table.used
        self.decay = 1.0

    def look_up(
        self, table: nn.Embedding, args: tuple, output: torch.Tensor
    ) -> torch.Tensor:
        """Forward hook: in training mode the output of the trained rows."""
        if not table.training:
            return output
        ids = self.number[args[0]]
        return nn.functional.embedding(ids, table.used, self.padding)

    def loaded(self, table: nn.Embedding, keys: Any) -> None:
        """After ``load_state_dict``: the rows of the table that was loaded."""
        own = [k for k in keys.missing_keys if k.rpartition(".")[2] == "used"]
        keys.missing_keys[:] = [k for k in keys.missing_keys if k not in own]
        self.decay = 1.0
        with torch.no_grad():
            table.used.copy_(table.weight[self.rows])


class _WholeTable:
    """Stands in where the table is frozen or no plain embedding."""

    def follow(self, optimiser: torch.optim.Optimizer) -> None:
        """Nothing to gather."""

    def write_back(self) -> None:
        """Nothing to write."""


@contextmanager
def used_rows(table: nn.Module, ids: Iterable[int]) -> Iterator[UsedRows | _WholeTable]:
    """Inside the block the rows ``ids`` of an embedding are trained, as ``used``.

    The state dict stays as it was; `UsedRows.write_back` brings the table up to date
    and is called at the end. Nothing changes where the table is frozen or no plain
    embedding.
    """
    plain = type(table) is nn.Embedding and table.max_norm is None
    if not plain or table.sparse or not table.weight.requires_grad:
        yield _WholeTable()
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


def _leave_out(table: nn.Embedding, state: dict, prefix: str, _: dict) -> None:
    del state[f"{prefix}used"]
