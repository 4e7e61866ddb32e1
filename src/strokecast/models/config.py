"""What the configs of all architectures have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Frozen, strict settings of one architecture: an unknown key or a wrong type is an error.

    Every field states its unit and range in its `description`, so that `strokecast params` can
    print the whole schema. A field that has no effect on the architecture must not exist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
