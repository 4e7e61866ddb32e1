"""Pydantic errors as one line for the user, and the valid values of a field as text."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError, suggest
from strokecast.params.renamed import new_name, new_path

# Types of pydantic errors whose message repeats the type and the range of the field.
_SAID_BY_LEGAL_VALUES = (
    "int_", "float_", "bool_", "string_type", "tuple_type", "dict_type", "model_", "finite_number",
    "greater_than", "less_than",
)  # fmt: skip


def to_date_text(value: Any) -> Any:
    """A YAML date, or a string YYYY-MM-DD, as the string YYYY-MM-DD; other values are returned unchanged."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except ValueError:
            raise PydanticCustomError("date", "should be a date written YYYY-MM-DD") from None
    return value


def first_error(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> UserError:
    """The first error of a failed validation as a `UserError`, with the key paths of the other errors.

    Args:
        error: raised by `model`.
        model: the validated section.
        prefix: key path of that section in `params.yaml`.
    """
    errors = error.errors(include_url=False)
    head = errors[0]
    path = _key_path(head["loc"], model)
    dotted = ".".join((*prefix, *path))
    location = f"params.yaml: {dotted}" if dotted else "params.yaml"
    others = sorted({".".join((*prefix, *_key_path(e["loc"], model))) for e in errors})
    others = [other for other in others if not _nested(other, dotted)]
    fix = f"also wrong: {', '.join(others)}" if others else ""
    if head["type"] == "extra_forbidden":
        choices = list(_model_at(model, path[:-1]).model_fields)
        renamed, moved = new_name((*prefix, *path)), new_path((*prefix, *path))
        hint = f"this key was renamed to {renamed!r}" if renamed in choices else suggest(path[-1], choices)
        if moved is not None:
            hint = f"this key moved to {moved}"
        return UserError(
            f"unknown key {path[-1]!r}",
            location=location,
            allowed=choices,
            fix=" ".join((hint, fix)).strip(),
        )
    if head["type"] == "missing":
        return UserError("is missing", location=location, allowed=_allowed(head, model, path), fix=fix)
    if isinstance(head["input"], dict | BaseModel) and not head["msg"].startswith("Input should"):
        return UserError(head["msg"], location=location, fix=fix)  # keys that contradict each other
    if head["type"] == "string_pattern_mismatch" and re.fullmatch(
        head["ctx"]["pattern"], head["input"].upper()
    ):
        fix = " ".join((f"did you mean {head['input'].upper()!r}?", fix)).strip()
    return UserError(
        f"{_short(head['input'])} is not valid",
        location=location,
        allowed=_allowed(head, model, path),
        fix=fix,
    )


def _nested(path: str, other: str) -> bool:
    """Whether one key path lies below the other; the members of a union give an error each."""
    return f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.")


def _short(value: Any) -> str:
    """A value as YAML writes it, cut to 80 characters."""
    value = value.model_dump() if isinstance(value, BaseModel) else value
    value = list(value) if isinstance(value, tuple) else value
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _key_path(loc: tuple[int | str, ...], model: type[BaseModel]) -> tuple[str, ...]:
    """The key path of a pydantic error location, which also has steps for the members of a union."""
    path: list[str] = []
    annotation: Any = model
    for step in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            path.append(str(step))
            field = annotation.model_fields.get(str(step))
            annotation = _inner(field.annotation) if field else None
        elif get_origin(annotation) is dict:
            path.append(str(step))
            annotation = get_args(annotation)[1]
        elif isinstance(step, int):
            path.append(str(step))
            is_tuple = get_origin(annotation) is tuple
            annotation = get_args(annotation)[0] if is_tuple and get_args(annotation) else None
    return tuple(path)


def _inner(annotation: Any) -> Any:
    """`annotation` without `Annotated`; of a union, its first model."""
    if get_origin(annotation) is Annotated:
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        models = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
        return models[0] if models else None
    return annotation


def _model_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    """The model of the section at `path`; `model` itself if that is not a section."""
    annotation: Any = model
    for step in path:
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        elif get_origin(annotation) is tuple:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = _inner(annotation.model_fields[step].annotation)
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else model


def _allowed(head: Any, model: type[BaseModel], path: Sequence[str]) -> str | tuple[str, ...]:
    """The valid values of the key at `path`: choices as a tuple, anything else as text.

    Args:
        head: the pydantic error.
        model: the validated section.
        path: key path from that section.
    """
    message = head["msg"]
    for start in ("Input should be ", "Value error, ", "should be "):
        message = message.removeprefix(start)
    try:
        owner = _model_at(model, path[:-1])
        field = owner.model_fields[path[-1]]
    except (KeyError, IndexError):
        return "a mapping" if head["type"].startswith(("model_", "dict_")) else str(message)
    if get_origin(field.annotation) is Literal:
        return tuple(map(_choice, get_args(field.annotation)))
    legal = legal_values(field.annotation, list(field.metadata))
    if head["type"] == "string_pattern_mismatch":
        return str(field.description)
    if (
        head["type"] == "missing"
        or _is_union(field.annotation)
        or head["type"].startswith(_SAID_BY_LEGAL_VALUES)
    ):
        return legal
    if head["type"] in ("too_short", "string_too_short"):
        return f"{legal}, not empty"
    return f"{legal} ({message})"


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) is Union or type(annotation).__name__ == "UnionType"


def legal_values(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """The valid values of a field as text: its type with its range, or its choices.

    Args:
        annotation: type of the field.
        metadata: its constraints and validators.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        return legal_values(inner, [*extra, *metadata])
    if _is_union(annotation):
        return " or ".join(legal_values(a, metadata) for a in get_args(annotation))
    if origin is Literal:
        return " | ".join(map(_choice, get_args(annotation)))
    if annotation is type(None):
        return "null"
    if origin is tuple:
        return f"list of {legal_values(get_args(annotation)[0])}"
    if origin is dict:
        return "a mapping"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys " + ", ".join(annotation.model_fields)
    if any(isinstance(m, BeforeValidator) and m.func is to_date_text for m in metadata):
        return "a date YYYY-MM-DD"
    word = {int: "integer", float: "number", str: "text", bool: "true | false"}.get(
        annotation, str(annotation)
    )
    return _with_range(word, metadata) if annotation in (int, float) else word


def _choice(value: Any) -> str:
    text = str(value)
    return text if re.fullmatch(r"[\w.-]+", text) else json.dumps(value)


def _with_range(word: str, metadata: Sequence[Any]) -> str:
    """`integer from 1 to 365`, `number > 0 and < 1`, or `integer >= 1`."""
    bounds = _bounds(metadata)
    if set(bounds) == {"ge", "le"}:
        return f"{word} from {bounds['ge']} to {bounds['le']}"
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    ranges = [f"{sign} {bounds[name]}" for name, sign in signs.items() if name in bounds]
    return f"{word} {' and '.join(ranges)}".strip()


def _bounds(metadata: Sequence[Any]) -> dict[str, Any]:
    """The limits `ge`, `gt`, `le` and `lt` among the constraints of a field."""
    bounds: dict[str, Any] = {}
    for item in metadata:
        bounds |= _bounds(getattr(item, "metadata", None) or ())
        for name in ("ge", "gt", "le", "lt"):
            bound = getattr(item, name, None)
            if bound is not None and not callable(bound):
                bounds[name] = bound
    return bounds
