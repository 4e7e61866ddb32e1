"""The command `strokecast export`."""

from __future__ import annotations

from pathlib import Path

import click

from strokecast.commands.cli_wrappers import (
    in_project,
    model_option,
    output_option,
    task_option,
    training_seed_option,
)


@click.command()
@task_option("task of the model", required=True)
@model_option("name of a trained model, or `champion`")
@click.option(
    "--format",
    "file_format",
    required=True,
    type=click.Choice(("onnx", "litert", "saved_model")),
    help="onnx and litert need the extra `export`",
)
@click.option(
    "--quantize",
    type=click.Choice(("dynamic", "int8")),
    help="of onnx and litert: weights in int8 (dynamic), or weights and activations (int8); default: float32",
)
@output_option("folder to write: new, or of an earlier export")
@training_seed_option()
@in_project
def export(
    task: str, model: str, file_format: str, quantize: str | None, output: Path, seed: int | None
) -> None:
    """Write a trained network to a file that runs without strokecast, and compare it with Keras.

    The features are part of the file: raw strokes or days in, probabilities or forecasts out. Beside it lie export.json
    and export.md: inputs, largest difference from Keras on real examples, loss on the validation split, size, latency.
    """
    from strokecast.commands import export as exporting

    click.echo(exporting.run(exporting.ExportOptions(task, model, file_format, quantize or "", output, seed)))
