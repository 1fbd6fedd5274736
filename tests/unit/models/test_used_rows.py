"""Rows of the embedding that the training set never reads need no optimiser."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from qglib.data import Sentence
from qglib.models import build_tagger, train_tagger
from qglib.models import fine_tuning as module
from qglib.models.used_rows import _WholeTable, used_rows

TRAIN = [
    Sentence(("said", "Anna", "bank"), ("O", "B-PER", "O")),
    Sentence(("to", "Paris"), ("O", "B-LOC")),
    Sentence(("met", "Bo", "the", "bank"), ("O", "B-PER", "O", "O")),
]
OPTIONS = {
    "epochs": 3, "rate": 1e-2, "weight_decay": 0.3, "batch_size": 2,
    "progress": False, "precision": "fp32",
}  # fmt: skip


def trained(tiny_encoder):
    model, tokenizer = build_tagger(
        tiny_encoder, types=("LOC", "PER"), head="linear", hidden_layers=(1, 2)
    )
    start = model.get_input_embeddings().weight.detach().clone()
    train_tagger(model, tokenizer, TRAIN, [], **OPTIONS)
    return model, start


def test_weights_are_those_of_the_whole_table(tiny_encoder, monkeypatch) -> None:
    fast, start = trained(tiny_encoder)
    monkeypatch.setattr(
        module, "used_rows", lambda table, ids: nullcontext(_WholeTable())
    )
    slow, _ = trained(tiny_encoder)
    one, two = fast.state_dict(), slow.state_dict()
    assert one.keys() == two.keys()
    for name, weight in one.items():
        torch.testing.assert_close(weight, two[name], atol=2e-5, rtol=1e-4)
    moved = fast.get_input_embeddings().weight / start
    assert (moved < 0.999).any()  # unread rows decay
    assert fast.get_input_embeddings().weight.requires_grad
    assert not [n for n, _ in fast.named_parameters() if n.endswith("used")]


def test_gradients_of_the_rows_and_of_the_padding() -> None:
    table = nn.Embedding(9, 4, padding_idx=1).train()
    ids = torch.tensor([[3, 7, 1], [7, 7, 1]])
    weight = torch.randn(2, 3, 4)
    (table(ids) * weight).sum().backward()
    wanted = table.weight.grad.clone()
    before = table.weight.detach().clone()
    with used_rows(table, [3, 7]) as used:
        assert used.rows.tolist() == [1, 3, 7]
        assert torch.equal(table(ids), before[ids])
        (table(ids) * weight).sum().backward()
        torch.testing.assert_close(table.used.grad, wanted[used.rows])
        with torch.no_grad():
            table.used += 1
        assert table.state_dict().keys() == {"weight"}
        table.eval()
        assert torch.equal(table(ids), before[ids])  # not written back yet
        used.decay = 0.5
        used.write_back()
        assert torch.equal(table(ids), before[ids] + 1)
    assert torch.equal(table.weight[0], before[0] / 2)
    assert table.weight.requires_grad


def test_loading_inside_reads_the_rows_again() -> None:
    table, other = nn.Embedding(5, 2), nn.Embedding(5, 2)
    with used_rows(table, [2, 4]) as used:
        table.load_state_dict(other.state_dict())
        assert torch.equal(table.used, other.weight[used.rows])
    assert torch.equal(table.weight, other.weight)


@pytest.mark.parametrize("kind", ["frozen", "sparse", "bounded"])
def test_other_tables_are_left_alone(kind) -> None:
    options = {"sparse": {"sparse": True}, "bounded": {"max_norm": 1.0}}.get(kind, {})
    table = nn.Embedding(5, 2, **options)
    table.weight.requires_grad_(kind != "frozen")
    with used_rows(table, [1]) as used:
        assert isinstance(used, _WholeTable)
        assert [n for n, _ in table.named_parameters()] == ["weight"]
    assert table.weight.requires_grad == (kind != "frozen")
