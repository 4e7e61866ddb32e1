"""Edits of YAML text that change values and keep all comments and all other lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_][\w /.-]*[\w/.-]|[A-Za-z_]")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def edit_yaml(text: str, target: Mapping[str, Any]) -> str:
    """`text` with the values of `target`: equal values and comments are kept as written, new keys are appended.

    Args:
        text: YAML that holds a mapping in block style; mappings below it may be in flow style (`{a: 1}`).
        target: the values of the result.

    Raises:
        ValueError: if the text cannot be edited to hold `target` (anchors, several documents).
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    line_end = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    try:
        values = YAML(typ="safe").load(text) or {}
        node = YAML(typ="safe").compose(text)
        # From the last line to the first, so that earlier line numbers stay valid.
        for start, end, rows in sorted(
            _edits(lines, node, values, target), key=lambda edit: edit[:2], reverse=True
        ):
            lines[start:end] = rows
        edited = line_end.join(lines)
        if YAML(typ="safe").load(edited or "{}") == _plain(target):
            return edited
    except YAMLError:
        pass
    raise ValueError("the text cannot be edited in place")


def _edits(
    lines: list[str], node: Any, values: Mapping[str, Any], target: Mapping[str, Any]
) -> Iterator[tuple[int, int, list[str]]]:
    """(first line, line after the last, replacement lines) of every difference below `node`."""
    keys = {key.value: (key, value) for key, value in (node.value if node else [])}
    indent = min((key.start_mark.column for key, _ in keys.values()), default=0)
    new = [row for name in target if name not in keys for row in _render(name, target[name], indent, "")]
    if new:
        end = max((_last_line(value) + 1 for _, value in keys.values()), default=len(lines))
        yield end, end, new
    for name, (key, value) in keys.items():
        start, end = key.start_mark.line, _last_line(value)
        if name not in target:
            yield start, end + 1, []
            continue
        new_value, old_value = target[name], values[name]
        if _plain(new_value) == old_value:
            continue
        if (
            isinstance(new_value, Mapping)
            and isinstance(old_value, Mapping)
            and old_value
            and new_value
            and not value.flow_style
        ):
            yield from _edits(lines, value, old_value, new_value)
            continue
        comment = _comment(lines[end], value.end_mark.column) if value.end_mark.line == end else ""
        yield start, end + 1, _render(name, new_value, indent, comment)


def _last_line(node: Any) -> int:
    """The last line of a node, without blank lines and comments after it."""
    if isinstance(node.value, list) and node.value and not node.flow_style:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    line: int = node.end_mark.line
    return line if node.end_mark.column or line == node.start_mark.line else line - 1


def _comment(line: str, column: int) -> str:
    rest = line[column:]
    return rest if rest.lstrip().startswith("#") else ""


def _render(name: str, value: Any, indent: int, comment: str) -> list[str]:
    line = f"{' ' * indent}{name}: {_flow(value)}"
    if not isinstance(value, Mapping) or not value or len(line) <= _WIDTH:
        return [line + comment]
    head = f"{' ' * indent}{name}:{comment}"
    return [head, *(row for key, child in value.items() for row in _render(str(key), child, indent + 2, ""))]


def _flow(value: Any) -> str:
    """A value on one line, quoted if a YAML parser could read it as another type."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else json.dumps(value)
    return json.dumps(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
