"""The command `strokecast tune`."""

from __future__ import annotations

from pathlib import Path

import click

from strokecast.commands.cli_wrappers import NumberRange, executor_options, in_project, task_option


@click.command()
@task_option("task of the model", required=True)
@click.option("--model", required=True, help="name of an architecture")
@click.option(
    "--trials",
    type=click.IntRange(1, 100_000),
    help="trials that the search is to have in all, those of earlier calls included; default: 50, or the whole grid",
)
@click.option(
    "--sampler",
    default="tpe",
    show_default=True,
    type=click.Choice(("grid", "random", "tpe")),
    help="how values are chosen; grid: all combinations, of ranges both ends and the middle",
)
@click.option(
    "--pruner",
    default="median",
    show_default=True,
    type=click.Choice(("none", "median", "halving")),
    help="which trials end early: those worse than the median, or successive halving",
)
@click.option(
    "--storage",
    default="",
    metavar="URL",
    help="database that several machines share, e.g. postgresql://...; default: a file in .strokecast/tune/",
)
@click.option("--name", default="", metavar="STUDY", help="name of the search; default: <task>-<model>")
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0, 2**31), help="seed of the sampler"
)
@click.option("--timeout", type=NumberRange(min=0), metavar="SECONDS", help="begin no trial after this time")
@click.option(
    "--space", type=click.Path(path_type=Path), metavar="FILE", help="YAML file that changes the search space"
)
@click.option(
    "--only", multiple=True, metavar="KEY", help="search this key alone, e.g. config.units; repeatable"
)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="epochs of each trial; default: those of the recipe"
)
@click.option(
    "--folds",
    default=3,
    show_default=True,
    type=click.IntRange(1, 20),
    help="of forecasters: rolling origins inside the training days",
)
@click.option("--apply", is_flag=True, help="write the best values to params.yaml; comments are kept")
@click.option(
    "--jobs",
    type=click.IntRange(1, 1000),
    help="trials at a time on the cluster; default: as many as it has resources for",
)
@in_project
@executor_options("each trial as a task of a Ray cluster whose nodes share the project's folder")
def tune(
    task: str,
    model: str,
    trials: int | None,
    sampler: str,
    pruner: str,
    storage: str,
    name: str,
    seed: int,
    timeout: float | None,
    space: Path | None,
    only: tuple[str, ...],
    epochs: int | None,
    folds: int,
    apply: bool,
    jobs: int | None,
    ray_address: str | None,
) -> None:
    """Search for the hyperparameters of a model by trainings on its processed data, scored on validation data.

    The same command goes on with an interrupted search. The first trial has the settings of params.yaml. Trials are runs
    of MLflow below one parent run; searches/<study>.json records them for the report page.
    """
    from strokecast.commands import tune as tuning

    options = tuning.TuneOptions(
        task,
        model,
        trials,
        sampler,
        pruner,
        storage,
        name,
        seed,
        timeout,
        space,
        only,
        epochs,
        folds,
        apply,
        ray_address,
        jobs,
    )
    click.echo(tuning.tune(options, report=click.echo))
