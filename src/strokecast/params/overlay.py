"""Presets: overlays that are merged into `params.yaml`.

An overlay has the keys of `params.yaml` that it changes, and two further features:

- `reset: [features.forecast, ...]` returns these sections to their defaults before anything is merged;
- `models.<task>."*"` is merged into every model of the task in `params.yaml`, before models with an entry of their own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.params.base import TASKS
from strokecast.params.yaml_file import read_yaml

EVERY_MODEL = "*"


def read_overlay(path: Path) -> dict[str, Any]:
    """The overlay in a YAML file.

    Raises:
        UserError: if the file is missing or is not valid YAML, or `reset` is not a list of strings.
    """
    overlay = read_yaml(path)
    reset = overlay.get("reset", [])
    if not isinstance(reset, list) or not all(isinstance(section, str) for section in reset):
        raise UserError(
            "should list key paths", location=f"{path}: reset", allowed="e.g. [features.forecast]"
        )
    return overlay


def apply_overlay(values: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`values` of a params.yaml with an overlay merged into them; neither argument is changed."""
    result: dict[str, Any] = copy.deepcopy(dict(values))
    for section in overlay.get("reset", []):
        _delete(result, section.split("."))
    changes = {key: value for key, value in overlay.items() if key != "reset"}
    models = {}
    for task in TASKS:
        entries = _entries(changes, task)
        every = entries.pop(EVERY_MODEL, {})
        existing = _entries(result, task)
        models[task] = deep_merge(dict.fromkeys(existing, every) if every else {}, entries)
    if isinstance(changes.get("models"), Mapping):
        changes["models"] = {
            **changes["models"],
            **{task: entries for task, entries in models.items() if entries},
        }
    return deep_merge(result, changes)


def deep_merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the leaves of `changes`; mappings are merged, other values, lists included, are replaced."""
    merged = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = deep_merge(merged[key], value) if nested else copy.deepcopy(value)
    return merged


def _entries(values: Mapping[str, Any], task: str) -> dict[str, Any]:
    """A copy of `models.<task>`; empty if it is not a mapping, which `params.parse` reports."""
    models = values.get("models")
    entries = models.get(task) if isinstance(models, Mapping) else None
    return dict(entries) if isinstance(entries, Mapping) else {}


def _delete(values: dict[str, Any], path: list[str]) -> None:
    for key in path[:-1]:
        values = values.get(key) or {}
        if not isinstance(values, dict):
            return
    values.pop(path[-1], None)
