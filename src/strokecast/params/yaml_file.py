"""Reads a YAML file of the user: any file that is not small, plain YAML with text keys is an error of one line."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError

MAX_BYTES = 256 * 1024
MAX_VALUES = 10_000  # keys and values after aliases are replaced by what they stand for
MAX_DEPTH = 32
_MAX_INTEGER = 2**63 - 1  # what JSON, MLflow and numpy store
_SUPPORTED_TAGS = (None, "!", "tag:yaml.org,2002:str")


def read_text(path: Path) -> str:
    """The text of a file of at most `MAX_BYTES` bytes.

    Raises:
        UserError: if there is no such file, it is not a regular file, cannot be read, is too large, or is not UTF-8.
    """
    try:
        if path.exists() and not path.is_file():
            raise UserError("is not a file", location=str(path))
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError("no such file", location=str(path), fix="run from the project's root") from None
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", location=str(path)) from None
    if len(content) > MAX_BYTES:
        raise UserError("is too large", location=str(path), allowed=f"at most {MAX_BYTES // 1024} KB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            "is not UTF-8 text", location=f"{path}, line {line}", fix="save it with the encoding UTF-8"
        ) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file (YAML 1.2, as DVC reads it).

    The size, the depth and the number of values are checked before anything is built, so that a file whose aliases
    multiply ends with an error at once.

    Raises:
        UserError: if the file is missing, too large, too deep, not valid YAML, or does not hold a mapping with text
            keys; for tags other than `!!str`, integers of more than 64 bits, and dates without quotes, which DVC
            cannot read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = read_text(path)
    try:
        _check_events(YAML(typ="safe").parse(text), path)
        values = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        raise _syntax_error(error, text, path) from None
    except YAMLError as error:
        raise UserError(
            f"not valid YAML: {_first_line(error)}", location=_position(error, text, path)
        ) from None
    except ValueError as error:
        raise UserError(
            f"not a number or a date: {_first_line(error)}",
            location=_line(_line_of_bad_scalar(text), path),
            fix="put quotes around it if it is text",
        ) from None
    if not isinstance(values, dict):
        problem = "is empty" if values is None else "is not a mapping"
        raise UserError(
            problem, location=str(path), allowed="keys with values, e.g. `series: {source: births}`"
        )
    _check_values(values, path)
    return values


def _check_events(events: Iterator[Any], path: Path) -> None:
    """Check the depth, the number of values and the tags in the parser's events."""
    anchors: dict[str, tuple[int, int]] = {}  # name → number of values and depth of what it stands for
    stack: list[list[Any]] = [
        [None, 0, 0]
    ]  # per open collection: anchor, number of values, depth of its contents
    for event in events:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        if getattr(event, "tag", None) not in _SUPPORTED_TAGS:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise UserError(f"the tag {tag} is not supported", location=_line(line, path), fix="remove it")
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            anchors.pop(event.anchor, None)  # an alias within the collection would be a cycle
            stack.append([event.anchor, 1, 0])
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, count, depth = stack.pop()
            if anchor:
                anchors[anchor] = count, depth + 1
            _add(stack[-1], count, depth + 1)
        elif kind == "ScalarEvent":
            if event.anchor:
                anchors[event.anchor] = 1, 0
            _add(stack[-1], 1, 0)
        elif kind == "AliasEvent":
            if event.anchor in (anchor for anchor, _, _ in stack):
                raise UserError(f"*{event.anchor} contains itself", location=_line(line, path))
            _add(stack[-1], *anchors.get(event.anchor, (1, 0)))
        if len(stack) + stack[-1][2] > MAX_DEPTH + 1:
            raise UserError(
                "is nested too deeply", location=_line(line, path), allowed=f"at most {MAX_DEPTH} levels"
            )
        if sum(count for _, count, _ in stack) > MAX_VALUES:
            raise UserError(
                "holds too many values",
                location=_line(line, path),
                allowed=f"at most {MAX_VALUES:,} keys and values, each alias counted with all that it repeats",
            )


def _add(collection: list[Any], count: int, depth: int) -> None:
    collection[1] += count
    collection[2] = max(collection[2], depth)


def _check_values(value: Any, path: Path, keys: tuple[str, ...] = ()) -> None:
    """Refuse what DVC or later stages cannot read: dates, keys that are not text, huge integers, NUL characters."""
    location = f"{path}: {'.'.join(keys)}" if keys else str(path)
    if isinstance(value, datetime.date):
        raise UserError(
            f"{value} is a date without quotes, which DVC cannot read",
            location=location,
            fix=f'write "{value}"',
        )
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise UserError("the integer is too large", location=location, allowed=f"at most {_MAX_INTEGER}")
    if isinstance(value, str) and "\0" in value:
        raise UserError("the text contains a NUL character", location=location)
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                text = json.dumps(key) if key is None or isinstance(key, bool) else str(key)
                raise UserError(f"the key {text} is not text", location=location, fix="put quotes around it")
            _check_values(item, path, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_values(item, path, (*keys, str(index)))


def _syntax_error(error: Any, text: str, path: Path) -> UserError:
    """The error of the parser in one line, in the user's words where these say more."""
    if conflict := merge_conflict(text, path, "keep one side of each and remove the marks"):
        return conflict
    mark = error.problem_mark or error.context_mark
    location = _line(mark.line + 1 if mark else 0, path)
    problem = str(error.problem)
    if key := re.match(r'found duplicate key "([^"]*)"', problem):
        return UserError(f"the key {key[1]!r} is written twice", location=location, fix="keep one of them")
    lines = text.split("\n")
    row = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in row[: len(row) - len(row.lstrip())]:
        return UserError("a tab indents this line", location=location, fix="indent with spaces")
    context = f"{error.context}, " if error.context and problem.startswith(("but ", "did not")) else ""
    return UserError(f"not valid YAML: {context}{problem}", location=location)


def merge_conflict(text: str, path: Path, fix: str) -> UserError | None:
    """The error for the first mark that a merge of git left in a file; None if there is none.

    Args:
        text: of the file.
        path: of the file.
        fix: what to do.
    """
    if mark := re.search(r"(?m)^<<<<<<< ", text):
        line = text.count("\n", 0, mark.start()) + 1
        return UserError("git left marks of a merge conflict", location=_line(line, path), fix=fix)
    return None


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0].split(' in "<unicode string>"')[0].split("; use sys.")[0]


def _position(error: Any, text: str, path: Path) -> str:
    position = getattr(error, "position", None)
    return _line(text.count("\n", 0, position) + 1, path) if isinstance(position, int) else str(path)


def _line_of_bad_scalar(text: str) -> int:
    """The line of the first scalar that looks like a number or a date and is not one; 0 if there is none."""
    from ruamel.yaml import YAML

    for event in YAML(typ="safe").parse(text):
        if type(event).__name__ == "ScalarEvent" and event.value[:1] in tuple("+-.0123456789"):
            try:
                YAML(typ="safe").load(event.value)
            except ValueError:
                return int(event.start_mark.line) + 1
            except Exception:
                continue
    return 0


def _line(number: int, path: Path) -> str:
    return f"{path}, line {number}" if number else str(path)
