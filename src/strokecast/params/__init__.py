"""`params.yaml` as frozen, typed models.

Unknown keys, wrong types and values out of range become one `UserError` line that names the key
path, the value and what is allowed. What an architecture's own `config:` may hold is declared in
that architecture's file and checked by `strokecast.models.common.registry.config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from strokecast.common.errors import UserError
from strokecast.common.paths import PARAMS
from strokecast.params.base import DATASETS, TASKS, Strict
from strokecast.params.draw import Draw, DrawEvaluation
from strokecast.params.evaluation import (
    ClassifyEvaluation,
    Evaluation,
    ForecastEvaluation,
    Regime,
    WatchEvaluation,
)
from strokecast.params.explain import first_error
from strokecast.params.features import (
    ClassifyFeatures,
    DrawFeatures,
    Features,
    ForecastFeatures,
    Preprocess,
    WatchFeatures,
)
from strokecast.params.models import ModelEntry, Models
from strokecast.params.quality import Quality, SeriesQuality, SketchQuality
from strokecast.params.sources import (
    Births,
    Cap,
    ClassFiles,
    Csv,
    Cta,
    Doodles,
    NpzFolder,
    QuickDraw,
    Series,
    Sketches,
    Tutorial,
)
from strokecast.params.training import (
    RECIPES,
    ClassifyRecipe,
    DrawRecipe,
    ForecastRecipe,
    LabelRecipe,
    Recipe,
    Training,
    WatchRecipe,
)

__all__ = [
    "DATASETS",
    "RECIPES",
    "TASKS",
    "Births",
    "Cap",
    "ClassFiles",
    "ClassifyEvaluation",
    "ClassifyFeatures",
    "ClassifyRecipe",
    "Csv",
    "Cta",
    "Doodles",
    "Draw",
    "DrawEvaluation",
    "DrawFeatures",
    "DrawRecipe",
    "Evaluation",
    "Features",
    "ForecastEvaluation",
    "ForecastFeatures",
    "ForecastRecipe",
    "LabelRecipe",
    "ModelEntry",
    "Models",
    "NpzFolder",
    "Params",
    "Preprocess",
    "Quality",
    "QuickDraw",
    "Recipe",
    "Regime",
    "Series",
    "SeriesQuality",
    "SketchQuality",
    "Sketches",
    "Strict",
    "Training",
    "Tutorial",
    "WatchEvaluation",
    "WatchFeatures",
    "WatchRecipe",
    "load",
    "parse",
]


class Params(Strict):
    """All of `params.yaml`."""

    sketches: Sketches = Field(Sketches(), description="where pen drawings come from")
    series: Series = Field(Series(), description="where the daily series comes from")
    quality: Quality = Field(Quality(), description="what is accepted")
    features: Features = Field(Features(), description="how records are made")
    preprocess: Preprocess = Field(Preprocess(), description="where records are made")
    training: Training = Field(Training(), description="how networks are trained")
    models: Models = Field(Models(), description="what is trained")
    evaluation: Evaluation = Field(Evaluation(), description="how models are judged")
    draw: Draw = Field(Draw(), description="which other model the task draw needs")

    def entries(self, task: str) -> dict[str, ModelEntry]:
        """All models of a task, switched off or not, in the order of the file."""
        entries: dict[str, ModelEntry] = getattr(self.models, task)
        return entries

    def recipe(self, task: str, name: str) -> Any:
        """The recipe of one model: the task's, with that model's own keys on top.

        Raises:
            UserError: if the overrides hold an unknown key or a bad value.
        """
        base: Recipe = getattr(self.training, task)
        override = self.entries(task)[name].training
        try:
            return RECIPES[task].model_validate({**base.model_dump(), **override})
        except ValidationError as error:
            raise first_error(error, RECIPES[task], ("models", task, name, "training")) from None


def load(path: Path = PARAMS) -> Params:
    """Read and check `params.yaml` (YAML 1.2, as DVC reads it).

    Raises:
        UserError: if the file is missing, no YAML, or holds anything that is not allowed.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), fix="run from the project's root") from None
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", where=str(path)) from None
    try:
        values = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UserError(f"no valid YAML: {error.problem}", where=f"{path}, line {line}") from None
    except (YAMLError, ValueError) as error:
        raise UserError(f"no valid YAML: {error}", where=str(path)) from None
    if not isinstance(values, dict):
        raise UserError(
            "should hold keys and values", where=str(path), allowed=", ".join(Params.model_fields)
        )
    return parse(values)


def parse(values: Mapping[str, Any]) -> Params:
    """Check the contents of `params.yaml`.

    Raises:
        UserError: names the key path, the value and what is allowed.
    """
    try:
        params = Params.model_validate(dict(values))
    except ValidationError as error:
        raise first_error(error, Params) from None
    for task in TASKS:
        for name in params.entries(task):
            params.recipe(task, name)
        _check_baseline(params, task)
    _check_referee(params)
    return params


def _check_referee(params: Params) -> None:
    """Where draw has a model, its referee is a model of classify that is switched on and reads no time."""
    if not any(entry.enabled for entry in params.models.draw.values()):
        return
    name, judges = params.draw.referee, params.models.classify
    fit = [n for n, entry in judges.items() if entry.enabled and not entry.config.get("time")]
    if name in fit:
        return
    what = "is no model of classify"
    if name in judges:
        what = (
            "is switched off" if not judges[name].enabled else "reads time, which generated drawings have not"
        )
    raise UserError(
        f"{name!r} {what}",
        where="params.yaml: draw.referee",
        allowed=", ".join(fit) or "a model of classify",
        fix="" if fit else "add one, or switch the models of draw off",
    )


def _check_baseline(params: Params, task: str) -> None:
    name = getattr(getattr(params.evaluation, task, None), "baseline", None)
    if name is not None and name not in params.entries(task):
        raise UserError(
            f"{name!r} is no model of {task}",
            where=f"params.yaml: evaluation.{task}.baseline",
            allowed=", ".join([*params.entries(task), "null"]),
        )
