"""The loop on inputs computed once, or read batch by batch."""

from __future__ import annotations

import pytest
import torch

from qglib.models.fitting import fit, head_groups
from qglib.models.heads import build_head

X = torch.randn(120, 5, generator=torch.Generator().manual_seed(1))
Y = (X[:, 0] > 0).long()


def head():
    torch.manual_seed(3)
    return build_head("mlp:6", 5, 2)


def test_rows_read_one_batch_at_a_time_give_the_same_weights() -> None:
    whole, read = head(), head()
    options = {"epochs": 4, "rate": 0.05, "batch_size": 16, "seed": 2}
    history = fit(whole, X, Y, **options)
    fit(read, lambda rows: X[rows], Y, **options)
    for a, b in zip(whole.parameters(), read.parameters(), strict=True):
        assert torch.equal(a, b)
    assert history["loss"].is_monotonic_decreasing
    assert (whole(X).argmax(1) == Y).float().mean() > 0.9
    assert not whole.training


def test_the_best_epoch_stays_and_a_report_may_stop() -> None:
    scores, states = iter([0.1, 0.8, 0.3]), []
    trained = head()

    def score():
        states.append(trained[0].weight.clone())
        return next(scores)

    history = fit(trained, X, Y, epochs=3, rate=0.05, seed=0, score=score)
    assert torch.equal(trained[0].weight, states[1])
    assert history.attrs["best_epoch"] == 2

    def report(epoch, value):
        raise KeyboardInterrupt(f"epoch {epoch}")

    with pytest.raises(KeyboardInterrupt, match="epoch 1"):
        fit(head(), X, Y, epochs=3, rate=0.05, report=report)


def test_narrow_heads_have_one_rate_and_wide_ones_two() -> None:
    rates = {g["lr"] for g in head_groups(build_head("linear", 5, 2), 0.01)}
    assert rates == {0.01}
    wide = head_groups(build_head("bottleneck", 200, 2), 0.01)
    assert [g["lr"] for g in wide] == [0.01, *[0.05] * 5]
    assert [g["weight_decay"] for g in wide] == [0.01, 0.0] * 3


def test_broken_settings_and_weights() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        fit(head(), X, Y, epochs=0, rate=0.1)
    broken = head()
    with torch.no_grad():
        broken[0].bias[0] = torch.nan
    with pytest.raises(ValueError, match="loss became nan in epoch 1"):
        fit(broken, X, Y, epochs=1, rate=0.1)


def test_of_equally_good_epochs_the_first_stays() -> None:
    scores = iter([0.1, 0.8, 0.8])
    history = fit(head(), X, Y, epochs=3, rate=0.05, score=lambda: next(scores))
    assert history.attrs["best_epoch"] == 2


def test_patience_ends_the_training_and_keeps_the_best() -> None:
    scores = iter([0.2, 0.5, 0.4, 0.5, 0.9])
    history = fit(
        head(), X, Y, epochs=5, rate=0.05, score=lambda: next(scores), patience=2
    )
    assert len(history) == 4
    assert history.attrs["best_epoch"] == 2
