"""Three convolutions, three bidirectional LSTM layers, and the sum of what they say at each point.

Source: TensorFlow's quickdraw tutorial, https://github.com/tensorflow/models/tree/v1.x/tutorials/rnn/quickdraw
(`train_model.py`). The defaults are its own: moves alone as input, linear convolutions of stride 1,
no batch normalisation (it has a switch for it, off), dropout 0.3.

Shape legend: B batch, T padded points, F filters of the last convolution, U units a direction, K classes.
Kind: sequence to vector. Keeps cuDNN's conditions (tanh/sigmoid, no recurrent dropout, right-padded masks).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Directions, Positions, Sizes, Time
from strokecast.models.common.registry import register


class ConvBilstmConfig(Config):
    """Settings of `classify.conv_bilstm`; filters and kernels hold one number a convolution."""

    filters: Sizes = Field((48, 64, 96), min_length=1, description="channels that each convolution gives")
    kernels: Sizes = Field((5, 5, 3), min_length=1, description="points that each convolution sees")
    activation: Literal["linear", "relu"] = Field("linear", description="what each convolution ends with")
    positions: Positions = False
    time: Time = False
    directions: Directions = False
    units: int = Field(128, ge=1, le=4096, description="units of each LSTM layer and direction")
    layers: int = Field(3, ge=1, le=16, description="bidirectional LSTM layers on top of each other")
    dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="share of units dropped between convolutions, between LSTM layers and before the sum",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.filters) != len(self.kernels):
            raise PydanticCustomError("lengths", "filters and kernels should be lists of one length")
        return self


@register(
    "classify",
    "conv_bilstm",
    ConvBilstmConfig,
    testing=ConvBilstmConfig(filters=(4, 6, 8), kernels=(5, 4, 3), units=6, layers=2, dropout=0.0),
)
def build(config: ConvBilstmConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.masking import ZeroPadded
    from strokecast.models.layers.pooling import MaskedSum
    from strokecast.models.layers.recurrent import recurrent_stack

    inputs, x, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # x [B, T, C], real [B, T]
    for number, (filters, kernel) in enumerate(zip(config.filters, config.kernels, strict=True), start=1):
        if config.dropout and number > 1:
            x = keras.layers.Dropout(config.dropout, name=f"dropout_{number}")(x)
        # with stride 1, `same` puts its zeros alike whatever T is
        x = keras.layers.Conv1D(
            filters, kernel, padding="same", activation=config.activation, name=f"conv_{number}"
        )(x)
        x = ZeroPadded(name=f"conv_{number}_zero")(x, real)  # [B, T, F]
    x = recurrent_stack(  # [B, T, 2U]
        keras.layers.LSTM,
        x,
        config.units,
        config.layers,
        mask=real,
        dropout=config.dropout,
        bidirectional=True,
        return_sequences=True,
    )
    whole = MaskedSum(name="sum")(x, real)  # [B, 2U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(whole)  # [B, K]
    return keras.Model(inputs, logits, name="conv_bilstm")
