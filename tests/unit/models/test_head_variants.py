"""Variants of the quantum head do what their names say."""

from __future__ import annotations

import pytest
import torch

from qglib import run
from qglib.data import Sentence
from qglib.models import build_tagger, frozen_features
from qglib.models.head_variants import CLASSICAL, VARIANTS, ResidualHead, train_variant

WIDTH, LABELS = 777, 9  # of the recorded ablation


def circuit_of(name):
    head = VARIANTS[name](6, 3)
    return head.quantum.circuit if isinstance(head, ResidualHead) else head.circuit


def test_the_record_holds_every_variant_at_its_size() -> None:
    rows = run.recorded("head_ablation")["summary"]
    recorded = {row["head"]: row["parameters"] for row in rows}
    built = {
        name: sum(p.numel() for p in build(WIDTH, LABELS).parameters())
        for name, build in VARIANTS.items()
    }
    assert recorded == built
    assert set(CLASSICAL) < set(VARIANTS)


def test_without_entanglement_pairs_say_nothing_new() -> None:
    """In a product state <Z_i Z_j> is <Z_i> <Z_j>; with the ring it is not."""
    torch.manual_seed(1)
    x = torch.randn(5, 8)
    for name, product in (("no entanglement", True), ("uniform angles", False)):
        circuit = circuit_of(name)
        with torch.no_grad():
            circuit.weights.uniform_(-3, 3)
            found = circuit(x)
        single, pairs = found[:, :8], found[:, 8:]
        same = torch.allclose(pairs, single * single.roll(-1, 1), atol=1e-5)
        assert same is product, name


@pytest.mark.parametrize(
    ("name", "outputs"), [("<Z> only", 8), ("quantum", 16), ("X, Y, Z read", 32)]
)
def test_read_outs(name, outputs) -> None:
    assert circuit_of(name)(torch.zeros(2, 8)).shape == (2, outputs)


def test_one_upload_repeats_after_a_turn_as_two_do_not() -> None:
    """Every input enters once: a Fourier series of degree 1 (Schuld et al. 2021)."""
    grid = 2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16
    x = torch.zeros(16, 8, dtype=torch.float64)
    x[:, 0] = grid
    degrees = {}
    for name in ("no re-uploading", "uniform angles"):
        circuit = circuit_of(name).double()
        with torch.no_grad():
            circuit.weights.uniform_(-3, 3)
            spectrum = torch.fft.rfft(circuit(x), dim=0).abs().amax(1)
        degrees[name] = int((spectrum > 1e-9).nonzero().max())
    assert degrees == {"no re-uploading": 1, "uniform angles": 3}


def test_an_untrained_circuit_stays_as_it_was_drawn(encoder_dir) -> None:
    sentences = [
        Sentence((name, "sings"), (tag, "O"))
        for name, tag in (("Anna", "B-PER"), ("Paris", "B-LOC")) * 6
    ]
    model, tokenizer = build_tagger(encoder_dir, ("LOC", "PER"), "linear")
    features = frozen_features(model, tokenizer, [s.words for s in sentences])
    tags = [s.tags for s in sentences]
    options = {"rate": 1e-2, "seed": 3, "epochs": 2}
    scores, moved = {}, {}
    for name in ("untrained circuit", "uniform angles"):
        scores[name] = train_variant(
            model, VARIANTS[name], features, tags, (features, tags), **options
        )
        torch.manual_seed(3)
        start = VARIANTS[name](len(model.feature_mean), 5)
        gap = model.head.circuit.weights - start.circuit.weights
        moved[name] = float(gap.detach().abs().max())
        reduced = model.head.reduce.weight - start.reduce.weight
        assert reduced.abs().max() > 0, "the linear maps learn"
    assert moved["untrained circuit"] == 0.0
    assert moved["uniform angles"] > 1e-4
    assert all(0 <= f1 <= 1 for f1 in scores.values())
