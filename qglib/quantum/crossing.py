"""Draw a layered graph with few crossings: the problem as a QUBO, and its rivals.

One binary variable for each pair of nodes of one layer says which stands first. Two
edges between neighbouring layers cross if their tails and heads stand in opposite
orders, x + y - 2 x y; three nodes of a layer that would stand in a circle cost a
penalty, which is quadratic too: x_ij x_jk + x_ik - x_ij x_ik - x_jk x_ik. The
smallest cost is the crossing number of the layered drawing (NP-hard in general).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qglib.quantum.layered_orders import Orders, barycentre_orders
from qglib.quantum.qaoa import qaoa

MAX_VARIABLES = 18


@dataclass(frozen=True)
class CrossingQubo:
    """Cost constant + linear . x + x . quadratic . x over binary x.

    Attributes:
        sizes: nodes of each layer.
        edges: (layer of the tail, place of the tail, place of the head).
        variables: (layer, i, j) with i < j; 1 means that i stands before j.
        constant, linear, quadratic: the cost; `quadratic` is strictly upper.
        penalty: cost of three nodes in a circle, above any number of crossings.
    """

    sizes: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]
    variables: tuple[tuple[int, int, int], ...]
    constant: float
    linear: np.ndarray
    quadratic: np.ndarray
    penalty: float

    def values(self) -> np.ndarray:
        """Cost of every bit string, first variable most significant: (2**n,)."""
        n = len(self.variables)
        bits = (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1
        bits = bits.astype(float)
        return (
            self.constant
            + bits @ self.linear
            + np.einsum("si,ij,sj->s", bits, self.quadratic, bits, optimize=True)
        )

    def orders(self, state: int) -> Orders:
        """Orders of the layers that a bit string stands for.

        Raises:
            ValueError: nodes in a circle, which is no order.
        """
        n = len(self.variables)
        before = [np.zeros(size, dtype=int) for size in self.sizes]
        for place, (layer, i, j) in enumerate(self.variables):
            first = state >> (n - 1 - place) & 1
            before[layer][j if first else i] += 1
        for layer, count in enumerate(before):
            if sorted(count.tolist()) != list(range(len(count))):
                raise ValueError(
                    f"state {state} puts nodes of layer {layer} in a circle: only "
                    "states of cost below the penalty are orders"
                )
        return tuple(tuple(np.argsort(count).tolist()) for count in before)


def crossing_qubo(
    sizes: Sequence[int], edges: Sequence[tuple[int, int, int]]
) -> CrossingQubo:
    """The QUBO of a layered graph.

    Raises:
        ValueError: an edge that leaves the layers, or more than 18 variables
            (``size (size - 1) / 2`` for each layer).
    """
    sizes, edges = tuple(sizes), tuple(dict.fromkeys(map(tuple, edges)))
    for layer, a, b in edges:
        if not (
            0 <= layer < len(sizes) - 1
            and 0 <= a < sizes[layer]
            and 0 <= b < sizes[layer + 1]
        ):
            raise ValueError(
                f"edge {(layer, a, b)} leaves the layers of sizes {sizes}: give (layer "
                "of the tail, place of the tail, place of the head one layer up)"
            )
    variables = tuple(
        (layer, i, j)
        for layer, size in enumerate(sizes)
        for i, j in combinations(range(size), 2)
    )
    n = len(variables)
    if not 1 <= n <= MAX_VARIABLES:
        raise ValueError(
            f"layers of sizes {sizes} make {n} variables: 1 to {MAX_VARIABLES} can be "
            "simulated; draw a smaller graph, or use barycentre_orders"
        )
    number = {variable: place for place, variable in enumerate(variables)}
    constant, linear, quadratic = 0.0, np.zeros(n), np.zeros((n, n))

    def variable(layer: int, i: int, j: int) -> tuple[int, bool]:
        return number[layer, min(i, j), max(i, j)], i > j

    pairs = 0
    for (layer, a, b), (other, c, d) in combinations(edges, 2):
        if layer != other or a == c or b == d:
            continue
        pairs += 1
        x, x_turned = variable(layer, a, c)
        y, y_turned = variable(layer + 1, b, d)
        # opposite orders; turning one of the two variables turns the outcome
        sign = -1.0 if x_turned != y_turned else 1.0
        constant += x_turned != y_turned
        linear[x] += sign
        linear[y] += sign
        quadratic[min(x, y), max(x, y)] -= 2 * sign
    penalty = pairs + 1.0
    for layer, size in enumerate(sizes):
        for i, j, k in combinations(range(size), 3):
            x, y, z = (number[layer, *pair] for pair in ((i, j), (j, k), (i, k)))
            linear[z] += penalty
            for u, v, sign in ((x, y, 1), (x, z, -1), (y, z, -1)):
                quadratic[min(u, v), max(u, v)] += sign * penalty
    return CrossingQubo(sizes, edges, variables, constant, linear, quadratic, penalty)


@dataclass(frozen=True)
class QuantumDrawing:
    """What QAOA makes of a layered drawing, beside its rivals.

    Attributes:
        orders: the best orders among the shots; ``None`` if no shot was an order.
        crossings: of these orders; ``None`` without them.
        success: probability that one shot is a best drawing.
        uniform: the same for a uniform bit string.
        feasible: probability that one shot is an order at all.
        expected: mean crossings of a shot that is an order.
        optimum: fewest crossings, over all bit strings.
        barycentre: crossings of the barycentre heuristic.
        qubits: number of variables.
    """

    orders: Orders | None
    crossings: int | None
    success: float
    uniform: float
    feasible: float
    expected: float
    optimum: int
    barycentre: int
    qubits: int


def draw_with_qaoa(
    sizes: Sequence[int],
    edges: Sequence[tuple[int, int, int]],
    rng: np.random.Generator,
    *,
    depth: int = 3,
    shots: int = 128,
    starts: int = 6,
) -> QuantumDrawing:
    """Minimise the crossings by QAOA (exact statevector) and take the best shot.

    A demonstration that checks itself against all bit strings: no speed-up.

    Raises:
        ValueError: as `crossing_qubo`; fewer than 1 shot.
    """
    if shots < 1:
        raise ValueError(f"shots={shots}: at least one")
    qubo = crossing_qubo(sizes, edges)
    values = qubo.values()
    result = qaoa(values, depth, rng, starts)
    chance = result.probabilities / result.probabilities.sum()
    ordered = values < qubo.penalty - 0.5
    drawn = rng.choice(len(values), shots, p=chance)
    drawn = drawn[ordered[drawn]]
    best = int(drawn[values[drawn].argmin()]) if len(drawn) else None
    feasible = float(chance[ordered].sum())
    return QuantumDrawing(
        orders=None if best is None else qubo.orders(best),
        crossings=None if best is None else round(values[best]),
        success=result.success,
        uniform=result.uniform,
        feasible=feasible,
        expected=float(chance[ordered] @ values[ordered]) / max(feasible, 1e-300),
        optimum=round(result.optimum),
        barycentre=barycentre_orders(sizes, edges)[1],
        qubits=len(qubo.variables),
    )
