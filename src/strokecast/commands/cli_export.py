"""The command `strokecast export`."""

from __future__ import annotations

from pathlib import Path

import click

from strokecast.commands.cli_wrappers import in_project


@click.command()
@click.option(
    "--task",
    required=True,
    type=click.Choice(("classify", "watch", "draw", "forecast")),
    help="task of the model",
)
@click.option("--model", required=True, help="name of a trained model, or `champion`")
@click.option(
    "--format",
    "file_format",
    required=True,
    type=click.Choice(("onnx", "litert", "saved_model")),
    help="onnx and litert need the extra `export`",
)
@click.option(
    "--quantize",
    type=click.Choice(("dynamic",)),
    help="of litert: weights in int8; default: float32",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="folder to write: new, or of an earlier export",
)
@click.option("--seed", type=int, help="seed of the trained model; default: its lowest seed")
@in_project
def export(
    task: str, model: str, file_format: str, quantize: str | None, output: Path, seed: int | None
) -> None:
    """Write a trained network to a file that runs without strokecast, and compare it with Keras.

    The features are part of the file: raw strokes or days in, probabilities or forecasts out. Beside it lie export.json
    and export.md: inputs, largest difference from Keras on validation examples, size, latency.
    """
    from strokecast.commands import export as exporting

    click.echo(exporting.run(exporting.ExportOptions(task, model, file_format, quantize or "", output, seed)))
