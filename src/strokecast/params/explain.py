"""Pydantic's errors and annotations in a user's words."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError
from strokecast.params.renamed import new_name


def to_date_text(value: Any) -> Any:
    """A YAML date or a text YYYY-MM-DD as text YYYY-MM-DD; anything else as it is."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except ValueError:
            raise PydanticCustomError("date", "should be a date written YYYY-MM-DD") from None
    return value


def first_error(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> UserError:
    """The first error of a pydantic check as one line; counts the others and names their keys."""
    found = error.errors(include_url=False)
    head = found[0]
    path = _key_path(head["loc"], model)
    dotted = ".".join((*prefix, *path))
    where = f"params.yaml: {dotted}" if dotted else "params.yaml"
    others = sorted({".".join((*prefix, *_key_path(e["loc"], model))) for e in found} - {dotted})
    fix = f"also wrong: {', '.join(others)}" if others else ""
    if head["type"] == "extra_forbidden":
        choices = list(_model_at(model, path[:-1]).model_fields)
        renamed = new_name((*prefix, *path))
        close = [renamed] if renamed in choices else difflib.get_close_matches(path[-1], choices, n=1)
        hint = f"its name is {renamed!r} now" if renamed in choices else ""
        hint = hint or (f"did you mean {close[0]!r}?" if close else "")
        return UserError(
            f"unknown key {path[-1]!r}",
            where=where,
            allowed=", ".join(choices),
            fix=" ".join((hint, fix)).strip(),
        )
    if head["type"] == "missing":
        return UserError("is missing", where=where, allowed=_allowed(head, model, path), fix=fix)
    if isinstance(head["input"], dict | BaseModel) and not head["msg"].startswith("Input should"):
        return UserError(head["msg"], where=where, fix=fix)  # keys that do not go together
    return UserError(
        f"{_short(head['input'])} will not do", where=where, allowed=_allowed(head, model, path), fix=fix
    )


def _short(value: Any) -> str:
    text = repr(value.model_dump() if isinstance(value, BaseModel) else value)
    return text if len(text) <= 80 else text[:77] + "..."


def _key_path(loc: tuple[int | str, ...], model: type[BaseModel]) -> tuple[str, ...]:
    """The location without pydantic's own marks for the members of a union."""
    path: list[str] = []
    at: Any = model
    for step in loc:
        if isinstance(at, type) and issubclass(at, BaseModel):
            path.append(str(step))
            field = at.model_fields.get(str(step))
            at = _inner(field.annotation) if field else None
        elif get_origin(at) is dict:
            path.append(str(step))
            at = get_args(at)[1]
        elif isinstance(step, int):
            path.append(str(step))
            args = [a for a in get_args(at) if a is not Ellipsis] if get_origin(at) is tuple else []
            at = args[0] if args else None
    return tuple(path)


def _inner(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        models = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
        return models[0] if models else None
    return annotation


def _model_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    at: Any = model
    for step in path:
        if get_origin(at) is dict:
            at = get_args(at)[1]
        elif get_origin(at) is tuple:
            at = get_args(at)[0]
        elif isinstance(at, type) and issubclass(at, BaseModel):
            at = _inner(at.model_fields[step].annotation)
    return at if isinstance(at, type) and issubclass(at, BaseModel) else model


def _allowed(head: Any, model: type[BaseModel], path: Sequence[str]) -> str:
    message = head["msg"]
    for start in ("Input should be ", "Value error, ", "should be "):
        message = message.removeprefix(start)
    try:
        owner = _model_at(model, path[:-1])
        field = owner.model_fields[path[-1]]
    except (KeyError, IndexError):
        return str(message)
    legal = legal_values(field.annotation, list(field.metadata))
    return (
        legal
        if head["type"] in ("literal_error", "missing") or _is_union(field.annotation)
        else f"{legal} ({message})"
    )


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) is Union or type(annotation).__name__ == "UnionType"


def legal_values(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """The legal values of a field in words: its type, its range or its choices."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        return legal_values(inner, [*extra, *metadata])
    if _is_union(annotation):
        return " or ".join(legal_values(a, metadata) for a in get_args(annotation))
    if origin is Literal:
        return " | ".join(str(a) if a != "" else '""' for a in get_args(annotation))
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
    return " ".join([word, *_range(metadata)]).strip() if annotation in (int, float) else word


def _range(metadata: Sequence[Any]) -> list[str]:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    words: list[str] = []
    for item in metadata:
        nested = getattr(item, "metadata", None)
        if nested:
            words.extend(_range(nested))
        for name, sign in signs.items():
            bound = getattr(item, name, None)
            if bound is not None and not callable(bound):
                words.append(f"{sign} {bound}")
    return words
