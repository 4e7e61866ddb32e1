"""What the configs of all architectures have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from strokecast.params.base import to_tuple

# Keys that mean the same wherever they stand; an architecture gives the default.
Positions = Annotated[
    bool, Field(description="read where the pen is, in a box of the drawing's size, beside its moves")
]
Time = Annotated[
    bool,
    Field(description="read the time since the point before, where the source has it (quickdraw_raw)"),
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
Sizes = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], BeforeValidator(to_tuple)]


class Config(BaseModel):
    """Frozen, strict settings of one architecture: an unknown key or a wrong type is an error.

    Every field states its unit and range in its `description`, so that `strokecast params` can
    print the whole schema. A field that has no effect on the architecture must not exist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
