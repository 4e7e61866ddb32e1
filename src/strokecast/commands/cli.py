"""The command line `strokecast`: one function per command, which imports only what the command needs."""

from __future__ import annotations

from pathlib import Path

import click

from strokecast.commands import cli_drawings, cli_export, cli_tune
from strokecast.commands.cli_wrappers import (
    NumberRange,
    executor_options,
    in_project,
    input_option,
    model_option,
    one_line,
    output_option,
    task_option,
    training_seed_option,
)
from strokecast.common import environment, project


@click.group()
@click.version_option(package_name="strokecast")
def main() -> None:
    """Train, evaluate and compare sequence models on pen drawings and daily series.

    Run the commands in any folder of the project; its root is the folder with params.yaml and dvc.yaml.
    """
    environment.prepare()


@main.command()
@click.argument("section", default="")
@click.option("--resolved", is_flag=True, help="print the values in effect: params.yaml with all defaults")
@click.option(
    "--json-schema", is_flag=True, help="print params.schema.json, with which editors complete keys"
)
@one_line
def params(section: str, resolved: bool, json_schema: bool) -> None:
    """Print the keys of params.yaml: default, legal values, unit and meaning.

    SECTION is a dotted key path such as `training.classify` or `models.classify.gru`; without it, all keys are printed.
    """
    from strokecast.commands import params as printing
    from strokecast.models.common import resolve

    if json_schema:
        click.echo(printing.json_schema_text(), nl=False)
    elif resolved:
        project.enter()
        click.echo(printing.values(resolve.load(), section), nl=False)
    else:
        click.echo(printing.describe(section), nl=False)


@main.command()
@in_project
def check() -> None:
    """Check params.yaml with all that it names, and the folder of the project, without running anything.

    Named are models, their configs, classes, columns, files and addresses.

    Nothing is printed if all is well, but for warnings. A mistake is printed as one line, with exit code 1.
    """
    from strokecast.commands import check as checking
    from strokecast.commands import workspace

    checking.check()
    workspace.check()
    for line in checking.warnings():
        click.echo(f"warning: {line}")


@main.command()
@in_project
def devices() -> None:
    """Print the device, threads, memory and precision that a training would use, and why."""
    from strokecast.commands import devices as printing
    from strokecast.models.common import resolve

    click.echo(printing.describe(resolve.load().runtime))


@main.group()
def preset() -> None:
    """List, show or apply the presets of `presets/`."""


@preset.command("list")
@in_project
def preset_list() -> None:
    """Print the name and the purpose of every preset."""
    from strokecast.commands import preset as presets

    click.echo(presets.describe())


@preset.command("show")
@click.argument("name")
@in_project
def preset_show(name: str) -> None:
    """Print the file of a preset: what it reproduces, run time, expected figures, command, settings."""
    from strokecast.commands import preset as presets

    click.echo(presets.text(name), nl=False)


@preset.command("apply")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="print the difference and write nothing")
@in_project
def preset_apply(name: str, dry_run: bool) -> None:
    """Merge a preset into params.yaml and print the difference; comments and other edits are kept."""
    from strokecast.commands import preset as presets

    click.echo(
        presets.apply(name, dry_run=dry_run) or f"params.yaml already has the settings of {name}", nl=False
    )


@main.command()
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="stages at a time; default: 2, 1 with a GPU or a single processor, with Ray what the nodes have processors for",
)
@in_project
@executor_options("each stage as a task of a Ray cluster whose nodes share the project's folder")
def repro(jobs: int | None, ray_address: str | None) -> None:
    """Run all stages that are out of date, as `dvc repro` does, but several at a time."""
    from strokecast.commands import repro as running

    running.repro(jobs, report=click.echo, ray_address=ray_address)


@main.command()
@in_project
def worker() -> None:
    """Take part in the trainings of `strokecast repro` on the first machine of TF_CONFIG."""
    from strokecast.commands import worker as working

    working.work(click.echo)


