"""The stacks of a WaveNet: gated, dilated, causal convolutions with residual and skip connections.

Source: van den Oord et al., 2016, https://arxiv.org/abs/1609.03499, section 2.

Shape legend: B batch, T padded steps, F filters.
"""

from __future__ import annotations

from typing import Any

import keras

from strokecast.models.layers.recurrent import Norm

_MOMENTUM = 0.98  # of batch normalisation's moving moments, share kept a step


def gated_stacks(
    x: Any,
    real: Any,
    *,
    filters: int,
    kernel: int,
    blocks: int,
    stacks: int,
    dropout: float,
    norm: Norm,
    regularizer: Any,
) -> Any:
    """`stacks` times `blocks` gated blocks behind a convolution of width 1, and what they all skip, summed.

    The dilation doubles from block to block and starts at 1 in each stack.

    Args:
        x: float [B, T, C].
        real: bool [B, T], or None where every step is real.
        filters: F.
        kernel: steps that each convolution sees.
        blocks: of a stack.
        stacks: one behind the other.
        dropout: share of units dropped in each block.
        norm: normalise what enters each block.
        regularizer: of the kernels, or None.

    Returns:
        float [B, T, F], the sum of all skips.
    """
    x = keras.layers.Conv1D(filters, 1, kernel_regularizer=regularizer, name="enter")(x)
    skips = []
    for stack in range(1, stacks + 1):
        for block in range(blocks):
            x, skip = gated_block(
                x,
                real,
                kernel,
                2**block,
                dropout=dropout,
                norm=norm,
                regularizer=regularizer,
                name=f"block_{stack}_{block + 1}",
            )
            skips.append(skip)
    return keras.layers.Add(name="skips")(skips) if len(skips) > 1 else skips[0]


def gated_block(
    x: Any,
    real: Any,
    kernel: int,
    dilation: int,
    *,
    dropout: float = 0.0,
    norm: Norm = "none",
    regularizer: Any = None,
    name: str,
) -> tuple[Any, Any]:
    """tanh(filter * x) · sigmoid(gate * x), then a convolution of width 1 each for what goes on and what skips.

    The zeros of a causal convolution stand in front, so that no step sees a later one, and padding at the
    end reaches no real step.

    Args:
        x: float [B, T, F].
        real: bool [B, T], or None where every step is real.
        kernel: steps that each output sees.
        dilation: distance between two of them.
        dropout: share of units dropped behind the gate.
        norm: normalise x first: over the channels of a step, or over the real steps of the batch.
        regularizer: of the kernels.
        name: prefix of the layers' names.

    Returns:
        (x for the next block [B, T, F], skip [B, T, F]).
    """
    filters = x.shape[-1]
    seen = x
    if norm == "layer":
        seen = keras.layers.LayerNormalization(name=f"{name}_norm")(seen)
    elif norm == "batch":
        seen = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(seen, mask=real)

    def conv(part: str, activation: str) -> Any:
        return keras.layers.Conv1D(
            filters,
            kernel,
            padding="causal",
            dilation_rate=dilation,
            activation=activation,
            kernel_regularizer=regularizer,
            name=f"{name}_{part}",
        )(seen)

    gated = keras.layers.Multiply(name=f"{name}_gated")([conv("filter", "tanh"), conv("gate", "sigmoid")])
    if dropout:
        gated = keras.layers.Dropout(dropout, name=f"{name}_dropout")(gated)
    onward = keras.layers.Conv1D(filters, 1, kernel_regularizer=regularizer, name=f"{name}_onward")(gated)
    skip = keras.layers.Conv1D(filters, 1, kernel_regularizer=regularizer, name=f"{name}_skip")(gated)
    return keras.layers.Add(name=f"{name}_residual")([x, onward]), skip
