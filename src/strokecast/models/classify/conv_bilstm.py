"""Three convolutions and three bidirectional LSTM layers; the states are summed over the points.

Source: TensorFlow's quickdraw tutorial, https://github.com/tensorflow/models/tree/v1.x/tutorials/rnn/quickdraw
(`train_model.py`). Like the tutorial it has linear convolutions of stride 1, no batch normalisation and dropout 0.3.
Unlike the tutorial it reads positions and directions beside the moves, its LSTM layers read two points per step, and
they have 48 units: the tutorial's 128 units take three times as long to train. The tutorial's network is
`units: 128, points_per_step: 1, positions: false, directions: false`.

Shape legend: B batch, T padded points, F filters of the last convolution, U units per direction, K classes.
Kind: sequence to vector. Meets cuDNN's conditions (tanh/sigmoid, no recurrent dropout, right-padded masks).
When to use it: to compare with published figures on Quick, Draw!. It is slow, because the convolutions do not shorten
the drawing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Directions, PointsPerStep, Positions, Sizes, Time
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class ConvBilstmConfig(Config):
    """Settings of `classify.conv_bilstm`; filters and kernels have one number per convolution."""

    filters: Sizes = Field((48, 64, 96), min_length=1, description="output channels of each convolution")
    kernels: Sizes = Field((5, 5, 3), min_length=1, description="kernel size of each convolution, points")
    activation: Literal["linear", "relu"] = Field("linear", description="activation of each convolution")
    points_per_step: PointsPerStep = 2
    positions: Positions = True
    time: Time = False
    directions: Directions = True
    units: int = Field(48, ge=1, le=4096, description="units per LSTM layer and direction")
    layers: int = Field(3, ge=1, le=16, description="number of stacked bidirectional LSTM layers")
    dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="dropout rate between convolutions, between LSTM layers and before the sum",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.filters) != len(self.kernels):
            raise PydanticCustomError("lengths", "filters and kernels should have the same length")
        return self


@register(
    "classify",
    "conv_bilstm",
    ConvBilstmConfig,
    testing=ConvBilstmConfig(filters=(4, 6, 8), kernels=(5, 4, 3), units=6, layers=2, dropout=0.0),
    training={"epochs": 8, "intra_op_threads": 1},
    search_space={
        "points_per_step": Choices((1, 2, 4)),
        "units": Range(24, 96, log=True),
        "layers": Range(2, 4),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: ConvBilstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.masking import ApplyMask, stack_steps
    from strokecast.models.layers.pooling import MaskedSum
    from strokecast.models.layers.recurrent import recurrent_stack

    inputs, x, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # x [B, T, C], mask [B, T]
    for number, (filters, kernel) in enumerate(zip(config.filters, config.kernels, strict=True), start=1):
        if config.dropout and number > 1:
            x = keras.layers.Dropout(config.dropout, name=f"dropout_{number}")(x)
        # With stride 1 the zeros of `same` padding do not depend on T.
        x = keras.layers.Conv1D(
            filters, kernel, padding="same", activation=config.activation, name=f"conv_{number}"
        )(x)
        x = ApplyMask(name=f"conv_{number}_zero")(x, mask)  # [B, T, F]
    x, mask = stack_steps(x, mask, config.points_per_step)
    x = recurrent_stack(  # [B, T, 2U]
        keras.layers.LSTM,
        x,
        config.units,
        config.layers,
        mask=mask,
        dropout=config.dropout,
        bidirectional=True,
        return_sequences=True,
    )
    summed = MaskedSum(name="sum")(x, mask)  # [B, 2U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(summed)  # [B, K]
    return keras.Model(inputs, logits, name="conv_bilstm")
