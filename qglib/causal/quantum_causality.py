"""What quantum mechanics adds to causality, on quantum data only.

Three results with exact values: direct cause against common cause, the quantum
switch, and the game without a causal order. None of them applies to a table of
classical columns: such a table holds one measurement basis, no channel that could
be put in a superposition of orders, and no laboratory that could be opened.

Source: Ried et al., Nature Physics 11 (2015) 414; Fitzsimons, Jones & Vedral, Sci.
Rep. 5 (2015) 18281; Ebler, Salek & Chiribella, PRL 120 (2018) 120502; Oreshkov,
Costa & Brukner, Nat. Commun. 3 (2012) 1092.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import product

import numpy as np
import pandas as pd

__all__ = [
    "causal_witness",
    "channel_correlations",
    "depolarising_channel",
    "order_game",
    "process_matrix",
    "pseudo_density",
    "quantum_causality",
    "state_correlations",
    "switch_information",
]

_I, _X = np.eye(2, dtype=complex), np.array([[0, 1], [1, 0]], complex)
_Y, _Z = np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]).astype(complex)
PAULIS = (_I, _X, _Y, _Z)


def _product(*factors: np.ndarray) -> np.ndarray:
    return reduce(np.kron, factors)


def _channel(kraus: Sequence[np.ndarray], name: str = "kraus") -> list[np.ndarray]:
    operators = [np.asarray(k, complex) for k in kraus]
    if not operators or any(k.shape != (2, 2) for k in operators):
        raise ValueError(f"{name} must be a list of 2 x 2 matrices, one at least.")
    total = sum(k.conj().T @ k for k in operators)
    if not np.allclose(total, _I, atol=1e-9):  # also refuses NaN
        raise ValueError(
            f"{name} is no channel: the sum of K^dagger K must be the identity, got "
            f"{np.round(total, 6).tolist()}; rescale the operators."
        )
    return operators


def depolarising_channel(strength: float = 1.0) -> list[np.ndarray]:
    """Kraus operators of rho -> (1 - strength) rho + strength 1/2, four of (2, 2).

    Raises
    ------
    ValueError: a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be 0 to 1, got {strength}.")
    weights = [1 - 3 * strength / 4, *[strength / 4] * 3]
    return [math.sqrt(w) * pauli for w, pauli in zip(weights, PAULIS, strict=True)]


def state_correlations(state: np.ndarray) -> np.ndarray:
    """Pauli correlations (4, 4) of two qubits with a common cause: Tr rho s_i s_j.

    Raises
    ------
    ValueError: `state` is no density matrix of two qubits.
    """
    rho = np.asarray(state, complex)
    right = rho.shape == (4, 4) and np.allclose(rho, rho.conj().T, atol=1e-9)
    if not right or abs(np.trace(rho) - 1) > 1e-9 or np.linalg.eigvalsh(rho)[0] < -1e-9:
        raise ValueError(
            "state must be a density matrix (4, 4): Hermitian, positive, trace 1."
        )
    pairs = [np.trace(rho @ np.kron(a, b)).real for a, b in product(PAULIS, PAULIS)]
    return np.reshape(pairs, (4, 4))


def channel_correlations(kraus: Sequence[np.ndarray]) -> np.ndarray:
    """Pauli correlations (4, 4) of a qubit before and after a channel: direct cause.

    The input is maximally mixed; each projective measurement before the channel
    prepares what enters it, so entry (i, j) is Tr(s_j E(s_i)) / 2.

    Raises
    ------
    ValueError: `kraus` is no channel of one qubit.
    """
    operators = _channel(kraus)
    after = [sum(k @ a @ k.conj().T for k in operators) for a in PAULIS]
    return np.array([[np.trace(b @ out).real / 2 for b in PAULIS] for out in after])


def causal_witness(correlations: np.ndarray) -> float:
    """C = C_xx C_yy C_zz: -1 to 1/27 for common causes, -1/27 to 1 for direct ones.

    A value above 1/27 proves a direct cause, below -1/27 a common cause; between
    them neither is excluded (Ried et al. 2015).
    """
    return float(np.prod(np.diag(np.asarray(correlations, float))[1:]))


def pseudo_density(correlations: np.ndarray) -> np.ndarray:
    """R = sum C_ij s_i s_j / 4, complex (4, 4); a negative eigenvalue shows time.

    For a common cause R is the state itself; for the identity channel R = SWAP/2.
    """
    table = np.asarray(correlations, float)
    terms = product(range(4), range(4))
    return sum(table[i, j] * np.kron(PAULIS[i], PAULIS[j]) for i, j in terms) / 4


def _entropy(state: np.ndarray) -> float:
    values = np.linalg.eigvalsh(state)
    values = values[values > 1e-15]
    return float(-(values * np.log2(values)).sum())


