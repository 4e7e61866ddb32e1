"""A stack of LSTM layers over the points of a drawing.

Source: Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735

Shape legend: B batch, T padded points, U units (2U if bidirectional), K classes.
Kind: sequence to vector; all layers but the last return sequences. Meets cuDNN's conditions (tanh/sigmoid, no
recurrent dropout, right-padded masks) with the default `activation` and `recurrent_dropout`.
When to use it: as the first network to try, with long drawings and enough data for its four gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Directions, RecurrentClassifier
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class LstmConfig(RecurrentClassifier):
    """Settings of `classify.lstm`."""

    layers: int = Field(2, ge=1, le=16, description="number of stacked LSTM layers")
    directions: Directions = True


@register(
    "classify",
    "lstm",
    LstmConfig,
    testing=LstmConfig(units=8, layers=2, dropout=0.0),
    training={"epochs": 9},
    search_space={
        "units": Range(48, 192, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.4),
        "points_per_step": Choices((1, 2, 4)),
        "bidirectional": Choices((False, True)),
    },
)
def build(config: LstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.recurrent import encode_strokes

    inputs, points, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], mask [B, T]
    state = encode_strokes(keras.layers.LSTM, points, mask, config)  # [B, U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model(inputs, logits, name="lstm")
