"""What the configs of all architectures have in common."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import to_tuple

# Keys that mean the same wherever they stand; an architecture gives the default.
Positions = Annotated[
    bool, Field(description="read where the pen is, in a box of the drawing's size, beside its moves")
]
Time = Annotated[
    bool,
    Field(description="read the time since the point before, where the source has it (quickdraw_raw)"),
]
Directions = Annotated[
    bool, Field(description="read which way the pen goes, how far, and how it turns, beside its moves")
]
Bidirectional = Annotated[bool, Field(description="read the drawing forwards and backwards")]
Dropout = Annotated[
    float, Field(ge=0, lt=1, description="share of units dropped between layers and before the head")
]
RecurrentDropout = Annotated[
    float, Field(ge=0, lt=1, description="share of the state dropped, the same units at each point")
]
CudnnRecurrentDropout = Annotated[
    float,
    Field(ge=0, lt=1, description="share of the state dropped, the same units at each point; not on cuDNN"),
]
Norm = Annotated[
    Literal["none", "layer", "batch"],
    Field(description="normalise what leaves each layer: over its units, or over the batch"),
]
L2 = Annotated[float, Field(ge=0, le=1, description="factor of the squared weights in the loss")]
Mixtures = Annotated[
    int, Field(ge=1, le=100, description="normal distributions whose mixture says where the pen goes")
]
Embedding = Annotated[int, Field(ge=1, le=1024, description="numbers that stand for a class")]
DecoderNorm = Annotated[
    Literal["none", "layer"],
    Field(description="layer: layer normalisation at every gate of the decoder; not on cuDNN"),
]
History = Annotated[int | None, Field(description="days it looks back; null: all there are, and slower")]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], BeforeValidator(to_tuple)]
Weeks = Annotated[
    tuple[Annotated[int, Field(ge=1, le=104)], ...],
    BeforeValidator(to_tuple),
    Field(max_length=16, description="of the same weekday; their mean over so many weeks is read, for each"),
]


def _levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if levels and (0.5 not in levels or list(levels) != sorted(set(levels))):
        raise PydanticCustomError("levels", "quantiles should rise strictly and hold 0.5, or be []")
    return levels


Quantiles = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...],
    BeforeValidator(to_tuple),
    AfterValidator(_levels),
    Field(description="levels that are forecast, rising, 0.5 among them; []: one value a day"),
]
Residual = Annotated[
    Literal["none", "last_week", "last_year"],
    Field(description="what the network's output is added to: nothing, or the values 7 or 364 days before"),
]
HeadUnits = Annotated[
    int,
    Field(
        ge=0, le=4096, description="units that each forecast day has to itself in the head; 0: no such layer"
    ),
]
Activation = Annotated[
    Literal["tanh", "relu", "elu"], Field(description="of candidate and state; cuDNN knows tanh alone")
]


class Config(BaseModel):
    """Frozen, strict settings of one architecture: an unknown key or a wrong type is an error.

    Every field states its unit and range in its `description`, so that `strokecast params` can
    print the whole schema. A field that has no effect on the architecture must not exist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RecurrentClassifier(Config):
    """Settings of a classifier whose recurrent layers read the points of a drawing."""

    units: int = Field(96, ge=1, le=4096, description="units of each layer (and direction)")
    layers: int = Field(2, ge=1, le=16, description="recurrent layers on top of each other")
    dropout: Dropout = 0.1
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    activation: Activation = "tanh"
    norm: Norm = "none"
    l2: float = Field(0.0, ge=0, le=1, description="factor of the layers' squared weights in the loss")
    positions: Positions = True
    time: Time = False
    directions: Directions = False
    bidirectional: Bidirectional = False


class FrameCnn(Config):
    """Settings of the small convolutional network that reads one frame (`models/layers/frames.py`)."""

    filters: Sizes = Field(
        (16, 32, 64), min_length=1, description="channels of each convolution; each halves the frame"
    )
    kernels: Sizes = Field((5, 3, 3), min_length=1, description="pixels a side that each convolution sees")
    features: int = Field(64, ge=1, le=4096, description="size of the vector that a frame becomes")
    activation: Literal["relu", "elu"] = Field("relu", description="of convolutions and frame vectors")
    norm: Norm = "batch"
    dropout: Dropout = 0.2
    l2: L2 = 0.0

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if len(self.filters) != len(self.kernels):
            raise PydanticCustomError("lengths", "filters and kernels should be lists of one length")
        return self


class FrameRnn(FrameCnn):
    """Settings of a recurrent network over the vectors of the frames."""

    cell: Literal["lstm", "gru", "simple_rnn"] = Field("gru", description="of the recurrent layers")
    units: int = Field(96, ge=1, le=4096, description="units of each recurrent layer (and direction)")
    layers: int = Field(1, ge=1, le=16, description="recurrent layers on top of each other")
    bidirectional: Annotated[bool, Field(description="read the frames forwards and backwards")] = False
    recurrent_norm: Norm = "none"
    recurrent_dropout: CudnnRecurrentDropout = 0.0


class Forecaster(Config):
    """What all networks of `forecast` have in common (`models/layers/horizon.py`)."""

    quantiles: Quantiles = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
    residual: Residual = "none"


class RecurrentForecaster(Forecaster):
    """Settings of a forecaster whose recurrent layers read the window."""

    units: int = Field(32, ge=1, le=4096, description="units of each layer")
    dropout: Dropout = 0.0
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    norm: Norm = "none"
    l2: L2 = 0.0
    head_units: HeadUnits = 32


class EncoderDecoder(Forecaster):
    """Settings of an encoder and a decoder of days (`models/layers/day_decoder.py`)."""

    cell: Literal["gru", "lstm"] = Field("gru", description="of encoder and decoder")
    units: int = Field(32, ge=1, le=4096, description="units of encoder and decoder")
    teacher_forcing: bool = Field(
        True,
        description="in training the decoder reads the true value of the day before, not its own forecast",
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of units dropped from what the decoder's cell gives"
    )
    l2: L2 = 0.0
    head_units: HeadUnits = 32
