"""Quantum heads with one part changed, and the classical rival of each.

They answer which part of a head earns its score: the entanglement, the training of
the circuit, the re-uploading, the read-out, the scale of the inputs, or none of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import pennylane as qml
import torch
from torch import nn

from qglib.models.decoding import decode_all
from qglib.models.evaluation import Tags, entity_f1
from qglib.models.fitting import head_logits, train_head
from qglib.models.heads import QuantumTokenHead, build_head
from qglib.models.inference import WordFeatures
from qglib.models.tagger import TokenTagger
from qglib.quantum import circuits

QUBITS, LAYERS = 8, 3
Build = Callable[[int, int], nn.Module]
"""A head from the numbers of inputs and labels."""


def circuit_family(
    *, entangle: bool = True, upload: bool = True, read: str = "z+zz"
) -> Callable[..., Any]:
    """`qglib.quantum.circuits.reuploading` with one part changed.

    ``upload=False`` embeds once, in the first layer only; ``read`` is ``"z"``,
    ``"z+zz"`` (neighbours) or ``"xyz+zz"``.
    """

    def family(device: Any, qubits: int, layers: int) -> tuple[Any, dict, int]:
        pairs = circuits.ring(qubits)
        z = [qml.Z(w) for w in range(qubits)]
        zz = [qml.Z(a) @ qml.Z(b) for a, b in pairs]
        xy = [p(w) for p in (qml.X, qml.Y) for w in range(qubits)]
        observables = {"z": z, "z+zz": z + zz, "xyz+zz": z + xy + zz}[read]

        def circuit(inputs, weights):
            for layer in range(layers):
                if upload or layer == 0:
                    qml.AngleEmbedding(inputs, wires=range(qubits), rotation="Y")
                for wire in range(qubits):
                    qml.Rot(*weights[layer, wire], wires=wire)
                if entangle:
                    for pair in pairs:
                        qml.CZ(wires=pair)
            return [qml.expval(o) for o in observables]

        qnode = qml.QNode(circuit, device, interface="torch")
        return qnode, {"weights": (layers, qubits, 3)}, len(observables)

    return family


class ResidualHead(nn.Module):
    """Quantum head whose read-out sees the circuit's inputs as well."""

    def __init__(self, n_inputs: int, n_labels: int, **options: Any) -> None:
        """Build the head; ``options`` are those of `QuantumTokenHead`."""
        super().__init__()
        self.quantum = QuantumTokenHead(n_inputs, n_labels, QUBITS, LAYERS, **options)
        outputs = self.quantum.read_out.in_features
        self.quantum.read_out = nn.Linear(outputs + QUBITS, n_labels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(n, n_inputs)`` to ``(n, n_labels)``."""
        part = self.quantum
        reduced = part.reduce(features)
        seen = part.circuit(part.reach * torch.tanh(reduced))
        return part.read_out(torch.cat([seen, reduced], dim=-1))


class ResidualBottleneck(nn.Module):
    """The classical control of `ResidualHead`: 16 tanh units for the circuit."""

    def __init__(self, n_inputs: int, n_labels: int, units: int = 16) -> None:
        """Build the head; it starts as the quantum head does."""
        super().__init__()
        self.reduce = nn.Linear(n_inputs, QUBITS)
        self.hidden = nn.Linear(QUBITS, units)
        self.read_out = nn.Linear(units + QUBITS, n_labels)
        with torch.no_grad():
            self.reduce.weight.mul_(0.3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(n, n_inputs)`` to ``(n, n_labels)``."""
        reduced = self.reduce(features)
        seen = torch.tanh(self.hidden(torch.tanh(reduced)))
        return self.read_out(torch.cat([seen, reduced], dim=-1))


def low_rank(n: int, k: int) -> nn.Module:
    """What is left of the residual head without its circuit."""
    return nn.Sequential(nn.Linear(n, QUBITS), nn.Linear(QUBITS, k))


def quantum(family: Callable[..., Any] | None = None, **options: Any) -> Build:
    """Builder of a quantum head with some options changed."""
    return lambda n, k: QuantumTokenHead(
        n, k, QUBITS, LAYERS, circuit=family, **options
    )


def untrained(n: int, k: int) -> nn.Module:
    """Circuit with random angles that never learn; the linear maps do."""
    head = QuantumTokenHead(n, k, QUBITS, LAYERS, spread=0)
    head.circuit.requires_grad_(False)
    return head


def classical(name: str) -> Build:
    """Builder of a classical head."""
    return lambda n, k: build_head(name, n, k, qubits=QUBITS, layers=LAYERS)


HALF = math.pi / 2
VARIANTS: Mapping[str, Build] = {
    "bottleneck": classical("bottleneck"),
    "mlp:8": classical("mlp:8"),
    "linear": classical("linear"),
    "quantum": quantum(),
    "no entanglement": quantum(circuit_family(entangle=False)),
    "untrained circuit": untrained,
    "no re-uploading": quantum(circuit_family(upload=False)),
    "<Z> only": quantum(circuit_family(read="z")),
    "unscaled inputs": quantum(squash=False, reach=1.0, gain=1.0),
    "uniform angles": quantum(spread=0),
    "half reach": quantum(reach=HALF),
    "X, Y, Z read": quantum(circuit_family(read="xyz+zz")),
    "half reach, X, Y, Z read": quantum(circuit_family(read="xyz+zz"), reach=HALF),
    "low rank": low_rank,
    "residual bottleneck": ResidualBottleneck,
    "residual": lambda n, k: ResidualHead(n, k, reach=HALF),
}
"""Builders by the names of the recorded ablation, 8 qubits and 3 layers."""
CLASSICAL = ("bottleneck", "mlp:8", "linear", "low rank", "residual bottleneck")
"""Variants without a circuit."""


def train_variant(
    model: TokenTagger,
    build: Build,
    features: WordFeatures,
    tags: Sequence[Sequence[str]],
    dev: tuple[WordFeatures, Tags],
    *,
    rate: float,
    seed: int,
    epochs: int = 12,
) -> float:
    """Give a tagger a fresh head, train it on frozen features; best dev entity F1.

    Args:
        model: its head is replaced.
        build: makes the head, after torch was seeded.
        features: of the training sentences, with their ``tags``.
        dev: features and tags by which the best epoch is kept.
        rate: peak learning rate, see `qglib.models.train_head`.
        seed: of the head's weights and of the order of batches.
        epochs: passes over the training words.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model.head = build(len(model.feature_mean), len(model.config.labels))
    history = train_head(
        model, features, tags, dev, epochs=epochs, rate=rate, seed=seed
    )
    return float(history["dev_f1"].max())


def score_variants(
    names: Sequence[str],
    seeds: Sequence[int],
    model: TokenTagger,
    features: Mapping[str, WordFeatures],
    gold: Mapping[str, Tags],
    rates: Mapping[str, float],
    epochs: int = 12,
) -> pd.DataFrame:
    """Test entity F1 of variants, every one with the same seeds.

    Args:
        names: keys of `VARIANTS`.
        seeds: see `train_variant`.
        model: its head is replaced.
        features: keys train, dev and test, with the tags of ``gold``.
        gold: tags of the same sentences.
        rates: peak learning rate by name.
        epochs: passes over the training words.

    Returns:
        Columns head, seed, f1, dev_f1.
    """
    rows = []
    for name in names:
        for seed in seeds:
            best = train_variant(
                model,
                VARIANTS[name],
                features["train"],
                gold["train"],
                (features["dev"], gold["dev"]),
                rate=rates[name],
                seed=seed,
                epochs=epochs,
            )
            logits = head_logits(model, features["test"])
            tags = decode_all(logits, model.config.labels)
            rows.append((name, seed, entity_f1(gold["test"], tags), best))
    return pd.DataFrame(rows, columns=["head", "seed", "f1", "dev_f1"])
