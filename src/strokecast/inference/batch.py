"""A stream of raw drawings through a trained classifier: rows in, their probabilities out, in the order of the input.

Memory holds one chunk of the stream. Drawings of a chunk are batched by length bucket, so little is padded; a network is
traced once for all buckets and batch sizes.

Shapes: n points of a drawing, R rows of a chunk, K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.inference.classifier import DrawingClassifier

CHUNK_ROWS = 4_096
CHUNK_POINTS = 1_000_000  # a chunk with more points ends early


@dataclass(frozen=True, slots=True)
class InputRow:
    """One row of the input: a drawing, or the reason why there is none.

    Attributes:
        file: name of its file.
        number: line, record or position in the file, as its format counts; None if the error concerns the whole file.
        id: of the drawing; "" if it is not known.
        label: class that the file names; "" if it names none.
        points: [n, 3] = (dx, dy, pen_lift) in the source's units, for which `classifier.drawing_problem` finds nothing;
            None if there is an error.
        times: [n], ms since the drawing began; None if the format has no time.
        error: why the row is not a drawing.
    """

    file: str
    number: int | None
    id: str = ""
    label: str = ""
    points: NDArray[Any] | None = None
    times: NDArray[Any] | None = None
    error: str = ""


def predict_rows(
    classifier: DrawingClassifier, rows: Iterable[InputRow]
) -> Iterator[tuple[list[InputRow], NDArray[np.float64]]]:
    """Classify a stream of rows chunk by chunk.

    Args:
        classifier: of raw drawings.
        rows: the input.

    Yields:
        R consecutive rows and their probabilities, float64 [R, K]; NaN for rows without a drawing. A row whose
        probabilities are not finite gets an error.

    Raises:
        UserError: if the classifier reads time and a drawing has none.
    """
    for chunk in _chunks(rows):
        drawn = [(index, row) for index, row in enumerate(chunk) if row.points is not None]
        probabilities = np.full((len(chunk), len(classifier.classes)), np.nan)
        times = [_times(row) for _, row in drawn] if classifier.reads_time else None
        drawings = [row.points for _, row in drawn if row.points is not None]
        if drawings:
            probabilities[[index for index, _ in drawn]] = classifier.predict_proba(drawings, times)
        for index, row in drawn:
            if not np.isfinite(probabilities[index]).all():
                chunk[index] = replace(row, error="not_finite: the output of the model is not finite")
                probabilities[index] = np.nan
        yield chunk, probabilities


def _chunks(rows: Iterable[InputRow]) -> Iterator[list[InputRow]]:
    chunk: list[InputRow] = []
    n_points = 0
    for row in rows:
        chunk.append(row)
        n_points += 0 if row.points is None else len(row.points)
        if len(chunk) == CHUNK_ROWS or n_points >= CHUNK_POINTS:
            yield chunk
            chunk, n_points = [], 0
    if chunk:
        yield chunk


def _times(row: InputRow) -> NDArray[Any]:
    if row.times is None:
        raise UserError(
            "the drawings have no time, and this model reads the time of each point",
            location=row.file,
            allowed="raw ndjson, or a Parquet file with the column times",
        )
    return row.times
