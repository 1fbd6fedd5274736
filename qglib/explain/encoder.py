"""Inside an encoder: hidden states, attention, gradients, and other states put in.

Activation patching, clean states put into the corrupt run, is the exact oracle behind
the decision graph and the test of a decision path.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from qglib.explain.decision import aligned_decisions, evaluation_mode

BATCH = 128  # patched rows in one call of the model


class Block(NamedTuple):
    """What is watched in one layer of an encoder."""

    layer: nn.Module
    attention: nn.Module  # its second output holds the weights
    value: nn.Linear  # linear map to the values of all heads
    out: nn.Linear  # linear map behind the heads
    norm: nn.Module  # LayerNorm behind the attention: its input is the sum
    heads: int


class Trace(NamedTuple):
    """One pass of a batch; layers L, batch B, sub-words T, heads H, widths K and D."""

    logit: torch.Tensor  # (B,)
    hidden: torch.Tensor  # (L+1, B, T, D), input of the first layer, then outputs
    attention: torch.Tensor  # (L, B, H, T, T), destination before source
    value: torch.Tensor  # (L, B, T, H, K)
    grad_sum: torch.Tensor  # (L, B, T, D), of the logit at the sum before the norm
    grad_read: torch.Tensor  # (L+1, B, T, D), what reaches the head directly


def encoder_blocks(model: nn.Module) -> tuple[Block, ...]:
    """The layers of the first encoder built like (Distil)BERT; ValueError if none."""
    for module in model.modules():
        stack = getattr(module, "encoder", getattr(module, "transformer", None))
        layers = getattr(stack, "layer", None)
        if isinstance(layers, nn.ModuleList) and hasattr(module, "embeddings"):
            try:
                return tuple(_block(layer) for layer in layers)
            except AttributeError:  # built in another way, such as DeBERTa
                continue
    raise ValueError(
        f"{type(model).__name__} has no BERT-type encoder (embeddings and "
        "encoder.layer[i].attention.self.value, or DistilBERT's): use a BERT, "
        "RoBERTa, ELECTRA or DistilBERT encoder, or explain with attribute(), which "
        "needs no attention"
    )


def _block(layer: Any) -> Block:
    part = layer.attention
    if hasattr(part, "out_lin"):  # DistilBERT
        norm = layer.sa_layer_norm
        return Block(layer, part, part.v_lin, part.out_lin, norm, part.n_heads)
    inner, out = part.self, part.output
    heads = inner.num_attention_heads
    return Block(layer, inner, inner.value, out.dense, out.LayerNorm, heads)


@contextmanager
def layer_inputs_changed(
    model: nn.Module, change: Callable[[int, torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Inside the block ``change(layer, hidden)`` replaces each layer's input.

    Layer number L stands for the output of the last layer. A head that reads an inner
    layer sees the changed state too.
    """

    def before(module, args):
        return (change(0, args[0]), *args[1:])

    def after(number, module, args, output):
        if isinstance(output, tuple):
            return (change(number, output[0]), *output[1:])
        return change(number, output)

    layers = [block.layer for block in encoder_blocks(model)]
    with ExitStack() as hooks:
        hooks.enter_context(layers[0].register_forward_pre_hook(before, prepend=True))
        for number, layer in enumerate(layers, start=1):
            hook = partial(after, number)
            hooks.enter_context(layer.register_forward_hook(hook, prepend=True))
        yield


