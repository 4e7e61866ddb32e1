"""The commands `strokecast predict` and `strokecast sample`: trained models applied to drawings."""

from __future__ import annotations

from pathlib import Path

import click

from strokecast.commands.cli_wrappers import (
    NumberRange,
    in_project,
    input_option,
    model_option,
    output_option,
    task_option,
    training_seed_option,
)


@click.command()
@model_option(
    "name of a trained model, or `champion`: the registered one, else the best on the validation split"
)
@input_option(
    "file with drawings (.ndjson, Kaggle's .csv, .bin, .npz, .parquet, tutorial shard), or a folder of such files"
)
@output_option(".parquet or .csv file; overwritten if it exists; - for CSV on standard output")
@task_option("default: the task that has the model; classify for the champion", ("classify", "watch"))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(("raw", "simplified", "binary", "kaggle", "npz", "tutorial", "parquet")),
    help="format of the input; default: by the name of each file, and the first lines of .ndjson",
)
@click.option(
    "--top",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="most probable classes per drawing",
)
@training_seed_option()
@in_project
def predict(
    model: str,
    source: Path,
    output: Path,
    task: str | None,
    file_format: str | None,
    top: int,
    seed: int | None,
) -> None:
    """Classify the drawings in files of any size.

    The output has a row per drawing, in the order of the input: file, row, id, label (the class that the file names),
    predicted, probability, predicted_2, probability_2, ..., error. A row that is not a drawing has an error instead of a
    prediction.
    """
    from strokecast.commands import predict as predict_command
    from strokecast.common import output_paths

    options = predict_command.PredictOptions(model, source, output, task or "", file_format or "", top, seed)
    line = predict_command.run(options, report=lambda text: click.echo(f"warning: {text}", err=True))
    click.echo(line, err=output_paths.is_stdout(output))


@click.command()
@model_option(
    "name of a trained model of draw, or `champion`: the registered one, else the best on the validation split"
)
@click.option(
    "--class", "classes", multiple=True, metavar="NAME", help="may be repeated; default: every class"
)
@click.option("-n", default=20, show_default=True, type=click.IntRange(1, 1000), help="drawings per class")
@click.option(
    "--temperature",
    default=0.3,
    show_default=True,
    type=NumberRange(0, 10),
    help="0: the most probable moves; 1: the model's own distribution",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**31 - 1),
    help="of the sampling: the same seed gives the same drawings",
)
@training_seed_option("--training-seed")
@output_option(
    ".svg, .png or .pdf sheet, Sketch-RNN .npz of one class, or .parquet; overwritten if it exists"
)
@in_project
def sample(
    model: str,
    classes: tuple[str, ...],
    n: int,
    temperature: float,
    seed: int,
    training_seed: int | None,
    output: Path,
) -> None:
    """Draw with a trained generator."""
    from strokecast.commands import sample as sample_command

    options = sample_command.SampleOptions(model, classes, output, temperature, n, seed, training_seed)
    click.echo(sample_command.run(options))
