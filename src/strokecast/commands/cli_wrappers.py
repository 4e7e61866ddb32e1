"""What every command of `strokecast` does around its work: errors in one line, and the root of the project."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from strokecast.common import failures, project
from strokecast.common.errors import UserError


def one_line(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a `UserError`, a refused access to a file or a full disk into one line on stderr and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            line = str(error)
        except Exception as error:
            line = failures.describe(error, "run the command again")
            if not line:
                raise
        click.echo(f"error: {line}", err=True)
        raise SystemExit(1)

    return wrapped


def in_project(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command in the root of the project. Relative paths in its options start in the user's working directory."""

    @one_line
    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        folder = project.enter()
        if folder != Path.cwd():
            kwargs |= {name: folder / value for name, value in kwargs.items() if _is_file_name(value)}
        return command(*args, **kwargs)

    return wrapped


def _is_file_name(value: object) -> bool:
    """Whether the value of an option names a file, and not standard input or output."""
    return isinstance(value, Path) and str(value) != "-"