def trace(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    read: Callable[[torch.Tensor], torch.Tensor],
    *,
    first: torch.Tensor | None = None,
) -> Trace:
    """Record a batch; ``read(logits)`` gives the logit of each row, shape (B,).

    ``first`` (B, T, D) replaces the input of the first layer. No padding is allowed:
    the decision graph takes every sub-word for a node.
    """
    blocks = encoder_blocks(model)
    given, cut = [], []  # output of a layer; a copy without past for what reads it
    attention, value, sums = [], [], []

    def keep(number: int, hidden: torch.Tensor) -> torch.Tensor:
        given.append(hidden if number or first is None else first)
        cut.append(given[-1].detach().requires_grad_())
        return cut[-1]

    with ExitStack() as hooks:
        for _, attend, values, _, norm, _ in blocks:
            for handle in (
                attend.register_forward_hook(lambda m, a, o: attention.append(o[1])),
                values.register_forward_hook(lambda m, a, out: value.append(out)),
                norm.register_forward_pre_hook(lambda m, args: sums.append(args[0])),
            ):
                hooks.enter_context(handle)
        config: Any = blocks[0].attention.config  # shared by all layers
        was = config._attn_implementation
        hooks.callback(setattr, config, "_attn_implementation", was)
        config._attn_implementation = "eager"  # or the weights stay hidden
        hooks.enter_context(layer_inputs_changed(model, keep))
        with evaluation_mode(model), torch.enable_grad():
            logit = read(model(**inputs).logits)
    if not (logit.requires_grad and given[-1].requires_grad):
        raise ValueError(
            "the model cuts the gradient between encoder and head (torch.no_grad or "
            "detach in its forward): let the gradient through in evaluation mode"
        )
    direct = torch.autograd.grad(logit.sum(), cut, materialize_grads=True)
    total, grad_sum = direct[-1], list[torch.Tensor]()
    for n in reversed(range(len(blocks))):
        through, at_sum = torch.autograd.grad(given[n + 1], [cut[n], sums[n]], total)
        grad_sum.insert(0, at_sum)
        total = direct[n] + through
    return Trace(
        logit=logit.detach(),
        hidden=torch.stack(cut).detach(),
        attention=torch.stack(attention).detach(),
        value=torch.stack(value).detach().unflatten(-1, (blocks[0].heads, -1)),
        grad_sum=torch.stack(grad_sum),
        grad_read=torch.stack(direct),
    )


def patched_logits(
    model: torch.nn.Module,
    tokenizer: Any,
    clean: Sequence[str],
    corrupt: Sequence[str] | None,
    target: tuple[int | None, str | int],
    patches: Sequence[Iterable[tuple[int, int]]],
) -> np.ndarray:
    """Logit of the corrupt text with some nodes made clean, float64 (patches,).

    Node (l, s) is the input of layer l+1 at sub-word s; a head that reads layer l
    reads the patched state too. Texts that do not align, or a node outside the encoder,
    are a ValueError.

    Args:
        model, tokenizer, target: as for `qglib.explain.decision_graphs`.
        clean, corrupt: words of both texts, with equally many sub-words; ``None`` is
            the text of blanks.
        patches: sets of nodes (layer, sub-word), each one row of a batch; an empty
            set gives the corrupt logit, all nodes of layer 0 the clean one.
    """
    first, second = aligned_decisions(model, tokenizer, clean, corrupt, target)
    source: dict[int, torch.Tensor] = {}  # layer -> clean states
    with layer_inputs_changed(model, lambda n, hidden: source.setdefault(n, hidden)):
        first.logits(first.inputs)
    layers, tokens = len(source), len(first.tokens)
    mask = torch.zeros(layers, len(patches), tokens, 1, dtype=torch.bool)
    for row, nodes in enumerate(patches):
        for layer, token in nodes:
            if not (0 <= layer < layers and 0 <= token < tokens):
                raise ValueError(
                    f"patches[{row}] has node {(layer, token)}: use layers 0 to "
                    f"{layers - 1} and sub-words 0 to {tokens - 1}"
                )
            mask[layer, row, token] = True
    mask = mask.to(source[0].device)
    out = [np.zeros(0)]
    for start in range(0, len(patches), BATCH):
        part = mask[:, start : start + BATCH]

        def change(layer: int, hidden: torch.Tensor, part=part) -> torch.Tensor:
            return torch.where(part[layer], source[layer], hidden)

        with layer_inputs_changed(model, change):
            out.append(second.logits(second.repeated(part.shape[1]), BATCH))
    return np.concatenate(out)
