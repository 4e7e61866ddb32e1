"""Three strided convolutions shorten the drawing eightfold, two LSTM layers read what is left.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15, exercise on SketchRNN drawings; the second branch of
`image`: Xu et al., 2018 (SketchMate), https://arxiv.org/abs/1804.01401; `columns`: Dutt, Pellerin and Quénot, 2017
(coupled ensembles), https://arxiv.org/abs/1709.06053.

Shape legend: B batch, T padded points, S = ceil(T / product of strides), F filters of the last
convolution, U units (twice that where bidirectional), I numbers of the image, K classes.
Kind: sequence to vector. Keeps cuDNN's conditions (tanh/sigmoid, no recurrent dropout, right-padded masks) while
`recurrent_dropout` is 0.
When to use it: where drawings are long. The recurrent layers see an eighth of the steps, each with more in it:
faster, and nothing lies far back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import (
    Bidirectional,
    Config,
    CudnnRecurrentDropout,
    Directions,
    Dropout,
    Positions,
    Sizes,
    Time,
)
from strokecast.models.common.registry import register


class ConvRnnConfig(Config):
    """Settings of `classify.conv_rnn`; filters, kernels and strides hold one number a convolution."""

    filters: Sizes = Field((32, 64, 128), min_length=1, description="channels that each convolution gives")
    kernels: Sizes = Field((5, 5, 3), min_length=1, description="points that each convolution sees")
    strides: Sizes = Field(
        (2, 2, 2), min_length=1, description="points that each convolution moves at a time"
    )
    norm_momentum: float | None = Field(
        0.98,
        ge=0,
        lt=1,
        description="batch normalisation after each convolution: share of the moving moments kept a step; null: none",
    )
    positions: Positions = True
    time: Time = False
    directions: Directions = False
    cell: Literal["lstm", "gru", "simple_rnn"] = Field("lstm", description="of the recurrent layers")
    units: int = Field(128, ge=1, le=4096, description="units of each recurrent layer (and direction)")
    layers: int = Field(2, ge=1, le=16, description="recurrent layers on top of each other")
    bidirectional: Bidirectional = False
    pooling: Literal["last", "mean_max"] = Field(
        "last", description="what the head reads: the last state, or mean and maximum over all steps"
    )
    image: int = Field(
        0,
        ge=0,
        le=4096,
        description="numbers that a small CNN makes of the finished drawing, beside what the RNN makes; 0: none",
    )
    columns: int = Field(
        1,
        ge=1,
        le=16,
        description="such networks side by side, trained as one; the mean of their log-probabilities is what they say",
    )
    dropout: Dropout = 0.2
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    l2: float = Field(
        0.0, ge=0, le=1, description="factor of the recurrent layers' squared weights in the loss"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not len(self.filters) == len(self.kernels) == len(self.strides):
            raise PydanticCustomError("lengths", "filters, kernels and strides should be lists of one length")
        return self


@register(
    "classify",
    "conv_rnn",
    ConvRnnConfig,
    testing=ConvRnnConfig(filters=(4, 6, 8), kernels=(5, 4, 3), strides=(2, 1, 2), units=8, dropout=0.0),
)
def build(config: ConvRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs

    inputs, x, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # x [B, T, C], real [B, T]
    read = [inputs["strokes"], x, real]
    classes = len(spec["classes"])
    if config.columns == 1:
        return keras.Model(inputs, _column(config, classes, *read), name="conv_rnn")
    said = []  # each [B, K]
    for number in range(1, config.columns + 1):
        starts = [keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in read]
        with keras.name_scope(f"column_{number}"):  # so that each variable has a path of its own
            column = keras.Model(starts, _column(config, classes, *starts), name=f"column_{number}")
        said.append(keras.layers.Activation("log_softmax", name=f"says_{number}")(column(read)))
    return keras.Model(inputs, keras.layers.Average(name="logits")(said), name="conv_rnn")


def _column(config: ConvRnnConfig, classes: int, strokes: Any, x: Any, real: Any) -> Any:
    """Logits [B, K] of pen moves [B, T, 3], what is read of them [B, T, C], and which points are real [B, T]."""
    import keras

    from strokecast.models.layers.conv import masked_conv
    from strokecast.models.layers.pooling import mean_max
    from strokecast.models.layers.raster import image_features
    from strokecast.models.layers.recurrent import CELLS, recurrent_stack

    points = real
    for number, (filters, kernel, stride) in enumerate(
        zip(config.filters, config.kernels, config.strides, strict=True), start=1
    ):
        x, real = masked_conv(
            x, real, filters, kernel, stride, norm_momentum=config.norm_momentum, name=f"conv_{number}"
        )
    # x [B, S, F], real [B, S]
    whole = config.pooling == "mean_max"
    state = recurrent_stack(  # [B, U], or [B, S, U]
        CELLS[config.cell],
        x,
        config.units,
        config.layers,
        mask=real,
        dropout=config.dropout,
        bidirectional=config.bidirectional,
        return_sequences=whole,
        l2=config.l2,
        recurrent_dropout=config.recurrent_dropout,
    )
    if whole:
        state = mean_max(state, real)  # [B, 2U]
    if config.image:
        picture = image_features(strokes, points, prefix="branch_")
        picture = keras.layers.Dense(config.image, "relu", name="branch_vector")(picture)  # [B, I]
        state = keras.layers.Concatenate(name="joined")([state, picture])
        if config.dropout:
            state = keras.layers.Dropout(config.dropout, name="joined_dropout")(state)
    return keras.layers.Dense(classes, name="logits")(state)
