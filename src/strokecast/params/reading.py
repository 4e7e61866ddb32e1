"""Reading and checking `params.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from strokecast.common.errors import UserError
from strokecast.common.paths import PARAMS
from strokecast.params import references
from strokecast.params.base import TASKS
from strokecast.params.explain import first_error
from strokecast.params.schema import Params
from strokecast.params.yaml_file import read_yaml


def load(path: Path = PARAMS) -> Params:
    """Read and check `params.yaml` (YAML 1.2, as DVC reads it).

    Raises:
        UserError: if the file is missing, is not valid YAML, or holds anything that is not valid.
    """
    values = read_yaml(path)
    _refuse_null_models(values)
    return parse(values)


def _refuse_null_models(values: Mapping[str, Any]) -> None:
    """DVC makes one stage per model. It reads `{}` as no model, and stops at null, e.g. if all lines are comments."""
    models = values.get("models", {})
    for task in TASKS:
        if models is None or (isinstance(models, Mapping) and models.get(task, {}) is None):
            key, nothing = ("models", "models: {}") if models is None else (f"models.{task}", f"{task}: {{}}")
            raise UserError(
                "null is not valid, because DVC cannot read it",
                location=f"params.yaml: {key}",
                fix=f"write `{nothing}` for no models",
            )


def parse(values: Mapping[str, Any]) -> Params:
    """Check the contents of `params.yaml`, except the configs of architectures.

    Raises:
        UserError: with the key path, the value and the valid values.
    """
    try:
        params = Params.model_validate(dict(values))
    except ValidationError as error:
        raise first_error(error, Params) from None
    for task in TASKS:
        for name in params.entries(task):
            params.recipe(task, name)
    references.check(params)
    return params