@main.command()
@model_option("name of a trained model or a combination, or `champion`: the one that validation chose")
@input_option(
    "CSV or .parquet file with the past days, or a folder of them: columns ds, y, ... or those of the training file; - for "
    "standard input"
)
@click.option(
    "--horizon",
    type=click.IntRange(min=1),
    help="days to forecast, at most the model's horizon; default: the model's horizon",
)
@output_option("CSV or .parquet file; overwritten if it exists; - for standard output")
@click.option(
    "--future",
    type=click.Path(path_type=Path),
    help="CSV or .parquet file with ds, day_type of the future days, for models that use day types",
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help=".png, .svg or .pdf file; overwritten if it exists"
)
@training_seed_option()
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="JSON file that keeps the intervals from call to call: each call learns from the errors of earlier forecasts; "
    "default: .strokecast/intervals/<model>-seed-<n>.json",
)
@click.option(
    "--no-state",
    is_flag=True,
    help="intervals of the training's calibration, whose widths differ from those of a first call with a state; no file is "
    "read or written for them",
)
@click.option(
    "--skip-invalid",
    is_flag=True,
    help="of several series, leave out those that cannot be forecast, each with a warning; default: stop at the first",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="processes that forecast the series of a large input; for models that are fitted again on each series",
)
@in_project
def forecast(
    model: str,
    source: Path,
    horizon: int | None,
    output: Path,
    future: Path | None,
    plot: Path | None,
    seed: int | None,
    state: Path | None,
    no_state: bool,
    skip_invalid: bool,
    jobs: int,
) -> None:
    """Forecast the days after the last row of a daily series.

    The input has `ds` (every day once), the columns that the model was trained on, and `unique_id` if it has several
    series. The output has ds, unique_id, mean or median, lo-50, hi-50, lo-80, hi-80, lo-95, hi-95.
    """
    from strokecast.commands import forecast as forecast_command
    from strokecast.common import output_paths

    options = forecast_command.ForecastOptions(
        model, source, horizon, output, future, plot, seed, state, not no_state, skip_invalid, jobs
    )
    line = forecast_command.run(options, report=lambda text: click.echo(f"warning: {text}", err=True))
    click.echo(line, err=output_paths.is_stdout(output))


@main.command()
@click.option(
    "--restore",
    is_flag=True,
    help="also restore runs that were deleted in the MLflow UI, compare every value with the files, and make a damaged "
    "board again",
)
@click.option(
    "--ended-host",
    default="",
    metavar="NAME",
    help="computer that has stopped or was renamed: mark its RUNNING trainings on a shared board as KILLED",
)
@in_project
def sync(restore: bool, ended_host: str) -> None:
    """Add missing and incomplete runs to the MLflow board, for every training of this workspace."""
    from strokecast.commands import sync as tracking_sync

    click.echo(tracking_sync.sync(restore=restore, ended_host=ended_host))


@main.command()
@click.option(
    "--older-than",
    default=7.0,
    show_default=True,
    type=NumberRange(min=0),
    help="days since a record was last written to",
)
@click.option("--dry-run", is_flag=True, help="print what would be removed and remove nothing")
@in_project
def clean(older_than: float, dry_run: bool) -> None:
    """Remove checkpoints of unfinished trainings that nothing would resume.

    Checkpoints that a training with the present params.yaml, code and data would resume are kept, and so are those in use.
    """
    from strokecast.commands import clean as cleaning

    click.echo(cleaning.clean(older_than, dry_run, report=click.echo))


@main.command()
@click.option(
    "--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="port to listen on"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@in_project
def ui(port: int, host: str) -> None:
    """Serve the MLflow board until Ctrl-C."""
    from strokecast.commands import ui as serving

    serving.serve(host, port, report=click.echo)


@main.command()
@task_option("task whose champion is chosen", required=True)
@model_option("name of a trained model; champion: the one that validation chooses", default="champion")
@training_seed_option()
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help="promote although a check failed (except that of the model's environment); recorded with the version",
)
@in_project
def promote(task: str, model: str, seed: int | None, reason: str) -> None:
    """Make a trained model the champion of its task if it passes the limits in `promotion` of params.yaml.

    The limits: a floor, a paired interval above the present champion, no slice that loses much, an answer from an
    environment of the model's own requirements, and its latency. A refusal names every check that failed; nothing has
    changed then, and the exit code is 1.
    """
    from strokecast.commands import promote as promoting

    click.echo(promoting.promote(task, model, seed, reason, report=click.echo))


@main.command()
@task_option("task whose former champion comes back", required=True)
@click.option("--reason", default="", metavar="TEXT", help="recorded with the version that is left")
@in_project
def rollback(task: str, reason: str) -> None:
    """Make the version that the champion replaced the champion again."""
    from strokecast.commands import rollback as rolling_back

    click.echo(rolling_back.rollback(task, reason, report=click.echo))


@main.command()
@in_project
def champions() -> None:
    """List the champion of each task."""
    from strokecast.commands import rollback as rolling_back

    click.echo(rolling_back.list_champions())


@main.command()
@click.argument("a")
@click.argument("b")
@task_option("task of both; default: the only one that has them")
@in_project
def compare(a: str, b: str, task: str | None) -> None:
    """Compare two models of one task on the test set: paired difference, metrics, slices."""
    from strokecast.commands import compare_models

    click.echo(compare_models.compare(a, b, task or ""))


main.add_command(cli_drawings.predict)
main.add_command(cli_drawings.sample)
main.add_command(cli_export.export)
main.add_command(cli_tune.tune)

if __name__ == "__main__":
    main()
