"""`strokecast params`: every key of `params.yaml` with its default, legal values, unit and meaning."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.params import explain


def describe(section: str = "") -> str:
    """The keys of a section as indented text, one line per key: `key: default  # legal values; meaning`.

    Args:
        section: dotted key path, e.g. `training.classify` or `models.classify.gru`; empty: all sections and, for
            every architecture, the keys of its `config:`.

    Raises:
        UserError: if there is no such section, with the existing ones.
    """
    if section:
        return "\n".join(_section(section)) + "\n"
    lines = list(_lines(params.Params, 0))
    for task in params.TASKS:
        for name in registry.names(task):
            lines += ["", *_architecture(task, name)]
    return "\n".join(lines) + "\n"


def values(settings: params.Params, section: str = "") -> str:
    """The values in effect as YAML.

    Args:
        settings: with all defaults filled in.
        section: dotted key path; empty: everything.

    Raises:
        UserError: if there is no such key, with the existing ones.
    """
    from ruamel.yaml import YAML

    tree: Any = settings.model_dump(mode="json")
    path = section.split(".") if section else []
    for depth, key in enumerate(path):
        if not isinstance(tree, Mapping) or key not in tree:
            raise _unknown(path[: depth + 1], list(tree) if isinstance(tree, Mapping) else [])
        tree = tree[key]
    for key in reversed(path):
        tree = {key: tree}
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = io.StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


def json_schema() -> dict[str, Any]:
    """The JSON schema of `params.yaml`, for completion and checks in an editor.

    It is what pydantic derives from the models, with one entry per architecture below `models.<task>`.
    """
    schema = params.Params.model_json_schema()
    definitions = schema["$defs"]
    tasks = definitions["Models"]["properties"]
    for task in params.TASKS:
        recipe = _define(definitions, f"{task}.training", params.RECIPES[task])
        entries = {}
        for name in registry.names(task):
            config = _define(definitions, f"{task}.{name}.config", registry.get(task, name).config)
            shared = {key: {"$ref": f"#/$defs/ModelEntry/properties/{key}"} for key in ("enabled", "seeds")}
            keys = {**shared, "config": config, "training": recipe}
            entries[name] = {"type": ["object", "null"], "additionalProperties": False, "properties": keys}
        tasks[task] |= {"additionalProperties": False, "properties": entries}
    for definition in definitions.values():
        if definition.get("type") == "object":
            definition["type"] = ["object", "null"]  # a section without a key
    dialect = "http://json-schema.org/draft-07/schema#"
    return {"$schema": dialect, **_untitled(schema), "title": "params.yaml of strokecast"}


def json_schema_text() -> str:
    """`json_schema` as `params.schema.json` holds it: one definition per line."""
    schema = json_schema()
    definitions = schema.pop("$defs")
    rows = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(definitions.items())]
    head = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in schema.items())
    return "{\n" + head + ' "$defs": {\n' + ",\n".join(rows) + "\n }\n}\n"


def _define(definitions: dict[str, Any], name: str, model: type[BaseModel]) -> dict[str, str]:
    """Add the schema of `model` to `definitions`; returns a reference to it."""
    schema = model.model_json_schema()
    definitions.update(schema.pop("$defs", {}))
    definitions[name] = schema
    return {"$ref": f"#/$defs/{name}"}


def _untitled(schema: Any) -> Any:
    """`schema` without pydantic's titles, which repeat the names of keys."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: _untitled(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}


def _section(section: str) -> Iterator[str]:
    path = section.split(".")
    model: type[BaseModel] = params.Params
    start = 0
    if len(path) >= 3 and path[0] == "models" and path[1] in params.TASKS:
        _, task, name, *keys = path
        if name not in registry.names(task):
            raise _unknown(path[:3], registry.names(task))
        if not keys:
            yield from _architecture(task, name)
            return
        nested = {"config": registry.get(task, name).config, "training": params.RECIPES[task]}
        model, start = (nested[keys[0]], 4) if keys[0] in nested else (params.ModelEntry, 3)
        yield f"{'.'.join(path[:start])}:"
        if start == len(path):
            yield from _lines(model, 1)
            return
    for depth, key in enumerate(path[start:], start):
        if key not in model.model_fields:
            raise _unknown(path[: depth + 1], list(model.model_fields))
        field = model.model_fields[key]
        if not _is_model(field.annotation):
            if depth + 1 < len(path):
                raise _unknown(path[: depth + 2], [])
            yield from _leaf(key, field, depth - max(0, start - 1))
            return
        yield f"{'  ' * depth}{key}:  # {field.description}"
        model = field.annotation  # type: ignore[assignment]
    yield from _lines(model, len(path))


def _architecture(task: str, name: str) -> Iterator[str]:
    architecture = registry.get(task, name)
    yield f"models.{task}.{name}.config:"
    yield from list(_lines(architecture.config, 1)) or ["  {}  # nothing to set"]
    if architecture.training:
        yield f"models.{task}.{name}.training:  # differs from training.{task} by default; all its keys are allowed"
        yield from (f"  {key}: {_text(value)}" for key, value in architecture.training.items())


def _lines(model: type[BaseModel], depth: int) -> Iterator[str]:
    for name, field in model.model_fields.items():
        indent = "  " * depth
        if _is_model(field.annotation):
            yield f"{indent}{name}:  # {field.description}"
            yield from _lines(field.annotation, depth + 1)  # type: ignore[arg-type]
        else:
            yield from _leaf(name, field, depth)


def _leaf(name: str, field: FieldInfo, depth: int) -> Iterator[str]:
    """The line of a key, and the keys of each entry if it is a mapping or a list of sections."""
    default = "(required)" if field.is_required() else _text(field.get_default(call_default_factory=True))
    legal = explain.legal_values(field.annotation, list(field.metadata))
    yield f"{'  ' * depth}{name}: {default}  # {legal}; {field.description}"
    entry = _entry_model(field.annotation)
    if entry is None:
        return
    title = "- # each entry" if get_origin(field.annotation) is tuple else "<name>:  # each entry"
    if entry is params.ModelEntry:
        names = ", ".join(registry.names(name))
        title = f"<name>:  # one of {names}; `strokecast params models.{name}.<name>` prints its config"
    yield "  " * (depth + 1) + title
    yield from _lines(entry, depth + 2)


def _entry_model(annotation: Any) -> type[BaseModel] | None:
    """The section that each value of a mapping or a list is; None if they are no sections."""
    if get_origin(annotation) not in (dict, tuple):
        return None
    return next((one for one in get_args(annotation) if _is_model(one)), None)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_text(v) for v in value) + "]"
    return '""' if value == "" else str(value)


def _unknown(path: list[str], choices: list[str]) -> UserError:
    return UserError(
        f"no key {'.'.join(path)!r} in params.yaml",
        allowed=choices or "no keys",
        fix="`strokecast params` prints all keys",
    )
