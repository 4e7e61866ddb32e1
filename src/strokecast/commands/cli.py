"""The command `strokecast`: what users need beside `dvc repro`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from strokecast.common.console import quiet_environment
from strokecast.common.errors import UserError


def _one_line(command: Callable[..., Any]) -> Callable[..., Any]:
    """End a command with one line on stderr and exit code 1 where the user can mend the cause."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            click.echo(f"error: {error}", err=True)
            raise SystemExit(1) from None

    return wrapped


@click.group()
@click.version_option(package_name="strokecast")
def main() -> None:
    """Pen strokes and daily series through every classic sequence architecture."""
    quiet_environment()


@main.command()
@click.argument("section", default="")
@click.option(
    "--resolved", is_flag=True, help="print the values in force instead: params.yaml and all defaults"
)
@click.option(
    "--json-schema", is_flag=True, help="print params.schema.json, which editors complete keys from"
)
@_one_line
def params(section: str, resolved: bool, json_schema: bool) -> None:
    """Print the keys of params.yaml: default, legal values, unit and meaning.

    SECTION is a dotted key path such as `training.classify` or `models.classify.gru`; without it, all keys are printed.
    """
    from strokecast.commands import params as printing
    from strokecast.models.common import resolve

    if json_schema:
        click.echo(printing.json_schema_text(), nl=False)
    elif resolved:
        click.echo(printing.values(resolve.load(), section), nl=False)
    else:
        click.echo(printing.describe(section), nl=False)


@main.command()
@_one_line
def check() -> None:
    """Check params.yaml down to the config of every architecture, without running anything."""
    from strokecast.models.common import resolve

    resolve.load()


@main.group()
def preset() -> None:
    """List, show or apply the presets of `presets/`."""


@preset.command("list")
@_one_line
def preset_list() -> None:
    """Print every preset with what it is for."""
    from strokecast.commands import preset as presets

    click.echo(presets.describe())


@preset.command("show")
@click.argument("name")
@_one_line
def preset_show(name: str) -> None:
    """Print the file of a preset: source, run time, expected figures, command, settings."""
    from strokecast.commands import preset as presets

    click.echo(presets.text(name), nl=False)


@preset.command("apply")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="print the difference and write nothing")
@_one_line
def preset_apply(name: str, dry_run: bool) -> None:
    """Merge a preset into params.yaml in place and print the difference; comments and other edits stay."""
    from strokecast.commands import preset as presets

    click.echo(presets.apply(name, dry_run=dry_run) or f"params.yaml holds {name} already", nl=False)


@main.command()
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="stages at a time; default: two, or one with a GPU or a single processor",
)
@_one_line
def repro(jobs: int | None) -> None:
    """Run the stages that params.yaml makes out of date, as `dvc repro` does, two stages at a time."""
    from strokecast.commands import repro as running
    from strokecast.models.common import resolve

    resolve.load()
    running.repro(jobs, report=click.echo)


@main.command()
@click.option(
    "--model", required=True, help="a trained model's name, or `champion`: the best of reports/forecast"
)
@click.option(
    "--input", "source", required=True, type=click.Path(path_type=Path), help="CSV or .parquet: ds, y, ..."
)
@click.option(
    "--horizon", type=click.IntRange(min=1), help="days, at most the model's; all of these by default"
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV or .parquet; one that exists is overwritten",
)
@click.option(
    "--future", type=click.Path(path_type=Path), help="ds, day_type of the days to come, where it reads them"
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help=".png, .svg or .pdf; one that exists is overwritten"
)
@click.option("--seed", type=int, help="of the training; the model's first by default")
@_one_line
def forecast(
    model: str,
    source: Path,
    horizon: int | None,
    output: Path,
    future: Path | None,
    plot: Path | None,
    seed: int | None,
) -> None:
    """Forecast the days after the last row of a daily series.

    The input has `ds` (every day once) and the columns the model was trained with, by these names; `unique_id` where it
    holds several series. The output: ds, unique_id, mean or median, lo-50, hi-50, lo-80, hi-80, lo-95, hi-95.
    """
    from strokecast.commands import forecast as forecast_command

    asked = forecast_command.Request(model, source, horizon, output, future, plot, seed)
    click.echo(forecast_command.run(asked))


@main.command()
@click.option("--restore", is_flag=True, help="bring back runs that were deleted in the MLflow UI, too")
@_one_line
def sync(restore: bool) -> None:
    """Make the MLflow board complete for every training of this workspace."""
    from strokecast.commands import sync as tracking_sync

    click.echo(tracking_sync.sync(restore=restore))


@main.command()
@click.option(
    "--older-than",
    default=7.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="days since a record was last written to",
)
@click.option("--dry-run", is_flag=True, help="tell what would go and remove nothing")
@_one_line
def clean(older_than: float, dry_run: bool) -> None:
    """Remove checkpoints of killed trainings that nothing here goes on from.

    Kept are those that a training of the present params.yaml, code and data would go on from, and those in use.
    """
    from strokecast.commands import clean as cleaning

    click.echo(cleaning.clean(older_than, dry_run, tell=click.echo))


@main.command()
@click.option(
    "--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="port to listen on"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@_one_line
def ui(port: int, host: str) -> None:
    """Open the MLflow board in this terminal; end it with Ctrl-C."""
    from strokecast.tracking import store

    store.initialise()
    uri = store.uri()
    click.echo(f"the board: http://{host}:{port} (Ctrl-C ends it)")
    arguments = ["-m", "mlflow", "server", "--backend-store-uri", uri, "--host", host, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    main()
