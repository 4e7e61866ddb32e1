"""Stacks of recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import keras

from strokecast.models.common.config import RecurrentClassifier, RecurrentForecaster
from strokecast.models.layers.masking import stack_steps

Norm = Literal["none", "layer", "batch"]

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


@keras.saving.register_keras_serializable(package="strokecast")
class MaskedBidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional` that omits the mask wherever it cannot change valid outputs.

    The forward layer reads right-padding last. If it returns whole sequences it runs without a mask, which takes
    about a tenth less time on a CPU. Its output on padded steps is then undefined, so the next layer has to mask it.
    The backward layer reads the padding first and always gets the mask.

    Call arguments:
        sequences: float [B, T, C].
        mask: bool [B, T], right-padded, or None.
        training: whether dropout is active.

    Returns:
        float [B, T, 2 * units] with `return_sequences`, else [B, 2 * units].
    """

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None
    ) -> Any:
        """Return the outputs of both directions, concatenated."""
        if initial_state is not None:
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        forward_mask = None if self.return_sequences else mask
        forward = self.forward_layer(sequences, mask=forward_mask, training=training)
        backward = self.backward_layer(sequences, mask=mask, training=training)
        if self.return_sequences:
            backward = keras.ops.flip(backward, axis=1)
        return keras.ops.concatenate([forward, backward], axis=-1)

    def compute_mask(self, sequences: Any, mask: Any = None) -> None:
        """Return None: no mask is attached to the output."""
        return None


_MOMENTUM = 0.98  # of batch normalisation; lower than Keras's 0.99 because an epoch has few steps


def recurrent_stack(
    cell: Callable[..., Any],
    x: Any,
    units: int,
    layers: int,
    *,
    mask: Any = None,
    dropout: float = 0.0,
    bidirectional: bool = False,
    norm: Norm = "none",
    l2: float = 0.0,
    return_sequences: bool = False,
    **settings: Any,
) -> Any:
    """Apply `layers` recurrent layers. All but the last return sequences; the last returns its last valid state.

    Dropout is applied between layers and after the last one. Within a sequence the same units are dropped at each
    step (Gal and Ghahramani, https://arxiv.org/abs/1512.05287). Dropout inside the recurrence is
    `recurrent_dropout`, which cuDNN does not support.

    Args:
        cell: `keras.layers.SimpleRNN`, `LSTM` or `GRU`, or a function with the same arguments and a `__name__`.
        x: float [B, T, C].
        units: size of the state (per direction).
        layers: number of layers.
        mask: bool [B, T], right-padded, or None if every step is valid.
        dropout: dropout rate.
        bidirectional: read forwards and backwards, and concatenate.
        norm: normalise the output of each layer: `layer` over the units of a step, `batch` over the valid steps of
            the batch.
        l2: L2 regularisation factor of kernels W and recurrent kernels U; 0: none.
        return_sequences: let the last layer return its sequence as well.
        settings: further arguments of each layer (`activation`, `recurrent_dropout`, ...). The defaults meet cuDNN's
            conditions.

    Returns:
        float [B, units], with `bidirectional` [B, 2 * units]. With `return_sequences` [B, T, ...], undefined on
        padded steps.
    """
    name = cell.__name__.lower()
    if l2:
        settings |= {
            "kernel_regularizer": keras.regularizers.L2(l2),
            "recurrent_regularizer": keras.regularizers.L2(l2),
        }
    for depth in range(layers):
        returns_sequence = return_sequences or depth < layers - 1
        layer = cell(
            units,
            return_sequences=returns_sequence,
            dropout=dropout if depth else 0.0,
            name=f"{name}_{depth + 1}",
            **settings,
        )
        if bidirectional:
            layer = MaskedBidirectional(layer, name=f"bi{name}_{depth + 1}")
        # a forward layer that returns its sequence reads the padding last and needs no mask
        x = layer(x, mask=mask if bidirectional or not returns_sequence else None)
        if norm == "layer":
            x = keras.layers.LayerNormalization(name=f"norm_{depth + 1}")(x)
        elif norm == "batch":
            batch_norm = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"norm_{depth + 1}")
            x = batch_norm(x, mask=mask if returns_sequence else None)
    return keras.layers.Dropout(dropout, name="dropout")(x) if dropout else x


def encode_strokes(cell: Callable[..., Any], points: Any, mask: Any, config: RecurrentClassifier) -> Any:
    """Apply `recurrent_stack` to the points of drawings, with the settings that recurrent classifiers share.

    Args:
        cell: as in `recurrent_stack`.
        points: float [B, T, C].
        mask: bool [B, T], right-padded.
        config: points per step, units, layers, dropout, directions, normalisation, L2 and activation.

    Returns:
        float [B, U], with `bidirectional` [B, 2U].
    """
    points, mask = stack_steps(points, mask, config.points_per_step)
    return recurrent_stack(
        cell,
        points,
        config.units,
        config.layers,
        mask=mask,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        norm=config.norm,
        l2=config.l2,
        recurrent_dropout=config.recurrent_dropout,
        activation=config.activation,
    )


def encode_window(
    cell: Callable[..., Any], window: Any, config: RecurrentForecaster, layers: int = 1, **settings: Any
) -> Any:
    """Apply `recurrent_stack` to the days of a window, with the settings that recurrent forecasters share.

    Args:
        cell: as in `recurrent_stack`.
        window: float [B, W, C].
        config: units, dropout, normalisation and L2.
        layers: number of layers.
        settings: further settings of `recurrent_stack`: `return_sequences`, `activation`.

    Returns:
        float [B, U], with `return_sequences` [B, W, U].
    """
    return recurrent_stack(
        cell,
        window,
        config.units,
        layers,
        dropout=config.dropout,
        norm=config.norm,
        l2=config.l2,
        recurrent_dropout=config.recurrent_dropout,
        **settings,
    )
