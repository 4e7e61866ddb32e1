"""Section `models`: the architectures to train, with their configs and their changes to the task's recipe."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Ints, Strict


class ModelEntry(Strict):
    """One model of a task; its key is the name of an architecture."""

    enabled: bool = Field(True, description="false switches the model off")
    seeds: Ints = Field((1,), min_length=1, description="one training per seed; reports show mean and spread")
    config: dict[str, Any] = Field({}, description="settings of the architecture")
    training: dict[str, Any] = Field({}, description="keys of the task's recipe to override")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise PydanticCustomError("seeds", "seeds should be distinct numbers, 0 or more")
        return self


class Models(Strict):
    """The models of each task."""

    classify: dict[str, ModelEntry] = Field({}, description="strokes to class")
    watch: dict[str, ModelEntry] = Field({}, description="video of the drawing process to class")
    draw: dict[str, ModelEntry] = Field({}, description="class or latent vector to strokes")
    forecast: dict[str, ModelEntry] = Field({}, description="past days to the next `horizon` days")
