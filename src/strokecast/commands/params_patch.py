"""Edits of `params.yaml` by commands: checked, with comments kept, as a difference that the user reads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.models.common import resolve
from strokecast.params.edit import edit_yaml


def make(path: Path, before: str, values: Mapping[str, Any], title: str) -> tuple[str, str]:
    """The edit that gives params.yaml other values; writes nothing.

    Args:
        path: of params.yaml.
        before: its text.
        values: its contents after the edit.
        title: of the new version, in the difference.

    Returns:
        The unified diff, "" if there is none, and the text after the edit.

    Raises:
        UserError: if the values are not valid or the file cannot be edited.
    """
    resolve.resolve(params.parse(values))
    try:
        after = edit_yaml(before, values)
    except ValueError as error:
        raise UserError(
            str(error), location=str(path), fix="write it without anchors and in one document"
        ) from None
    rows = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), title
    )
    return "".join(rows), after
