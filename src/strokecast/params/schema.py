"""The root of the schema: all of `params.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from strokecast.common.errors import UserError
from strokecast.params.base import TASKS, Strict
from strokecast.params.distil import DISTIL, Distillation, TaughtTask
from strokecast.params.draw import Draw
from strokecast.params.evaluation import Evaluation
from strokecast.params.explain import first_error
from strokecast.params.features import Features, Preprocess
from strokecast.params.models import ModelEntry, Models
from strokecast.params.promotion import Promotion
from strokecast.params.quality import Quality
from strokecast.params.runtime import Runtime
from strokecast.params.sources import Series, Sketches
from strokecast.params.training import RECIPES, Recipe, TrainingParams


class Params(Strict):
    """All of `params.yaml`.

    What `config:` and `training:` of a model may hold depends on its architecture; `strokecast.models.common.resolve`
    checks these and fills in their defaults.
    """

    sketches: Sketches = Field(Sketches(), description="where pen drawings come from")
    series: Series = Field(Series(), description="where the daily series comes from")
    quality: Quality = Field(Quality(), description="rules for raw data")
    features: Features = Field(Features(), description="how raw data become model inputs")
    preprocess: Preprocess = Field(Preprocess(), description="where the stages preprocess@<task> run")
    training: TrainingParams = Field(TrainingParams(), description="how networks are trained")
    runtime: Runtime = Field(Runtime(), description="the devices and the arithmetic of trainings")
    models: Models = Field(Models(), description="which models are trained")
    distil: dict[TaughtTask, Distillation] = Field(
        {},
        description="task → a small network that a trained model teaches: a row `distil` of its own; {}: none",
    )
    evaluation: Evaluation = Field(Evaluation(), description="how models are evaluated on the test split")
    draw: Draw = Field(Draw(), description="the classifier that the task draw needs")
    promotion: Promotion = Field(Promotion(), description="what a model must reach to become the champion")

    def entries(self, task: str) -> dict[str, ModelEntry]:
        """All models of a task, switched off or not, in the order of the file; `distil` is the last."""
        taught: dict[Any, Distillation] = getattr(self, "distil", {})  # a stage may have this section alone
        if task not in taught:
            models: dict[str, ModelEntry] = getattr(self.models, task)
            return models
        return {**getattr(getattr(self, "models", None), task, {}), DISTIL: taught[task]}

    def location(self, task: str, name: str) -> str:
        """Dotted key path of a model's entry."""
        return f"{DISTIL}.{task}" if name == DISTIL else f"models.{task}.{name}"

    def is_enabled(self, task: str) -> bool:
        """Whether a model of a task is switched on. All stages skip a task without one."""
        return any(entry.enabled for entry in self.entries(task).values())

    def recipe(self, task: str, name: str, declared: Mapping[str, Any] | None = None) -> Any:
        """The training recipe of one model, a `Recipe` of its task.

        For each key, the first of these that sets it wins: `training` of the model, `training.<task>` in the file, the
        defaults of the architecture, the defaults of the task.

        Args:
            task: one of `TASKS`.
            name: a model of the task.
            declared: the defaults of the architecture.

        Raises:
            UserError: for an unknown key, a value that is not valid, or keys that exclude each other.
        """
        base: Recipe = getattr(self.training, task)
        values = {
            **(declared or {}),
            **base.model_dump(exclude_unset=True),
            **self.entries(task)[name].training,
        }
        try:
            return RECIPES[task].model_validate(values)
        except ValidationError as error:
            raise first_error(error, RECIPES[task], (self.location(task, name), "training")) from None

    def check_enabled(self) -> None:
        """Check that there is something to train.

        Raises:
            UserError: if no model of any task is switched on.
        """
        if not any(map(self.is_enabled, TASKS)):
            raise UserError(
                "no model of any task is enabled",
                location="params.yaml: models",
                fix="set `enabled: true` for at least one",
            )
