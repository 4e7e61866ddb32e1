"""Section `distil`: small networks that are taught by a trained model (Hinton et al., 2015)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from strokecast.common.errors import UserError, suggest
from strokecast.params.base import Settings
from strokecast.params.models import ModelEntry

if TYPE_CHECKING:
    from strokecast.params.schema import Params

DISTIL = "distil"  # name of the row of each task
TaughtTask = Literal["classify", "watch"]


class Distillation(ModelEntry):
    """A student network whose training loss also compares it with a teacher. DVC trains the teacher first."""

    teacher: str = Field(..., description="model of the same task, a network; its first seed teaches")
    student: str = Field(..., description="architecture of the same task, a network")
    config: Settings = Field({}, description="settings of the student's architecture")
    temperature: float = Field(
        4.0,
        ge=1,
        le=100,
        description="divides the logits of both before the softmax: the higher, the more the classes that the teacher "
        "ranks low count",
    )
    weight: float = Field(
        0.7, gt=0, le=1, description="share of the teacher in the loss; the rest is the loss of the labels"
    )

    @property
    def architecture_config(self) -> dict[str, Any]:
        """The `config` of the architecture `distil` (`models/common/distil.py`)."""
        keys = ("student", "teacher", "temperature", "weight")
        return {key: getattr(self, key) for key in keys} | {"student_config": self.config}


def check(params: Params) -> None:
    """Check that each teacher is a model that is trained, and that `distil` names no model of `models`.

    Raises:
        UserError: for a teacher that is unknown or switched off, or a model that has the name of this row.
    """
    for task, entry in params.distil.items():
        models = getattr(params.models, task)
        if DISTIL in models:
            raise UserError(
                f"{DISTIL!r} is the name of the row of the section `{DISTIL}`",
                location=f"params.yaml: models.{task}.{DISTIL}",
                fix=f"remove it here, and set {DISTIL}.{task}",
            )
        enabled = [name for name, model in models.items() if model.enabled]
        if entry.enabled and entry.teacher not in enabled:
            is_off = entry.teacher in models
            raise UserError(
                f"{entry.teacher!r} {'is switched off' if is_off else f'is not a model of {task}'}",
                location=f"params.yaml: {DISTIL}.{task}.teacher",
                allowed=enabled or f"a model of {task}",
                fix=f"set enabled: true in models.{task}.{entry.teacher}"
                if is_off
                else suggest(entry.teacher, enabled),
            )
