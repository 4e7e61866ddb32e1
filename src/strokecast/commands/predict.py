"""`strokecast predict`: the classes of the drawings in files of any size, as a table with a row per drawing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.commands import drawing_input, model_lookup, output_file
from strokecast.commands.model_lookup import CHAMPION, usable_names
from strokecast.common import names, output_paths
from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.inference.batch import InputRow, predict_rows

TASKS = ("classify", "watch")
_SUFFIXES = (".parquet", ".csv")
_MAX_EXAMPLES = 3  # bad rows that the warning names


@dataclass(frozen=True)
class PredictOptions:
    """The options of the command.

    Attributes:
        model: name of a trained model or an ensemble, or `champion`.
        source: file or folder with drawings.
        output: Parquet or CSV file to write, or `-` for CSV on standard output.
        task: `classify` or `watch`; "": the one with the model, `classify` for the champion.
        file_format: one of `drawing_input.FORMATS`; "": by the name of each file.
        top: classes per drawing, the most probable first.
        seed: of the trained model; None: its lowest seed.
    """

    model: str
    source: Path
    output: Path
    task: str = ""
    file_format: str = ""
    top: int = 3
    seed: int | None = None


@dataclass
class _Tally:
    """What was read so far.

    Attributes:
        n_drawings: drawings with a prediction.
        n_labelled: those whose label is a class of the model.
        n_correct: of these, how many were predicted correctly.
        kinds: reason → bad rows.
        examples: the first bad rows.
    """

    n_drawings: int = 0
    n_labelled: int = 0
    n_correct: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[InputRow] = field(default_factory=list)

    def add(self, rows: Sequence[InputRow], predicted: Sequence[str | None], classes: Sequence[str]) -> None:
        """Count the rows of a chunk and their predicted classes, None for a bad row."""
        for row, label in zip(rows, predicted, strict=True):
            if label is None:
                self.kinds[row.error.partition(":")[0]] += 1
                self.examples += [row] if len(self.examples) < _MAX_EXAMPLES else []
            else:
                self.n_drawings += 1
                self.n_labelled += row.label in classes
                self.n_correct += row.label == label

    def warning(self) -> str:
        """The bad rows in one line."""
        n_bad = self.kinds.total()
        counts = ", ".join(f"{count:,} {kind}" for kind, count in self.kinds.most_common())
        places = "; ".join(map(_describe, self.examples))
        more = "; ..." if n_bad > len(self.examples) else ""
        return f"{n_bad:,} of {n_bad + self.n_drawings:,} rows have no prediction ({counts}): {places}{more}"


def run(options: PredictOptions, report: Callable[[str], None]) -> str:
    """Write the predictions; returns the outcome in one line.

    The output has a row per row of the input, in its order: `file`, `row` (line, record or position in the file), `id`,
    `label` (the class that the file names), `predicted`, `probability`, `predicted_2`, `probability_2`, ..., and `error`,
    which says why a row has no prediction.

    Args:
        options: of the command.
        report: receives one line about rows without prediction.

    Raises:
        UserError: if the model, the input or an option is not valid, or no row is a drawing. Nothing is written then.
    """
    from strokecast.inference import predictor
    from strokecast.inference.classifier import DrawingClassifier

    files = drawing_input.find_files(options.source, options.file_format)
    _check_output(options.output, files)
    task = options.task or _find_task(options.model)
    model = model_lookup.find(task, options.model, options.seed)
    classifier = predictor.load(model.folder)
    assert isinstance(classifier, DrawingClassifier)
    classes, top = classifier.classes, min(options.top, len(classifier.classes))
    rows = drawing_input.read(files, frozenset(classes))
    tally = _Tally()
    with (
        output_file.written(options.output) as temporary,
        _table_writer(temporary, options.output, top) as write,
    ):
        shown = progress(rows, f"predicting {options.source.name}", _total(files), " rows")
        for chunk, probabilities in predict_rows(classifier, shown):
            columns = _columns(chunk, probabilities, classes, top)
            tally.add(chunk, columns["predicted"], classes)
            write(columns)
        if not tally.n_drawings:
            first = f" ({_describe(tally.examples[0])})" if tally.examples else ""
            raise UserError(
                f"has no drawing{first}",
                location=str(options.source),
                allowed=f"a file of the formats {', '.join(drawing_input.FORMATS)}",
            )
    if tally.kinds:
        report(tally.warning())
    accuracy = ""
    if tally.n_labelled:
        share = tally.n_correct / tally.n_labelled
        accuracy = f", {share:.1%} of the {tally.n_labelled:,} with a known class are correct"
    noun = "drawing" if tally.n_drawings == 1 else "drawings"
    return f"{model.label}: {tally.n_drawings:,} {noun} -> {options.output}{accuracy}"


def _describe(row: InputRow) -> str:
    """The place of a bad row and its error."""
    place = row.file if row.number is None else f"{row.file}:{row.number}"
    return f"{place} {names.shorten(row.error, 200)}"


def _find_task(model: str) -> str:
    """The task of the model, if the user names none."""
    if model == CHAMPION:
        return TASKS[0]
    tasks = [task for task in TASKS if model in usable_names(task)]
    if len(tasks) > 1:
        raise UserError(f"{model} is a model of {' and of '.join(tasks)}", location="--task", allowed=tasks)
    if not tasks:
        known = [*(name for task in TASKS for name in usable_names(task))]
        raise UserError(
            f"no trained model {model!r} of {' or '.join(TASKS)}",
            location="--model",
            allowed=[*known, CHAMPION] if known else "",
            fix="" if known else "run `dvc repro`",
        )
    return tasks[0]


def _check_output(output: Path, files: Iterable[Path]) -> None:
    """Raise a `UserError` if the output cannot be written, is an input or of an unknown type."""
    try:
        output_paths.check_writable(output)
    except UserError as error:
        raise UserError(f"{output} {error.what}", location="--output", fix=error.fix) from None
    if output_paths.is_stream(output):
        return
    if output.suffix.lower() not in _SUFFIXES:
        raise UserError(f"{output}", location="--output", allowed=f"a file ending in {', '.join(_SUFFIXES)}")
    if os.path.realpath(output) in map(os.path.realpath, files):
        raise UserError(f"{output} is also an input", location="--output", fix="name another file")


def _total(files: dict[Path, str]) -> int | None:
    """The number of rows for the progress bar, which is shown on a terminal only."""
    import sys

    return drawing_input.count_rows(files) if sys.stderr.isatty() else None


def _columns(
    rows: Sequence[InputRow], probabilities: NDArray[np.float64], classes: Sequence[str], top: int
) -> dict[str, Any]:
    """The columns of a chunk: lists and arrays [R]."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    columns: dict[str, Any] = {
        "file": [row.file for row in rows],
        "row": [row.number for row in rows],
        "id": [row.id or None for row in rows],
        "label": [row.label or None for row in rows],
    }
    for rank in range(top):
        suffix = f"_{rank + 1}" if rank else ""
        columns[f"predicted{suffix}"] = [
            None if row.error else classes[index] for row, index in zip(rows, order[:, rank], strict=True)
        ]
        best = np.take_along_axis(probabilities, order[:, rank : rank + 1], axis=1)[:, 0]
        columns[f"probability{suffix}"] = [None if np.isnan(value) else value for value in best.tolist()]
    return columns | {"error": [row.error or None for row in rows]}


@contextmanager
def _table_writer(temporary: Path, output: Path, top: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield a function that appends columns to a Parquet or CSV file."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    ranked = [f"{name}_{rank}" if rank > 1 else name for rank in range(1, top + 1) for name in _RANKED]
    kinds = {"row": pa.int64(), **{name: pa.float64() for name in ranked if name.startswith("probability")}}
    fields = ["file", "row", "id", "label", *ranked, "error"]
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in fields])
    make = pa.parquet.ParquetWriter if output.suffix.lower() == ".parquet" else pa.csv.CSVWriter
    with make(temporary, schema) as writer:
        yield lambda columns: writer.write_table(pa.table(columns, schema=schema))


_RANKED = ("predicted", "probability")