def switch_information(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray]
) -> dict[str, float]:
    """Bits that |0> and |1>, equally likely, carry through two channels.

    Parameters
    ----------
    first, second: Kraus operators of qubit channels.

    Returns
    -------
    Holevo quantity through the quantum switch with the control in |+>
    (``switch``), and in the fixed order second after first (``fixed_order``). For
    two fully depolarising channels -3/8 - 5/8 log2(5/8) and 0.

    Raises
    ------
    ValueError: one of the two is no channel.
    """
    a, b = _channel(first, "first"), _channel(second, "second")
    up, down = np.diag([1.0, 0]), np.diag([0, 1.0])
    switch = [np.kron(q @ p, up) + np.kron(p @ q, down) for p in a for q in b]
    fixed = [q @ p for p in a for q in b]
    plus = np.full((2, 2), 0.5)

    def holevo(kraus: list, extra: np.ndarray) -> float:
        sent = [np.kron(basis, extra) for basis in (up, down)]
        got = [sum(k @ rho @ k.conj().T for k in kraus) for rho in sent]
        return _entropy(sum(got) / 2) - sum(map(_entropy, got)) / 2

    return {
        "switch": holevo(switch, plus),
        "fixed_order": holevo(fixed, np.eye(1)),
    }


def process_matrix(ordered: bool = False) -> np.ndarray:
    """Process W on Alice in, Alice out, Bob in, Bob out, complex (16, 16).

    1/4 [1 + (Z_A2 Z_B1 + Z_A1 X_B1 Z_B2) / sqrt 2] has no causal order; with
    `ordered` the process 1/4 [1 + Z_A2 Z_B1], a classical bit from Alice to Bob.
    """
    forward = _product(_I, _Z, _Z, _I)
    if ordered:
        return (np.eye(16) + forward) / 4
    return (np.eye(16) + (forward + _product(_Z, _I, _X, _Z)) / math.sqrt(2)) / 4


def order_game(process: np.ndarray) -> float:
    """Chance to win the guessing game of Oreshkov, Costa & Brukner, section 3.

    Alice holds bit a, Bob bits b and c; if c = 1 Bob must guess a, if c = 0 Alice
    must guess b. In any fixed or mixed order the chance is at most 3/4. Alice
    measures Z and sends a in Z; Bob for c = 1 measures Z, for c = 0 measures X and
    sends b plus his outcome in Z.

    Raises
    ------
    ValueError: `process` is not positive with trace 4.
    """
    w = np.asarray(process, complex)
    right = w.shape == (16, 16) and np.allclose(w, w.conj().T, atol=1e-9)
    if not right or abs(np.trace(w) - 4) > 1e-9 or np.linalg.eigvalsh(w)[0] < -1e-9:
        raise ValueError("process must be Hermitian (16, 16), positive, of trace 4.")

    def sign(bit: int, pauli: np.ndarray) -> np.ndarray:
        return (_I + (-1) ** bit * pauli) / 2

    won = 0.0
    for a, b, c, x, y in product((0, 1), repeat=5):
        if (y == a) if c else (x == b):
            alice = np.kron(sign(x, _Z), sign(a, _Z))
            sends = _I / 2 if c else sign(b ^ y, _Z)
            bob = np.kron(sign(y, _Z if c else _X), sends)
            won += np.trace(w @ np.kron(alice, bob)).real / 8
    return float(won)


def quantum_causality() -> pd.DataFrame:
    """The exact values in one table: ``value``, ``classical`` bound, ``exact`` form.

    Quantum data only: no row says anything about a classical table.
    """
    bell = np.zeros((4, 4))
    bell[np.ix_([0, 3], [0, 3])] = 0.5
    direct = channel_correlations([_I])
    noise = depolarising_channel()
    through = switch_information(noise, noise)
    bits = -3 / 8 - 5 / 8 * math.log2(5 / 8)
    rows = {
        "witness, direct cause (identity channel)": (
            causal_witness(direct),
            1 / 27,
            1.0,
        ),
        "witness, common cause (Bell state)": (
            causal_witness(state_correlations(bell)),
            -1 / 27,
            -1.0,
        ),
        "lowest eigenvalue in time (pseudo-density)": (
            float(np.linalg.eigvalsh(pseudo_density(direct))[0]),
            0.0,
            -0.5,
        ),
        "switch of two depolarising channels (bit)": (
            through["switch"],
            through["fixed_order"],
            bits,
        ),
        "game without causal order (chance)": (
            order_game(process_matrix()),
            order_game(process_matrix(ordered=True)),
            (2 + math.sqrt(2)) / 4,
        ),
    }
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["value", "classical", "exact"]
    )
