"""Section `models`: the architectures to train, with their configs and their changes to the task's recipe."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Ints, Settings, Strict

MAX_SEED = 2**32 - 1  # of NumPy's global generator, which Keras seeds


class ModelEntry(Strict):
    """One model of a task; its key is the name of an architecture."""

    enabled: bool = Field(True, description="false switches the model off")
    seeds: Ints = Field((1,), min_length=1, description="one training per seed; reports show mean and spread")
    config: Settings = Field({}, description="settings of the architecture")
    training: Settings = Field({}, description="keys of the task's recipe to override")

    @property
    def architecture_config(self) -> dict[str, Any]:
        """The `config` of the architecture."""
        return self.config

    @model_validator(mode="after")
    def _check(self) -> Self:
        for seed in self.seeds:
            if self.seeds.count(seed) > 1:
                raise PydanticCustomError(
                    "seeds", "seeds should be distinct, {seed} is repeated", {"seed": seed}
                )
            if not 0 <= seed <= MAX_SEED:
                raise PydanticCustomError(
                    "seeds",
                    "seeds should be integers from 0 to {max_seed}, not {seed}",
                    {"seed": seed, "max_seed": MAX_SEED},
                )
        return self


class Models(Strict):
    """The models of each task."""

    classify: dict[str, ModelEntry] = Field({}, description="strokes to class")
    watch: dict[str, ModelEntry] = Field({}, description="video of the drawing process to class")
    draw: dict[str, ModelEntry] = Field({}, description="class or latent vector to strokes")
    forecast: dict[str, ModelEntry] = Field({}, description="past days to the next `horizon` days")
