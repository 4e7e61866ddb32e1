"""`strokecast export`: a trained network in a portable format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from strokecast.commands import model_lookup
from strokecast.common import signals
from strokecast.common.errors import UserError
from strokecast.common.paths import PROCESSED
from strokecast.serving import export as exporting
from strokecast.serving import formats


@dataclass(frozen=True)
class ExportOptions:
    """The options of the command.

    Attributes:
        task: of the model.
        model: name of a trained model, or `champion`.
        file_format: onnx, litert or saved_model.
        quantize: of onnx and litert: dynamic, int8, or "".
        output: folder to write.
        seed: of the trained model; None: its lowest seed.
    """

    task: str
    model: str
    file_format: str
    quantize: str
    output: Path
    seed: int | None = None


def run(options: ExportOptions) -> str:
    """Write the folder; returns the outcome in one line.

    Raises:
        UserError: if the model cannot be exported, or an option is not valid. Nothing is written then.
    """
    if options.quantize and options.file_format not in formats.QUANTIZED:
        raise UserError(
            f"{options.file_format} files are not quantized",
            location="--quantize",
            fix=f"omit this option, or use --format {' or '.join(formats.QUANTIZED)}",
        )
    exporting.check_output(options.output)
    model = model_lookup.find(options.task, options.model, options.seed)
    if reason := exporting.reason_against(options.task, model.name):
        raise UserError(f"{model.name} cannot be exported: {reason}", location="--model")
    with signals.handled_by(signals.raise_interrupted):
        contents = exporting.export(
            model.folder,
            PROCESSED / options.task,
            options.file_format,
            options.quantize,
            options.output,
        )
    return (
        f"{model.label}: {contents['bytes']:,} bytes, largest difference {contents['largest_difference']:.2g} from Keras, "
        f"{contents['latency_ms']['file']['p50']:.2f} ms per example -> {options.output / contents['file']}"
    )
