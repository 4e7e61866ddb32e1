"""Sections `draw` and `evaluation.draw`: the judge, and how generated drawings are evaluated."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from strokecast.params.base import Share, Strict, ascending, to_tuple

Temperatures = Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], BeforeValidator(to_tuple)]


class Draw(Strict):
    """What the task draw needs from other tasks."""

    judge: str = Field(
        "conv_rnn", description="model of classify that labels generated drawings; it is trained first"
    )


class DrawEvaluation(Strict):
    """How the models of draw are evaluated on the test split."""

    samples: int = Field(50, ge=1, le=10_000, description="drawings that each model generates per class")
    temperature: float = Field(
        0.3,
        ge=0,
        le=10,
        description="sampling temperature of these drawings; 0: the mode, 1: the model's own density",
    )
    temperatures: Temperatures = Field(
        (0.1, 0.3, 0.5, 0.8, 1.0), min_length=1, description="sampling temperatures shown side by side"
    )
    seed: int = Field(0, ge=0, description="seed of the generated drawings and of the bootstrap")
    resamples: int = Field(1000, ge=100, le=1_000_000, description="bootstrap resamples for the intervals")
    level: Share = Field(0.95, description="confidence level of the intervals")

    @model_validator(mode="after")
    def _check(self) -> Self:
        ascending(self.temperatures, "temperatures")
        return self
