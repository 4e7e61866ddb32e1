"""The architecture `distil`: a student network of another architecture, taught by a teacher (section `distil`).

Source: Hinton et al., 2015, "Distilling the Knowledge in a Neural Network", https://arxiv.org/abs/1503.02531

The loss is that of `training/distillation.py`. The trained network has nothing of the teacher.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.common.config import Config
from strokecast.models.common.registry import Architecture
from strokecast.params import DISTIL


class DistilConfig(Config):
    """Settings of `distil`."""

    student: str = Field(..., description="architecture of the network")
    student_config: dict[str, Any] = Field({}, description="its settings")
    teacher: str = Field(..., description="model whose probabilities it learns")
    temperature: float = Field(4.0, ge=1, description="divides the logits before the softmax")
    weight: float = Field(0.7, gt=0, le=1, description="share of the teacher in the loss")


def student(task: str, config: DistilConfig) -> tuple[Architecture, Config]:
    """The architecture of the student and its checked settings.

    Raises:
        UserError: if the student or its config is not valid, it is not a network, or it reads time.
    """
    location = f"params.yaml: {DISTIL}.{task}"
    try:
        architecture = registry.get(task, config.student)
        checked = registry.config(task, config.student, config.student_config)
    except UserError as error:  # names the key path of a model
        key = error.location.replace(f"models.{task}.{config.student}", f"{DISTIL}.{task}")
        if ".config" not in key:
            key = f"{location}.student"
        raise UserError(error.what, location=key, allowed=error.allowed, fix=error.fix) from None
    if architecture.kind != "network":
        raise UserError(f"{config.student!r} is not a network", location=f"{location}.student")
    if getattr(checked, "time", False):
        raise UserError(
            "a student cannot read the time of the points",
            location=f"{location}.config.time",
            allowed="false",
        )
    return architecture, checked


def architecture(task: str) -> Architecture:
    """The architecture `distil` of a task."""

    def build(config: DistilConfig, spec: Mapping[str, Any]) -> Any:
        """The network of the student, with the name of this architecture."""
        import keras

        chosen, checked = student(task, config)
        network = chosen.build(checked, spec)
        inputs = {tensor.name: tensor for tensor in network.inputs}
        return keras.Model(inputs, network.output, name=DISTIL)

    testing = DistilConfig(student="gru", teacher="lstm")
    return Architecture(task, DISTIL, DistilConfig, testing, build, "network")
