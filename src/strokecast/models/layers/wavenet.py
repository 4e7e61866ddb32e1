"""Stacks of a WaveNet: gated, dilated, causal convolutions with residual and skip connections.

Source: van den Oord et al., 2016, https://arxiv.org/abs/1609.03499, section 2.

Shape legend: B batch, T padded steps, C channels, F filters.
"""

from __future__ import annotations

from typing import Any

import keras

from strokecast.models.layers.recurrent import Norm

_MOMENTUM = 0.98  # of batch normalisation


def gated_stacks(
    x: Any,
    mask: Any,
    *,
    filters: int,
    kernel: int,
    blocks: int,
    stacks: int,
    dropout: float,
    norm: Norm,
    regularizer: Any,
) -> Any:
    """Apply an input projection and `stacks` times `blocks` gated blocks, and sum the skip connections.

    The dilation starts at 1 in each stack and doubles from block to block.

    Args:
        x: float [B, T, C].
        mask: bool [B, T], or None if every step is valid.
        filters: F.
        kernel: kernel size, steps.
        blocks: blocks per stack.
        stacks: number of stacks.
        dropout: dropout rate in each block.
        norm: normalisation of the input of each block.
        regularizer: regulariser of the kernels, or None.

    Returns:
        float [B, T, F].
    """
    x = keras.layers.Conv1D(filters, 1, kernel_regularizer=regularizer, name="input_projection")(x)
    skips = []
    for stack in range(1, stacks + 1):
        for block in range(blocks):
            x, skip = gated_block(
                x,
                mask,
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
    mask: Any,
    kernel: int,
    dilation: int,
    *,
    dropout: float = 0.0,
    norm: Norm = "none",
    regularizer: Any = None,
    name: str,
) -> tuple[Any, Any]:
    """Apply tanh(filter * x) · sigmoid(gate * x), then a 1 x 1 convolution each for the residual and the skip.

    The convolutions are causal (zeros in front): no step depends on a later one, so padding at the end does not
    affect valid steps.

    Args:
        x: float [B, T, F].
        mask: bool [B, T], or None if every step is valid.
        kernel: kernel size, steps.
        dilation: steps between two taps of the kernel.
        dropout: dropout rate after the gate.
        norm: normalise x first: `layer` over the channels of a step, `batch` over the valid steps of the batch.
        regularizer: regulariser of the kernels.
        name: prefix of the layer names.

    Returns:
        (input of the next block [B, T, F], skip [B, T, F]).
    """
    filters = x.shape[-1]
    normed = x
    if norm == "layer":
        normed = keras.layers.LayerNormalization(name=f"{name}_norm")(normed)
    elif norm == "batch":
        normed = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(normed, mask=mask)

    def conv(suffix: str, activation: str) -> Any:
        return keras.layers.Conv1D(
            filters,
            kernel,
            padding="causal",
            dilation_rate=dilation,
            activation=activation,
            kernel_regularizer=regularizer,
            name=f"{name}_{suffix}",
        )(normed)

    gated = keras.layers.Multiply(name=f"{name}_gated")([conv("filter", "tanh"), conv("gate", "sigmoid")])
    if dropout:
        gated = keras.layers.Dropout(dropout, name=f"{name}_dropout")(gated)
    output = keras.layers.Conv1D(filters, 1, kernel_regularizer=regularizer, name=f"{name}_output")(gated)
    skip = keras.layers.Conv1D(filters, 1, kernel_regularizer=regularizer, name=f"{name}_skip")(gated)
    return keras.layers.Add(name=f"{name}_residual")([x, output]), skip
