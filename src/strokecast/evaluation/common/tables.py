"""Numbers as text and CSV, rounded the same way everywhere: the same inputs give the same bytes."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common.files import write_text

_MARKUP = re.compile(r"[\\`*<>|\[\]#&~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def round_significant(value: float) -> float:
    """`value` rounded to six significant digits; later digits depend on threads and library versions."""
    return float(f"{value:.6g}")


def round_finite(values: Mapping[str, float]) -> dict[str, float]:
    """The finite numbers of `values`, rounded; NaN and infinities are left out."""
    return {key: round_significant(value) for key, value in values.items() if math.isfinite(value)}


def format_number(value: float) -> str:
    """A number with about three significant digits for readers, e.g. 36,283, 297.4 or 3.95."""
    size = abs(value)
    if size >= 1e15:
        return f"{value:.3g}"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.3g}"


def mean_and_spread(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each metric over seeds and, with several seeds, `<metric>_spread`.

    The spread is the sample standard deviation (n - 1 in the denominator).
    """
    result = {}
    for key in seeds[0]:
        values = [metrics[key] for metrics in seeds]
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
    """Write rows as CSV. A missing key, None and NaN become empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def escape_markdown(text: str) -> str:
    """`text` with a backslash before every character that Markdown or HTML would take as markup.

    Underscores within words, as in the names of models, mean nothing and stay.
    """
    return _MARKUP.sub(r"\\\g<0>", text)


def to_markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table padded to be readable as text; first column left, the others right aligned."""
    lines = [[escape_markdown(cell) for cell in line] for line in (header, *rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]

    def format_line(cells: Sequence[str]) -> str:
        padded = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * w if i == 0 else "-" * (w - 1) + ":") for i, w in enumerate(widths)]
    return "\n".join([format_line(lines[0]), format_line(rule), *map(format_line, lines[1:])]) + "\n"
