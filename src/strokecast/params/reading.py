"""Reading and checking `params.yaml`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from strokecast.common.errors import UserError
from strokecast.common.paths import PARAMS
from strokecast.params.base import TASKS
from strokecast.params.explain import first_error
from strokecast.params.schema import Params


def load(path: Path = PARAMS) -> Params:
    """Read and check `params.yaml` (YAML 1.2, as DVC reads it).

    Raises:
        UserError: if the file is missing, is not valid YAML, or holds anything that is not valid.
    """
    values = read_yaml(path)
    _refuse_dates(values, path)
    return parse(values)


def _refuse_dates(values: Any, path: Path, keys: tuple[str, ...] = ()) -> None:
    """DVC reads params.yaml, too, and stops at a YAML date without naming the remedy."""
    if isinstance(values, datetime.date):
        raise UserError(
            f"{values} is a date without quotes, which DVC cannot read",
            location=f"{path}: {'.'.join(keys)}",
            fix=f'write "{values}"',
        )
    items = (
        values.items()
        if isinstance(values, Mapping)
        else enumerate(values)
        if isinstance(values, list)
        else ()
    )
    for key, value in items:
        _refuse_dates(value, path, (*keys, str(key)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        UserError: if the file is missing, is not valid YAML, or does not hold a mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", location=str(path), fix="run from the project's root") from None
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", location=str(path)) from None
    try:
        values = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UserError(f"not valid YAML: {error.problem}", location=f"{path}, line {line}") from None
    except (YAMLError, ValueError) as error:
        raise UserError(f"not valid YAML: {error}", location=str(path)) from None
    if not isinstance(values, dict):
        raise UserError(
            "should hold keys and values", location=str(path), allowed=", ".join(Params.model_fields)
        )
    return values


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
    params.check_references()
    return params
