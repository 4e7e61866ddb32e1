"""`strokecast sample`: drawings of a trained generator, as a sheet, a Sketch-RNN file or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.commands import model_lookup, output_file
from strokecast.common import output_paths
from strokecast.common.errors import UserError, suggest

_IMAGES = (".svg", ".png", ".pdf")
_SUFFIXES = (*_IMAGES, ".npz", ".parquet")
_COLUMNS = 10  # of a sheet, at most


@dataclass(frozen=True)
class SampleOptions:
    """The options of the command.

    Attributes:
        model: name of a trained model of draw, or `champion`.
        classes: to draw; empty: every class of the model.
        output: file to write: an image, .npz or .parquet.
        temperature: 0 to 10.
        n: drawings per class, 1 to 1000.
        seed: of the sampling.
        training_seed: of the trained model; None: its lowest seed.
    """

    model: str
    classes: Sequence[str]
    output: Path
    temperature: float = 0.3
    n: int = 20
    seed: int = 0
    training_seed: int | None = None


def run(options: SampleOptions) -> str:
    """Write the drawings; returns the outcome in one line.

    Raises:
        UserError: if the model, a class or the output is not valid. Nothing is written then.
    """
    import pandas as pd

    from strokecast.inference import predictor
    from strokecast.inference.drawing_generator import DrawingGenerator

    _check_output(options)
    model = model_lookup.find("draw", options.model, options.training_seed)
    generator = predictor.load(model.folder)
    assert isinstance(generator, DrawingGenerator)
    classes = _choose_classes(options.classes, generator, model.name)
    if options.output.suffix.lower() == ".npz" and len(classes) > 1:
        raise UserError(
            f"an .npz file has the drawings of one class, not of {len(classes)}",
            location="--output",
            fix="name one --class, or a .parquet file",
        )
    request = {"temperature": options.temperature, "seed": options.seed, "n": options.n}
    columns = {"class": classes} if generator.is_conditional else {}
    requests = pd.DataFrame({**columns, **{key: [value] * len(classes) for key, value in request.items()}})
    title = f"{model.name}, temperature {options.temperature:g}, seed {options.seed}"
    with output_file.written(options.output) as temporary:
        drawings = generator.predict(requests)
        _write(drawings, title, temporary, options.output.suffix.lower())
    drawn = f" of {', '.join(classes)}" if len(classes) == 1 and classes[0] else ""
    drawn = f" of {len(classes)} classes" if len(classes) > 1 else drawn
    noun = "drawing" if len(drawings) == 1 else "drawings"
    return f"{model.label}: {len(drawings):,} {noun}{drawn} -> {options.output}"


def _check_output(options: SampleOptions) -> None:
    output = options.output
    try:
        output_paths.check_writable(output)
    except UserError as error:
        raise UserError(f"{output} {error.what}", location="--output", fix=error.fix) from None
    if output.suffix.lower() not in _SUFFIXES:
        raise UserError(f"{output}", location="--output", allowed=f"a file ending in {', '.join(_SUFFIXES)}")


def _choose_classes(requested: Sequence[str], generator: Any, name: str) -> list[str]:
    """The classes to draw; [""] for an unconditional network."""
    if not generator.is_conditional:
        if requested:
            raise UserError(
                f"{name} is unconditional: it cannot draw a given class",
                location="--class",
                fix="omit this option",
            )
        return [""]
    for label in requested:
        if label not in generator.classes:
            raise UserError(
                f"{label!r} is not a class of {name}",
                location="--class",
                allowed=generator.classes,
                fix=suggest(label, generator.classes),
            )
    return list(dict.fromkeys(requested)) or list(generator.classes)


def _write(drawings: Any, title: str, temporary: Path, suffix: str) -> None:
    """Write the table of `DrawingGenerator.predict` in the format that `suffix` names."""
    if suffix == ".parquet":
        drawings.rename(columns={"class": "label"}).to_parquet(temporary, index=False)
        return
    if suffix == ".npz":
        from strokecast.sources.formats import npz

        arrays = [np.array(strokes, np.float32) for strokes in drawings["strokes"]]
        npz.write_class(temporary, {"train": arrays, "valid": [], "test": []}, np.float32)
        return
    from strokecast.common import figures
    from strokecast.evaluation.draw.figures import plot_grid
    from strokecast.evaluation.draw.metrics import DrawingGrid

    labels: list[str] = []
    cells: list[list[Any]] = []
    for label, group in drawings.groupby("class", sort=False):
        arrays = [np.array(strokes) for strokes in group["strokes"]]
        width = -(-len(arrays) // -(-len(arrays) // _COLUMNS))  # rows of equal width
        rows = [arrays[start : start + width] for start in range(0, len(arrays), width)]
        cells += [row + [None] * (width - len(row)) for row in rows]
        labels += [str(label), *[""] * (len(rows) - 1)]
    column_labels = [str(number + 1) for number in range(len(cells[0]))]
    figure = plot_grid(DrawingGrid(title, labels, column_labels, cells))
    figures.save(figure, temporary, suffix[1:])
