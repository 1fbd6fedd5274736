"""Inside an encoder: hidden states, attention and their gradients.

Nothing is read from the model's own list of outputs: hooks on the layers see the
very tensors that flow on to the next layer and to the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch
from torch import nn

from qglib.explain.decision import evaluation_mode


class Block(NamedTuple):
    """What is watched in one layer of an encoder."""

    layer: nn.Module
    attention: nn.Module  # its second output holds the weights
    value: nn.Module  # linear map to the values of all heads
    out: nn.Module  # linear map behind the heads
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
    """The layers of the first encoder in a model that is built like (Distil)BERT.

    Raises:
        ValueError: the model has no such encoder.
    """
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


def _block(layer: nn.Module) -> Block:
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

    Layer number L stands for the output of the last layer. A head that reads an
    inner layer sees the changed state too: the hooks run before those with which
    transformers collects hidden states.
    """

    def before(module, args):
        return (change(0, args[0]), *args[1:])

    def after(number):
        def hook(module, args, output):
            if isinstance(output, tuple):
                return (change(number, output[0]), *output[1:])
            return change(number, output)

        return hook

    layers = [block.layer for block in encoder_blocks(model)]
    with ExitStack() as hooks:
        first = layers[0].register_forward_pre_hook(before, prepend=True)
        hooks.callback(first.remove)
        for number, layer in enumerate(layers, start=1):
            handle = layer.register_forward_hook(after(number), prepend=True)
            hooks.callback(handle.remove)
        yield


@contextmanager
def eager_attention(model: nn.Module) -> Iterator[None]:
    """Attention that shows its weights; what the model ran before is put back."""
    config = encoder_blocks(model)[0].attention.config  # shared by all layers
    before = config._attn_implementation
    config._attn_implementation = "eager"
    try:
        yield
    finally:
        config._attn_implementation = before


def trace(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    read: Callable[[torch.Tensor], torch.Tensor],
    *,
    first: torch.Tensor | None = None,
) -> Trace:
    """Record a batch; ``read(logits)`` gives the logit of each row, shape (B,).

    ``first`` (B, T, D) replaces the input of the first layer. No padding is allowed in
    the batch, because the decision graph takes every sub-word for a node.

    Raises:
        ValueError: no BERT-type encoder, or one that lets no gradient through.
    """
    blocks = encoder_blocks(model)
    given, cut = [], []  # output of a layer; a copy without past for what reads it
    attention, value, sums = [], [], []

    def keep(number: int, hidden: torch.Tensor) -> torch.Tensor:
        given.append(hidden if number or first is None else first)
        cut.append(given[-1].detach().requires_grad_())
        return cut[-1]

    with ExitStack() as hooks:
        for block in blocks:
            for handle in (
                block.attention.register_forward_hook(
                    lambda module, args, out: attention.append(out[1])
                ),
                block.value.register_forward_hook(
                    lambda module, args, out: value.append(out)
                ),
                block.norm.register_forward_pre_hook(
                    lambda module, args: sums.append(args[0])
                ),
            ):
                hooks.callback(handle.remove)
        with evaluation_mode(model), eager_attention(model), torch.enable_grad():
            with layer_inputs_changed(model, keep):
                logit = read(model(**inputs).logits)
    if not (logit.requires_grad and given[-1].requires_grad):
        raise ValueError(
            "the model cuts the gradient between encoder and head (torch.no_grad or "
            "detach in its forward): let the gradient through in evaluation mode"
        )
    direct = torch.autograd.grad(
        logit.sum(), cut, allow_unused=True, materialize_grads=True
    )
    total, grad_sum = direct[-1], []
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
