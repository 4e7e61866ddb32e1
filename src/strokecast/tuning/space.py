"""The search space of one model: what its architecture and its task declare, changed by a YAML file of the user.

A key is `config.<key>` or `training.<key>`, as below the model's entry in params.yaml.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError, suggest
from strokecast.models.common import registry
from strokecast.models.common.search_space import Choices, Dimension, Range, Value
from strokecast.params import RECIPES
from strokecast.params.yaml_file import read_yaml

Space = Mapping[str, Dimension]

_SECTIONS = ("config", "training")
_BATCH_SIZES = Choices((32, 64, 128))
_RECIPES: dict[str, dict[str, Dimension]] = {
    "classify": {
        "learning_rate": Range(0.0005, 0.02, log=True),
        "batch_size": _BATCH_SIZES,
        "label_smoothing": Range(0.0, 0.2),
    },
    "watch": {
        "learning_rate": Range(0.0005, 0.02, log=True),
        "batch_size": _BATCH_SIZES,
        "label_smoothing": Range(0.0, 0.2),
    },
    "draw": {"learning_rate": Range(0.001, 0.02, log=True), "batch_size": Choices((16, 32, 64))},
    "forecast": {"learning_rate": Range(0.001, 0.05, log=True), "batch_size": _BATCH_SIZES},
}


def declared(task: str, name: str) -> dict[str, Dimension]:
    """The space that the architecture declares, and for a network that of its task's recipe; empty: there is none."""
    architecture = registry.get(task, name)
    space = {f"config.{key}": dimension for key, dimension in architecture.search_space.items()}
    if architecture.kind == "network":
        space |= {f"training.{key}": dimension for key, dimension in _RECIPES[task].items()}
    return space


def load(task: str, name: str, path: Path | None = None, only: Sequence[str] = ()) -> dict[str, Dimension]:
    """The space of a search.

    Args:
        task: of the model.
        name: of the model.
        path: YAML file with sections `config` and `training`. Each key has `{low, high}`, optionally with `log: true`, a
            list of choices, or null, which leaves the key out of the search. Keys that it lacks keep what is declared.
        only: keys to search; (): all.

    Raises:
        UserError: if the file is not valid, a key of `only` has no range, or nothing is left to search.
    """
    space = declared(task, name)
    if path is not None:
        for key, dimension in _read(path):
            if dimension is None:
                space.pop(key, None)
            else:
                space[key] = _as_float(dimension) if _is_float(task, name, key) else dimension
    for key in only:
        if key not in space:
            raise UserError(
                f"{key!r} has no range", location="--only", allowed=list(space), fix=suggest(key, list(space))
            )
    space = {key: dimension for key, dimension in space.items() if not only or key in only}
    if not space:
        raise UserError(
            f"{name} has no search space",
            location=f"models.{task}.{name}",
            fix="give one by --space FILE, e.g. `config: {max_history_days: [365, 1096]}`",
        )
    return space


def to_json(space: Space) -> dict[str, Any]:
    """The space as JSON values, in the form of the YAML file with flat keys."""
    return {
        key: {"low": dimension.low, "high": dimension.high, "log": dimension.log}
        if isinstance(dimension, Range)
        else list(dimension.values)
        for key, dimension in space.items()
    }


def grid(space: Space) -> list[dict[str, Value]]:
    """All combinations of the choices and of three values per range."""
    axes = [dimension.grid() for dimension in space.values()]
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*axes)]


def nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`{"config.units": 8}` → `{"config": {"units": 8}}`."""
    sections: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        section, _, key = path.partition(".")
        sections.setdefault(section, {})[key] = value
    return sections


def _read(path: Path) -> Iterator[tuple[str, Dimension | None]]:
    for section, keys in read_yaml(path).items():
        if section not in _SECTIONS:
            raise UserError(f"unknown section {section!r}", location=str(path), allowed=_SECTIONS)
        if not isinstance(keys, Mapping):
            raise UserError("is not a mapping", location=f"{path}: {section}", allowed="keys with ranges")
        for key, value in keys.items():
            location = f"{path}: {section}.{key}"
            yield f"{section}.{key}", None if value is None else _dimension(value, location)


def _is_float(task: str, name: str, key: str) -> bool:
    """Whether the key has a default that is not an integer, so that `{low: 0, high: 1}` means all numbers between."""
    section, _, field = key.partition(".")
    model = registry.get(task, name).config if section == "config" else RECIPES[task]
    return field in model.model_fields and isinstance(model.model_fields[field].default, float)


def _as_float(dimension: Dimension) -> Dimension:
    if isinstance(dimension, Range):
        return Range(float(dimension.low), float(dimension.high), dimension.log)
    return dimension


def _dimension(value: Any, location: str) -> Dimension:
    """The dimension that a value of the YAML file describes."""
    if isinstance(value, list) and value and all(isinstance(one, bool | int | float | str) for one in value):
        return Choices(tuple(value))
    if isinstance(value, Mapping) and {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        low, high, log = value["low"], value["high"], value.get("log", False)
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (low, high))
        if numbers and isinstance(log, bool) and low < high and (not log or low > 0):
            return Range(low, high, log)
    raise UserError(
        "is not a range",
        location=location,
        allowed="{low: NUMBER, high: larger NUMBER}, with log: true if both are above 0; a list of choices; null",
    )
