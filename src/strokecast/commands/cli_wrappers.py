"""What commands of `strokecast` have in common: errors in one line, the root of the project, and options."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from strokecast.common import failures, project
from strokecast.common.errors import UserError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

TASKS = ("classify", "watch", "draw", "forecast")  # `params.TASKS`, whose import takes longer than `--help`
_PATH = click.Path(path_type=Path)


class NumberRange(click.FloatRange):
    """`click.FloatRange` that refuses NaN, which compares as if it were in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


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


def model_option(help: str, default: str | None = None) -> Decorator:
    """The option `--model`; it is required unless it has a default."""
    return click.option(
        "--model", required=default is None, default=default, show_default=default is not None, help=help
    )


def input_option(help: str) -> Decorator:
    """The required option `--input`: the command's argument `source`."""
    return click.option("--input", "source", required=True, type=_PATH, help=help)


def output_option(help: str) -> Decorator:
    """The required option `--output`."""
    return click.option("--output", required=True, type=_PATH, help=help)


def task_option(help: str, tasks: Sequence[str] = TASKS, required: bool = False) -> Decorator:
    """The option `--task`: one of `tasks`."""
    return click.option("--task", required=required, type=click.Choice(tasks), help=help)


def executor_options(help: str) -> Decorator:
    """The options `--executor` and `--address`, as the argument `ray_address`: None on this machine, `auto` without address."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--executor",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help=f"local: on this machine; ray: {help}",
        )
        @click.option(
            "--address",
            default=None,
            help="HOST:PORT of the cluster's head node; default: RAY_ADDRESS, or the cluster of this machine",
        )
        @wraps(command)
        def wrapped(*args: Any, executor: str, address: str | None, **kwargs: Any) -> Any:
            if address is not None and executor != "ray":
                raise UserError(
                    "it is the address of a Ray cluster", location="--address", fix="add --executor ray"
                )
            return command(*args, ray_address=(address or "auto") if executor == "ray" else None, **kwargs)

        return wrapped

    return decorate


def training_seed_option(name: str = "--seed") -> Decorator:
    """The option with the seed of the trained model that `--model` names."""
    return click.option(name, type=int, help="seed of the trained model; default: its lowest seed")


def _is_file_name(value: object) -> bool:
    """Whether the value of an option names a file, and not standard input or output."""
    return isinstance(value, Path) and str(value) != "-"
