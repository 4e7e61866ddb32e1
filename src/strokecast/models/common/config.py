"""Base classes of the architectures' configs, and fields that several configs share."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import to_tuple

# Shared fields; each architecture sets its own default.
Positions = Annotated[
    bool, Field(description="also read the pen position in the bounding box of the drawing")
]
Time = Annotated[
    bool,
    Field(description="also read the time since the previous point; the source must have it (quickdraw_raw)"),
]
Directions = Annotated[bool, Field(description="also read direction, length and turning angle of each move")]
Bidirectional = Annotated[bool, Field(description="read the drawing forwards and backwards")]
PointsPerStep = Annotated[
    int, Field(ge=1, le=64, description="consecutive points that one step reads; 2 halves the steps")
]
Dropout = Annotated[float, Field(ge=0, lt=1, description="dropout rate between layers and before the head")]
RecurrentDropout = Annotated[
    float, Field(ge=0, lt=1, description="dropout rate of the state, with the same mask at each step")
]
CudnnRecurrentDropout = Annotated[
    float,
    Field(
        ge=0, lt=1, description="dropout rate of the state, with the same mask at each step; disables cuDNN"
    ),
]
Norm = Annotated[
    Literal["none", "layer", "batch"],
    Field(description="normalise the output of each layer: over its units, or over the batch"),
]
L2 = Annotated[float, Field(ge=0, le=1, description="L2 regularisation factor")]
Mixtures = Annotated[
    int, Field(ge=1, le=100, description="bivariate normal components of the density of the next move")
]
Embedding = Annotated[int, Field(ge=1, le=1024, description="size of the class embedding")]
DecoderNorm = Annotated[
    Literal["none", "layer"],
    Field(description="layer: layer normalisation at every gate of the decoder; disables cuDNN"),
]
MaxHistoryDays = Annotated[
    int | None, Field(description="last days of the history to fit on; null: all, which is slower")
]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], BeforeValidator(to_tuple)]
Weeks = Annotated[
    tuple[Annotated[int, Field(ge=1, le=104)], ...],
    BeforeValidator(to_tuple),
    Field(max_length=16, description="per entry n: read the mean of the same weekday over the last n weeks"),
]


def _check_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if levels and (0.5 not in levels or list(levels) != sorted(set(levels))):
        raise PydanticCustomError(
            "levels", "quantiles should be strictly increasing and contain 0.5, or be []"
        )
    return levels


Quantiles = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...],
    BeforeValidator(to_tuple),
    AfterValidator(_check_levels),
    Field(description="quantile levels to forecast, increasing, with 0.5 among them; []: point forecast"),
]
Residual = Annotated[
    Literal["auto", "none", "last_week", "last_year", "mean_28"],
    Field(
        description="forecast added to the network's output: none, the values 7 or 364 days before, or the mean of the "
        "last 28 days, which follows a level that moves; auto: none, last_week or mean_28, chosen in preprocessing on "
        "validation windows"
    ),
]
HeadUnits = Annotated[
    int,
    Field(ge=0, le=4096, description="hidden units of the head per forecast day; 0: linear head"),
]
Activation = Annotated[
    Literal["tanh", "relu", "elu"],
    Field(description="activation of candidate and state; cuDNN supports tanh only"),
]


class Config(BaseModel):
    """Base of the frozen settings of one architecture. Unknown keys and wrong types are errors.

    The `description` of each field states its unit and meaning; `strokecast params` prints it. Each field must have
    an effect on the architecture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def input_digest(self) -> str:
        """Digest of the files outside of the project's data that a training reads; "" if there are none."""
        return ""


class RecurrentClassifier(Config):
    """Settings of a classifier with recurrent layers over the points of a drawing."""

    units: int = Field(96, ge=1, le=4096, description="units per layer (and direction)")
    layers: int = Field(2, ge=1, le=16, description="number of recurrent layers")
    dropout: Dropout = 0.1
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    activation: Activation = "tanh"
    norm: Norm = "none"
    l2: float = Field(0.0, ge=0, le=1, description="L2 regularisation factor of the layers")
    points_per_step: PointsPerStep = 2
    positions: Positions = True
    time: Time = False
    directions: Directions = False
    bidirectional: Bidirectional = False


class FrameCnn(Config):
    """Settings of the small convolutional network that reads one frame (`models/layers/frames.py`)."""

    filters: Sizes = Field(
        (16, 32, 64), min_length=1, description="channels per convolution; each convolution halves the frame"
    )
    kernels: Sizes = Field((5, 3, 3), min_length=1, description="kernel size per convolution, pixels")
    features: int = Field(64, ge=1, le=4096, description="size of the vector per frame")
    activation: Literal["relu", "elu"] = Field(
        "relu", description="activation of convolutions and frame vectors"
    )
    norm: Norm = "batch"
    dropout: Dropout = 0.2
    l2: L2 = 0.0

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if len(self.filters) != len(self.kernels):
            raise PydanticCustomError("lengths", "filters and kernels should have the same length")
        return self


class FrameRnn(FrameCnn):
    """Settings of a CNN per frame with recurrent layers over the frame vectors."""

    cell: Literal["lstm", "gru", "simple_rnn"] = Field("gru", description="type of the recurrent layers")
    units: int = Field(96, ge=1, le=4096, description="units per recurrent layer (and direction)")
    layers: int = Field(1, ge=1, le=16, description="number of recurrent layers")
    bidirectional: Annotated[bool, Field(description="read the frames forwards and backwards")] = False
    recurrent_norm: Norm = "none"
    recurrent_dropout: CudnnRecurrentDropout = 0.0


class Forecaster(Config):
    """Settings that all networks of `forecast` share (`models/layers/horizon.py`)."""

    quantiles: Quantiles = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    residual: Residual = "auto"


class RecurrentForecaster(Forecaster):
    """Settings of a forecaster with recurrent layers over the window."""

    units: int = Field(32, ge=1, le=4096, description="units per layer")
    dropout: Dropout = 0.0
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    norm: Norm = "none"
    l2: L2 = 0.0
    head_units: HeadUnits = 32


class EncoderDecoder(Forecaster):
    """Settings of an encoder-decoder over days (`models/layers/day_decoder.py`)."""

    cell: Literal["gru", "lstm"] = Field("gru", description="type of encoder and decoder")
    units: int = Field(32, ge=1, le=4096, description="units of the encoder and of the decoder")
    teacher_forcing: bool = Field(
        True,
        description="in training the decoder reads the true value of the previous day instead of its own forecast",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout rate of the decoder cell's output")
    l2: L2 = 0.0
    head_units: HeadUnits = 32
