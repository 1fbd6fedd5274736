"""Heads that stand on features, one row at a time: a word, a text, an image."""

import math
from typing import Any

import torch
from torch import nn

from qglib import devices

HEADS = ("linear", "mlp", "bottleneck", "quantum")
SAME_SIZE = "mlp_same_size"
LARGEST = 1000  # layers of a circuit, or qubits: half a minute until its first answer


class Angles(nn.Tanh):
    """Numbers to rotation angles in radians; by pi the circuit sees one period."""

    reach = math.pi

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """``reach * tanh(input)``."""
        return self.reach * torch.tanh(input)


class QuantumTokenHead(nn.Sequential):
    """Linear to ``qubits`` angles, a variational circuit on them, linear to labels.

    From ``(..., n_inputs)`` to ``(..., n_labels)``, see `build_head`. ``spread`` is the
    deviation of the first circuit angles in radians (0: uniform over the circle),
    ``gain`` a factor on the first weights of the linear map into the circuit; what they
    are worth: notebook 21. ``backend``: see `qglib.quantum.QuantumHead`.
    """

    def __init__(
        self,
        n_inputs: int,
        n_labels: int,
        qubits: int,
        layers: int,
        device: Any = None,
        *,
        spread: float = 0.1,
        gain: float = 0.3,
        reach: float = math.pi,
        backend: str = "auto",
    ) -> None:
        """Build the head; torch's generator in force draws its weights."""
        from qglib.quantum import QuantumHead, circuits  # slow; other heads need none

        super().__init__()
        if device is None:
            device = devices.build("default.qubit", qubits)
        qnode, shapes, n_outputs = circuits.reuploading(device, qubits, layers)
        self.reduce = nn.Linear(n_inputs, qubits)
        self.angles = Angles()
        self.angles.reach = reach
        self.circuit = QuantumHead(qnode, shapes, backend=backend)
        self.read_out = nn.Linear(n_outputs, n_labels)
        # Starts near the identity and in the linear range of tanh: random angles
        # all over the circle leave little gradient (Grant et al., Quantum 3, 214).
        with torch.no_grad():
            self.reduce.weight.mul_(gain)
            if spread:
                for weight in self.circuit.parameters():
                    weight.normal_(0.0, spread)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits; under torch.export and torch.compile by real torch operations."""
        if not torch.compiler.is_compiling():
            return super().forward(input)
        angles, weights = self.angles(self.reduce(input)), self.circuit.named_weights()
        found = real_circuit(angles.float(), weights["weights"].float())
        return self.read_out(found.to(input.dtype))


def real_circuit(angles: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """`qglib.quantum.circuits.reuploading` without complex numbers, for ONNX.

    From angles (..., n) and weights (layers, n, 3) to outputs (..., n_outputs).
    """
    from qglib.quantum.circuits import ring

    n, x = weights.shape[1], angles.reshape(-1, weights.shape[1], 1, 1)
    sign = torch.tensor([1.0, -1.0], dtype=x.dtype, device=x.device)
    sides = [(2**wire, 2, 2 ** (n - 1 - wire)) for wire in range(n)]
    z = [sign[:, None].expand(*side).flatten() for side in sides]  # of basis states
    both = [z[a] * z[b] for a, b in ring(n)]
    # CZ turns the sign where both are 1, that is where z is -1
    flips = [1 - (1 - z[a]) * (1 - z[b]) / 2 for a, b in ring(n)]
    closing = torch.stack([torch.ones_like(z[0]), *flips]).prod(0)
    start = ((1 + torch.stack(z)) / 2).prod(0) * torch.ones_like(x[:, 0])
    state = torch.cat([start, torch.zeros_like(start)], 1)  # real, imaginary part

    for layer in weights:  # RY of the input, then RZ, RY, RZ
        for angle, phase in ((x.unbind(1), layer[:, 0]), (layer[:, 1], layer[:, 2])):
            for half, one, side in zip(angle, z, sides, strict=True):
                other = state.reshape(-1, 2, *side).flip(3).flatten(2)
                state = (half / 2).cos() * state - (half / 2).sin() * one * other
            half = (torch.stack(z, 1) @ phase) / 2
            other = state.flip(1) * sign[:, None]
            state = half.cos() * state + half.sin() * other
        state = state * closing
    out = state.square().sum(1) @ torch.stack([*z, *both], 1)
    return out.reshape(*angles.shape[:-1], n + len(both))


def head_kind(name: str) -> tuple[str, int]:
    """Kind and hidden units of a head's name: ``"mlp:64"`` is ``("mlp", 64)``."""
    kind, colon, units = name.partition(":")
    if kind not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}, got {name!r}")
    if not colon:
        return kind, 256
    if kind != "mlp" or not units.isdecimal() or not int(units):
        only = "only mlp takes a number of hidden units, as in 'mlp:64'"
        raise ValueError(f"head {name!r}: {only}; others take qubits")
    return kind, int(units)


def same_size_mlp(n_inputs: int, n_labels: int, qubits: int, layers: int) -> str:
    """The one-layer MLP with as many parameters as the quantum head, ``"mlp:h"``.

    >>> same_size_mlp(30, 2, 6, 3)
    'mlp:8'
    """
    outputs = 2 * qubits - (qubits < 3)  # each qubit, and the ring of pairs
    quantum = (n_inputs + 1) * qubits + 3 * layers * qubits + (outputs + 1) * n_labels
    return f"mlp:{max(1, round((quantum - n_labels) / (n_inputs + 1 + n_labels)))}"


def build_head(
    name: str,
    n_inputs: int,
    n_labels: int,
    *,
    qubits: int = 8,
    layers: int = 3,
    dropout: float = 0.1,
    reach: float = math.pi,
    device: Any = None,
) -> nn.Module:
    """A head ``(..., n_inputs) -> (..., n_labels)``.

    Args:
        name: "linear": dropout and one linear map. "mlp": 256 GELU units ("mlp:64":
            64), dropout at least .2. "bottleneck": tanh to ``qubits`` numbers, tanh
            to 16, linear, of about the size of "quantum": `QuantumTokenHead`.
        n_inputs, n_labels: width of a row, number of classes.
        qubits, layers: size of the circuit, and width of the bottleneck.
        dropout: before the last linear map of linear and mlp.
        reach: largest angle into the circuit, in radians.
        device: PennyLane device of the circuit, default.qubit if not given.
    """
    kind, hidden = head_kind(name)
    if not (1 <= qubits <= LARGEST and 1 <= layers <= LARGEST):
        raise ValueError(f"qubits {qubits}, layers {layers}: give each 1 to {LARGEST}")
    if not 0 < reach < math.inf or not 0 <= dropout < 1:
        raise ValueError(f"reach is {reach}, dropout {dropout}: give > 0, and 0 to < 1")
    if kind == "linear":
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(n_inputs, n_labels))
    if kind == "mlp":
        first, last = nn.Linear(n_inputs, hidden), nn.Linear(hidden, n_labels)
        return nn.Sequential(first, nn.GELU(), nn.Dropout(max(dropout, 0.2)), last)
    if kind == "bottleneck":
        first, second = nn.Linear(n_inputs, qubits), nn.Linear(qubits, 16)
        last = nn.Linear(16, n_labels)
        return nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), last)
    # from_pretrained builds on the meta device, where a circuit cannot be traced
    with torch.device("cpu"):
        return QuantumTokenHead(n_inputs, n_labels, qubits, layers, device, reach=reach)
