"""Stacks of recurrent layers."""

from __future__ import annotations

from typing import Any

import keras


def recurrent_stack(
    cell: type[Any],
    x: Any,
    units: int,
    layers: int,
    *,
    mask: Any = None,
    dropout: float = 0.0,
    bidirectional: bool = False,
) -> Any:
    """`layers` recurrent layers; all but the last return their whole sequence, the last its last real state.

    Dropout falls on what goes from one layer to the next and on what leaves the last; within a
    sequence the same units are dropped at each time step (Gal and Ghahramani,
    https://arxiv.org/abs/1512.05287, without the recurrent part: that would cost cuDNN).

    Args:
        cell: `keras.layers.LSTM` or `keras.layers.GRU`; activations stay at their cuDNN-ready defaults.
        x: float [B, T, C].
        units: size of the state (of each direction).
        layers: depth.
        mask: bool [B, T], right-padded, or None where every step is real.
        dropout: share of units dropped.
        bidirectional: read forwards and backwards, and concatenate.

    Returns:
        float [B, units], or [B, 2 * units] where bidirectional.
    """
    name = cell.__name__.lower()
    for depth in range(layers):
        layer = cell(
            units,
            return_sequences=depth < layers - 1,
            dropout=dropout if depth else 0.0,
            name=f"{name}_{depth + 1}",
        )
        if bidirectional:
            layer = keras.layers.Bidirectional(layer, name=f"bi{name}_{depth + 1}")
        x = layer(x, mask=mask)
    return keras.layers.Dropout(dropout, name="dropout")(x) if dropout else x
