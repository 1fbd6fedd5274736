"""A head's training that was interrupted goes on as if it had not been."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from qglib.models.fitting import fit
from qglib.models.heads import build_head

EPOCHS = 4


def data():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(90, 6, generator=generator)
    return x, (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 1).long()


def head_of(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return build_head(name, 6, 3, qubits=3, layers=2)


def train(head, **options):
    x, gold = data()

    def score():
        with torch.inference_mode():
            return float((head(x).argmax(1) == gold).double().mean())

    settings = {"epochs": EPOCHS, "rate": 0.01, "batch_size": 32, "seed": 3}
    return fit(head, x, gold, score=score, **{**settings, **options})


class Killed(Exception):
    pass


def dies_after(epoch):
    def report(done, value):
        if done == epoch:
            raise Killed

    return report


@pytest.mark.parametrize("name", ["mlp", "quantum"])
@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_resumed_in_any_epoch_it_ends_at_the_same_weights(name, epoch, tmp_path):
    whole = head_of(name)
    expected = train(whole)
    broken = head_of(name)
    with pytest.raises(Killed):
        train(broken, checkpoint=tmp_path, report=dies_after(epoch))
    assert not {f.suffix for f in tmp_path.rglob("*.*")} & {".pt", ".pkl"}
    resumed = head_of(name)
    history = train(resumed, checkpoint=tmp_path)
    columns = ["epoch", "loss", "score"]
    pd.testing.assert_frame_equal(history[columns], expected[columns])
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_of_another_run_is_refused_or_begun_anew(tmp_path):
    train(head_of("mlp"), checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"another run \(rate was 0.01, is 0.02\)"):
        train(head_of("mlp"), checkpoint=tmp_path, rate=0.02)
    fresh, anew = head_of("mlp"), head_of("mlp")
    expected = train(fresh, rate=0.02)
    history = train(anew, checkpoint=tmp_path, rate=0.02, stale="restart")
    assert history["loss"].tolist() == expected["loss"].tolist()


def test_a_loss_that_is_not_finite_names_the_rate(tmp_path):
    x, gold = data()
    head = head_of("mlp")
    with torch.no_grad():
        head[0].weight.fill_(float("inf"))
    with pytest.raises(ValueError, match=r"loss became nan in epoch 1: lower rate"):
        fit(head, x, gold, epochs=1, rate=0.01)
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        fit(head, x, gold, epochs=0, rate=0.01)
