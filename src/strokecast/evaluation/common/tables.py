"""Figures as text: rounded alike everywhere, so that the same inputs give the same bytes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common.files import write_text


def tidy(value: float) -> float:
    """`value` rounded to six significant digits, beyond which threads and libraries disagree."""
    return float(f"{value:.6g}")


def figure(value: float) -> str:
    """A figure for readers, with as many digits as say something: 36,283, 297.4, 3.95."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def tidy_all(values: Mapping[str, float]) -> dict[str, float]:
    """The finite figures of `values`, rounded; one that is not defined is left out."""
    return {key: tidy(value) for key, value in values.items() if math.isfinite(value)}


def mean_and_spread(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each figure over seeds and, of several seeds, `<figure>_spread`.

    The spread is the standard deviation with n - 1 in the denominator.
    """
    result = {}
    for key in seeds[0]:
        values = [figures[key] for figures in seeds]
        mean = sum(values) / len(values)
        result[key] = mean
        if len(values) > 1:
            result[f"{key}_spread"] = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return result


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return "" if value is None else value


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV; a missing key, None and NaN become an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, the first column left, the others right aligned, padded to read as text."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * w if i == 0 else "-" * (w - 1) + ":") for i, w in enumerate(widths)]
    return "\n".join([line(lines[0]), line(rule), *(line(cells) for cells in lines[1:])]) + "\n"
