"""The whole of `params.yaml` in words: every key with its default, its legal values and its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from strokecast import params
from strokecast.models.common import registry
from strokecast.params import explain


def check(settings: params.Params) -> None:
    """Check what `params.load` cannot: each model's `config:` against its architecture.

    Raises:
        UserError: for an unknown architecture, key, type or range; names the choices.
    """
    for task in params.TASKS:
        for name, entry in settings.entries(task).items():
            registry.config(task, name, entry.config)


def render() -> str:
    """The schema as indented text, one line a key: `key: default  # legal values; meaning`."""
    lines = list(_lines(params.Params, 0))
    lines += ["", "# What `config:` of each model may hold, and its default:"]
    for task in params.TASKS:
        for name in registry.names(task):
            architecture = registry.get(task, name)
            lines.append(f"models.{task}.{name}.config:")
            lines += list(_lines(architecture.config, 1)) or ["  {}  # nothing to set"]
    lines += ["", "# What each entry below models.<task> holds:"]
    lines += list(_lines(params.ModelEntry, 1))
    return "\n".join(lines) + "\n"


def _lines(model: type[BaseModel], depth: int) -> Iterator[str]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        indent = "  " * depth
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield f"{indent}{name}:  # {field.description}"
            yield from _lines(annotation, depth + 1)
            continue
        legal = explain.legal_values(annotation, list(field.metadata))
        yield f"{indent}{name}: {_default(field)}  # {legal}; {field.description}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(to be given)"
    value: Any = field.get_default(call_default_factory=True)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(str(v) for v in value) + "]"
    return '""' if value == "" else str(value)
