"""Section `draw`: which other model the task needs, and how generated drawings are judged."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from strokecast.params.base import Share, Strict, ascending, to_tuple

Temperatures = Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], BeforeValidator(to_tuple)]


class Draw(Strict):
    """What the task draw needs of others."""

    referee: str = Field(
        "conv_rnn", description="a model of classify that says what a generated drawing shows, trained before"
    )


class DrawEvaluation(Strict):
    """How the models of draw are judged on the test split."""

    samples: int = Field(50, ge=1, le=10_000, description="drawings a class that each model is asked for")
    temperature: float = Field(
        0.3, ge=0, le=10, description="of these drawings; 0: what is likeliest, 1: the model's own density"
    )
    ladder: Temperatures = Field(
        (0.1, 0.3, 0.5, 0.8, 1.0), min_length=1, description="temperatures shown side by side"
    )
    seed: int = Field(0, ge=0, description="seed of the drawings and of the bootstrap")
    resamples: int = Field(1000, ge=100, description="bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="level of the intervals")

    @model_validator(mode="after")
    def _check(self) -> Self:
        ascending(self.ladder, "ladder")
        return self
