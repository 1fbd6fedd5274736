"""Following what torch does to inputs and weights inside a QNode.

The QNode runs once under a torch function mode. Each number of a tensor that comes from
inputs or weights is ``scale * slot``: a slot is an input, a weight, or a number that a
call computed. Moving and scaling numbers stays symbolic; any other call is kept and
made again for each batch, with torch's gradients. Nothing is guessed from values.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

_JOINS = frozenset("stack cat concatenate hstack vstack".split())
_MOVES = _JOINS | frozenset(
    "__getitem__ unbind reshape view flatten unflatten ravel squeeze unsqueeze clone "
    "contiguous permute transpose t movedim swapaxes flip roll split chunk select "
    "narrow expand repeat tile broadcast_to index_select atleast_1d atleast_2d".split()
)
_CASTS = frozenset("to as_tensor asarray double float cpu cuda type type_as".split())
_PRODUCTS = frozenset("mul multiply __mul__ __rmul__".split())
_QUOTIENTS = frozenset("div divide true_divide __truediv__".split())
_NEGATIVES = frozenset("neg negative __neg__".split())
# Calls whose answer is no tensor and does not hang on the numbers.
_SHAPES = frozenset(
    "shape ndim dtype device layout requires_grad is_leaf is_cuda dim size numel "
    "stride is_floating_point is_complex is_conj is_neg __len__ __hash__".split()
)
CONSTANT = -1  # slot that holds 1


class UnsupportedCircuit(ValueError):
    """The circuit is outside what batched simulation can express."""


@dataclass(frozen=True)
class _Value:
    """A followed tensor among the arguments of a kept call."""

    number: int


@dataclass(frozen=True)
class _Call:
    """A kept call and the numbers of the values it made."""

    func: Callable
    arguments: tuple[tuple, dict]
    grad: bool
    made: tuple[int, ...]
    single: bool


class Follower(TorchFunctionMode):
    """Follows one run: enter it, run, ask `find` about the tensors that came out."""

    def __init__(self, leaves: Sequence[torch.Tensor]) -> None:
        """Number inputs and weights in this order."""
        super().__init__()
        self.known: dict[int, tuple] = {}  # id: tensor (kept alive), value, companions
        self.calls: list[_Call] = []
        # first slot, size and value of every tensor with slots of its own
        self.sources: list[tuple[int, int, int]] = []
        # slots that are the product of two inputs or weights
        self.products: dict[int, tuple[int, int]] = {}
        self.values = self.slots = 0
        for leaf in leaves:
            self._adopt(leaf, None)
        self.leaf_slots = self.slots

    def find(self, number: Any) -> tuple[int, float]:
        """Slot and scale of one number."""
        if id(number) not in self.known:
            if getattr(number, "requires_grad", False):
                raise UnsupportedCircuit("an angle is trainable and no weight")
            return CONSTANT, float(number)
        slots, scales = self.known[id(number)][2]
        return int(slots.reshape(())), float(scales.reshape(()))

    def __torch_function__(self, func, types, args=(), kwargs=None) -> Any:
        """Make a call; keep it if a followed tensor is among the arguments."""
        kwargs = kwargs or {}
        leaves = tree_leaves((args, kwargs))
        followed = [leaf for leaf in leaves if id(leaf) in self.known]
        name = getattr(func, "__name__", "")
        if name == "__get__":
            name = getattr(func.__self__, "__name__", "")
        inplace = name.endswith("_") and not name.endswith("__")
        if followed and (inplace or name == "__setitem__" or "out" in kwargs):
            raise UnsupportedCircuit(f"inputs or weights are changed in place ({name})")
        out = func(*args, **kwargs)
        if not followed or name in _SHAPES or any(out is one for one in followed):
            return out
        single = not isinstance(out, tuple | list)
        made = (out,) if single else tuple(out)
        if not all(isinstance(one, torch.Tensor) for one in made):
            raise UnsupportedCircuit(f"inputs or weights leave torch ({name})")
        for leaf in leaves:
            if isinstance(leaf, torch.Tensor) and id(leaf) not in self.known:
                if leaf.requires_grad:
                    raise UnsupportedCircuit("an angle uses a tensor that trains")
        pairs = self._symbolic(func, name, args, kwargs, followed, made)
        first = self.values
        for one, pair in zip(made, pairs or [None] * len(made), strict=True):
            self._adopt(one, pair)
        kept = tree_map(self._place, (args, kwargs))
        numbers, grad = tuple(range(first, self.values)), torch.is_grad_enabled()
        self.calls.append(_Call(func, kept, grad, numbers, single))
        return out

    def _adopt(self, tensor: torch.Tensor, pair: tuple | None) -> None:
        """Follow a tensor; without companions it has slots of its own."""
        if pair is None:
            self.sources.append((self.slots, tensor.numel(), self.values))
            pair = self._fresh(tensor.shape)
        self.known[id(tensor)] = tensor, self.values, pair
        self.values += 1

    def _fresh(self, shape: torch.Size) -> tuple[torch.Tensor, torch.Tensor]:
        first, self.slots = self.slots, self.slots + shape.numel()
        slots = torch.arange(first, self.slots).reshape(shape)
        return slots, torch.ones(shape, dtype=torch.float64)

    def _place(self, leaf: Any) -> Any:
        return _Value(self.known[id(leaf)][1]) if id(leaf) in self.known else leaf

    def _symbolic(self, func, name, args, kwargs, followed, made) -> list | None:
        """Companions (slots, scales) of what a call made, or None to keep the call."""
        floats = (torch.float32, torch.float64)
        if not torch.is_grad_enabled() or any(
            one.dtype not in floats for one in (*followed, *made)
        ):
            return None
        slots, scales = self.known[id(followed[0])][2]
        if name in _CASTS:
            return [(slots, scales)]
        if name in _NEGATIVES:
            return [(slots, -scales)]
        if name in _MOVES:
            moved = []
            for which in (0, 1):
                parts = tree_map(
                    lambda leaf, k=which: self._companion(leaf, k, name in _JOINS),
                    (args, kwargs),
                )
                moved.append(func(*parts[0], **parts[1]))
            single = isinstance(moved[0], torch.Tensor)
            return [tuple(moved)] if single else list(zip(*moved, strict=True))
        if kwargs or len(args) != 2 or name not in _PRODUCTS | _QUOTIENTS:
            return None
        if len(followed) == 2:
            return self._product(*args) if name in _PRODUCTS else None
        other = args[1] if args[0] is followed[0] else args[0]
        if not isinstance(other, float | int | torch.Tensor):
            return None
        if name in _QUOTIENTS:
            scaled = scales / other if args[0] is followed[0] else None
        else:
            scaled = scales * other
        if scaled is None or scaled.is_complex():
            return None
        return [(slots.expand(scaled.shape), scaled.double())]

    def _companion(self, leaf: Any, which: int, join: bool) -> Any:
        """Slots (0) or scales (1) in place of a tensor."""
        if id(leaf) in self.known:
            return self.known[id(leaf)][2][which]
        if join and isinstance(leaf, torch.Tensor):
            return leaf.double() if which else torch.full(leaf.shape, CONSTANT)
        return leaf

    def _product(self, a: torch.Tensor, b: torch.Tensor) -> list | None:
        """Slots of the products of inputs and weights."""
        (left, one), (right, two) = self.known[id(a)][2], self.known[id(b)][2]
        both = torch.stack(torch.broadcast_tensors(left, right))
        if both.numel() and not 0 <= both.min() <= both.max() < self.leaf_slots:
            return None
        slots, ones = self._fresh(both.shape[1:])
        pairs = both.reshape(2, -1).t().tolist()
        self.products |= {
            slot: tuple(pair)
            for slot, pair in zip(slots.flatten().tolist(), pairs, strict=True)
        }
        return [(slots, one * two * ones)]


class Program:
    """What the kept calls compute for a batch: columns by sample, and shared numbers.

    Columns are the inputs, then products and computed numbers with an input in them;
    shared numbers are the weights, then those without.
    """

    def __init__(self, follower: Follower, n_inputs: int, used: Iterable[int]) -> None:
        """Keep what the used slots need."""
        used = {slot for slot in used if slot >= follower.leaf_slots}
        data = {0}
        for call in follower.calls:
            if {v.number for v in _values(call)} & data:
                data |= set(call.made)
        self.place = {slot: slot for slot in range(follower.leaf_slots)}
        self.place[CONSTANT] = CONSTANT
        ahead, behind = [*range(n_inputs)], [*range(n_inputs, follower.leaf_slots)]
        products = [slot for slot in follower.products if slot in used]
        self.pairs: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        for slot in products:
            pair = follower.products[slot]
            shared = min(pair) >= n_inputs
            self.pairs[shared].append(pair)
            (behind if shared else ahead).append(slot)
        self.wanted: tuple[list[int], list[int]] = ([], [])
        for first, size, value in follower.sources:
            slots = range(first, first + size)
            if used & set(slots):
                self.wanted[value not in data].append(value)
                (ahead if value in data else behind).extend(slots)
        self.n_columns, self.n_shared = len(ahead), len(behind)
        self.place |= {slot: k for k, slot in enumerate(ahead + behind)}
        self.calls = [self._needed(follower.calls, wanted) for wanted in self.wanted]
        self.trivial = not any((*self.pairs, *self.wanted))

    @staticmethod
    def _needed(calls: list[_Call], wanted: list[int]) -> list[_Call]:
        needed, kept = set(wanted), list[_Call]()
        for call in reversed(calls):
            if needed & set(call.made):
                needed |= {v.number for v in _values(call)}
                kept.insert(0, call)
        return kept

    def __call__(
        self, x: torch.Tensor, weights: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Columns (B, n_columns), and the shared numbers as tensors, weights first."""
        flat = torch.cat([x.new_zeros(0), *(w.flatten() for w in weights)])
        columns, shared = [x], [*weights]
        if self.pairs[1]:
            a, b = torch.tensor(self.pairs[1]).t() - x.shape[1]
            shared.append(flat[a] * flat[b])
        if self.pairs[0]:
            everything = torch.cat([x, flat.to(x.dtype).expand(len(x), -1)], 1)
            a, b = torch.tensor(self.pairs[0]).t()
            columns.append(everything[:, a] * everything[:, b])
        if self.wanted[1]:
            shared += self._evaluate(1, x, *weights)
        if self.wanted[0]:
            axes = 0, *(None for _ in weights)
            work = torch.vmap(lambda *values: self._evaluate(0, *values), axes)  # pyright: ignore[reportArgumentType]
            columns += [one.to(x.dtype) for one in work(x, *weights)]
        return torch.cat(columns, 1) if len(columns) > 1 else x, shared

    def _evaluate(self, which: int, *leaves: torch.Tensor) -> list[torch.Tensor]:
        """The wanted values of one sample, flat."""
        values, device = dict(enumerate(leaves)), leaves[0].device

        def fill(leaf):
            if isinstance(leaf, _Value):
                return values[leaf.number]
            return leaf.to(device) if isinstance(leaf, torch.Tensor) else leaf

        for call in self.calls[which]:
            args, kwargs = tree_map(fill, call.arguments)
            with torch.set_grad_enabled(call.grad and torch.is_grad_enabled()):
                out = call.func(*args, **kwargs)
            values.update(zip(call.made, (out,) if call.single else out, strict=True))
        return [values[k].flatten() for k in self.wanted[which]]


def _values(call: _Call) -> list[_Value]:
    return [v for v in tree_leaves(call.arguments) if isinstance(v, _Value)]
