"""Inside a BERT-type encoder: hidden states, attention and their gradients.

Works on any transformers model whose encoder is a stack of BERT layers, whatever
head stands on it. Nothing is read from the model's own list of outputs: hooks on
the layers see the very tensors that flow on to the next layer and to the head.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from qglib.explain.decision import evaluation_mode


@dataclass(frozen=True)
class Trace:
    """One forward and backward pass of a batch of equally long sentences.

    Shapes: layers L, batch B, sub-words T, heads H, head width K, width D.

    Attributes:
        logit: (B,).
        hidden: (L+1, B, T, D), input of the first layer and output of each.
        attention: (L, B, H, T, T), destination before source.
        value: (L, B, T, H, K).
        grad_sum: (L, B, T, D), gradient of the logit at the input of the
            LayerNorm behind the attention.
        grad_hidden: (L+1, B, T, D), total gradient at the hidden states.
        grad_read: (L+1, B, T, D), the part of it that reaches the head directly,
            not through the next layer.
    """

    logit: torch.Tensor
    hidden: torch.Tensor
    attention: torch.Tensor
    value: torch.Tensor
    grad_sum: torch.Tensor
    grad_hidden: torch.Tensor
    grad_read: torch.Tensor


def bert_encoder(model: torch.nn.Module) -> torch.nn.Module:
    """The first sub-module built like BertModel (``embeddings``, ``encoder.layer``).

    Raises:
        ValueError: the model has no such encoder.
    """
    for module in model.modules():
        layers = getattr(getattr(module, "encoder", None), "layer", None)
        if layers is not None and hasattr(module, "embeddings"):
            attention = getattr(layers[0], "attention", None)
            if hasattr(attention, "self") and hasattr(attention.output, "dense"):
                return module
    raise ValueError(
        f"{type(model).__name__} has no BERT-type encoder (embeddings and "
        "encoder.layer[i].attention.self/.output): use a BERT, RoBERTa or ELECTRA "
        "encoder, or explain with attribute(), which needs no attention"
    )


def word_embedding(model: torch.nn.Module) -> torch.nn.Module:
    """The word-embedding table of the model's encoder."""
    try:
        return bert_encoder(model).embeddings.word_embeddings
    except ValueError:
        return model.get_input_embeddings()


def attention_projection(model: torch.nn.Module) -> torch.Tensor:
    """Output projections of the attention, shape (L, D, H, K)."""
    layers = bert_encoder(model).encoder.layer
    heads = layers[0].attention.self.num_attention_heads
    weights = torch.stack([m.attention.output.dense.weight.detach() for m in layers])
    return weights.unflatten(-1, (heads, -1))


@contextmanager
def layer_inputs_changed(model: torch.nn.Module, change) -> Iterator[None]:
    """Inside the block ``change(layer, hidden)`` replaces each layer's input.

    Layer number L stands for the output of the last layer. A head that reads an
    inner layer sees the changed state too: the hooks run before those with which
    transformers collects hidden states.
    """
    layers = bert_encoder(model).encoder.layer

    def before(module, args):
        return (change(0, args[0]), *args[1:])

    def after(number):
        def hook(module, args, output):
            if isinstance(output, tuple):
                return (change(number, output[0]), *output[1:])
            return change(number, output)

        return hook

    handles = [layers[0].register_forward_pre_hook(before, prepend=True)]
    for number, layer in enumerate(layers, start=1):
        handles.append(layer.register_forward_hook(after(number), prepend=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def hidden_states(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Hidden states of a batch without gradient, shape (L+1, B, T, D)."""
    states: dict[int, torch.Tensor] = {}

    def keep(number: int, hidden: torch.Tensor) -> torch.Tensor:
        states[number] = hidden
        return hidden

    with evaluation_mode(model), torch.inference_mode():
        with layer_inputs_changed(model, keep):
            model(**inputs)
    return torch.stack([states[i] for i in range(len(states))])


def trace(
    model: torch.nn.Module,
    inputs: dict[str, torch.Tensor],
    read,
    *,
    first: torch.Tensor | None = None,
) -> Trace:
    """Record a batch; ``read(logits)`` gives the logit of each row, shape (B,).

    ``first`` (B, T, D) replaces the input of the first layer. No padding is allowed in
    the batch, because the decision graph takes every sub-word for a node.

    Raises:
        ValueError: no BERT-type encoder, or one that gives no attention weights.
    """
    layers = bert_encoder(model).encoder.layer
    states: dict[int, torch.Tensor] = {}
    attention: list[torch.Tensor] = []
    value: list[torch.Tensor] = []
    sums: list[torch.Tensor] = []

    def keep(number: int, hidden: torch.Tensor) -> torch.Tensor:
        if number == 0:  # the graph starts here, even if the encoder is frozen
            hidden = hidden if first is None else first
            hidden = hidden.detach().requires_grad_()
        states[number] = hidden
        return hidden

    def attended(module, args, output):
        if not isinstance(output, tuple) or output[1] is None:
            raise ValueError(
                f"{type(module).__name__} gives no attention weights: load the "
                'encoder with attn_implementation="eager"'
            )
        attention.append(output[1])

    handles = []
    for layer in layers:
        part = layer.attention
        handles += [
            part.self.register_forward_hook(attended),
            part.self.value.register_forward_hook(lambda m, a, out: value.append(out)),
            part.output.LayerNorm.register_forward_pre_hook(
                lambda m, args: sums.append(args[0])
            ),
        ]
    try:
        with (
            evaluation_mode(model),
            torch.enable_grad(),
            layer_inputs_changed(model, keep),
        ):
            logit = read(model(**inputs).logits)
    finally:
        for handle in handles:
            handle.remove()
    hidden = [states[i] for i in range(len(states))]
    gradients = _gradients(logit, hidden, sums)
    heads = layers[0].attention.self.num_attention_heads
    return Trace(
        logit=logit.detach(),
        hidden=torch.stack(hidden).detach(),
        attention=torch.stack(attention).detach(),
        value=torch.stack(value).detach().unflatten(-1, (heads, -1)),
        grad_sum=gradients[0],
        grad_hidden=gradients[1],
        grad_read=gradients[2],
    )


def _gradients(
    logit: torch.Tensor, hidden: list[torch.Tensor], sums: list[torch.Tensor]
) -> list[torch.Tensor]:
    """``grad_sum``, ``grad_hidden`` and ``grad_read`` of a `Trace`."""
    if not logit.requires_grad:
        raise ValueError(
            "the model cuts the gradient between encoder and head (torch.no_grad or "
            "detach in its forward): let the gradient through in evaluation mode"
        )
    grads = torch.autograd.grad(
        logit.sum(), hidden + sums, retain_graph=True, allow_unused=True
    )
    grads = [
        torch.zeros_like(x) if g is None else g
        for g, x in zip(grads, hidden + sums, strict=True)
    ]
    total, grad_sum = grads[: len(hidden)], grads[len(hidden) :]
    read_part = []
    for number, gradient in enumerate(total[:-1]):
        (through,) = torch.autograd.grad(
            hidden[number + 1], hidden[number], total[number + 1], retain_graph=True
        )
        read_part.append(gradient - through)
    read_part.append(total[-1])
    return [torch.stack(part) for part in (grad_sum, total, read_part)]
