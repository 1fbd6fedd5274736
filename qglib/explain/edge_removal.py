"""Remove edges inside an encoder: one sub-word stops attending to another.

What the edge (layer, source) -> (layer + 1, destination) of a decision graph
carries is attention times value; removing it takes this product, of all heads,
out of the sum. The other attention weights stay as they are, so that one removal
is one change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from qglib.explain.decision import Decision
from qglib.explain.encoder import bert_encoder

AttentionEdge = tuple[int, int, int]  # layer 0 ... L-1, destination, source


def removed_logits(
    this: Decision,
    removals: Sequence[Iterable[AttentionEdge]],
    batch_size: int = 64,
) -> np.ndarray:
    """Logit of a decision with some attention edges removed, one row for each set.

    Args:
        this: the decision, see `decision`.
        removals: sets of (layer, destination, source): layer 0 feeds node layer 1.
        batch_size: rows of one forward pass.

    Returns:
        float64, shape (len(removals),).

    Raises:
        ValueError: an edge outside the encoder, or no attention weights.
    """
    layers = bert_encoder(this.model).encoder.layer
    tokens = len(this.tokens)
    gone = np.zeros((len(layers), len(removals), tokens, tokens), dtype=bool)
    for row, edges in enumerate(removals):
        for edge in edges:
            layer, destination, source = edge
            if not (
                0 <= layer < len(layers)
                and 0 <= destination < tokens
                and 0 <= source < tokens
            ):
                raise ValueError(
                    f"edge {edge} is outside the {len(layers)} layers and {tokens} "
                    "sub-words: give (layer, destination, source)"
                )
            gone[layer, row, destination, source] = True
    device = this.inputs["input_ids"].device
    mask = torch.as_tensor(gone, device=device)
    out = []
    for start in range(0, len(removals), batch_size):
        part = mask[:, start : start + batch_size]
        handles = []
        for number, layer in enumerate(layers):
            if part[number].any():
                handles += _hooks(layer.attention.self, part[number])
        try:
            out.append(this.logits(this.repeated(part.shape[1]), batch_size))
        finally:
            for handle in handles:
                handle.remove()
    return np.concatenate(out) if out else np.zeros(0)


def _hooks(attention: torch.nn.Module, gone: torch.Tensor) -> list:
    heads = attention.num_attention_heads
    seen: list[torch.Tensor] = []

    def keep(module, args, output):
        seen[:] = [output]

    def remove(module, args, output):
        if not isinstance(output, tuple) or output[1] is None:
            raise ValueError(
                f"{type(module).__name__} gives no attention weights: load the "
                'encoder with attn_implementation="eager"'
            )
        value = seen[0].unflatten(-1, (heads, -1))  # rows, source, head, width
        lost = output[1] * gone[:, None]
        lost = torch.einsum("bhts,bshk->bthk", lost, value).flatten(-2)
        return (output[0] - lost, *output[1:])

    return [
        attention.value.register_forward_hook(keep),
        attention.register_forward_hook(remove),
    ]
