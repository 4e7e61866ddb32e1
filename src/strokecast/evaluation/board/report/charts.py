"""Charts of the report page: Plotly traces without colours, which `charts.js` adds for the light or dark theme."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render

Trace = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        key: unique within its section.
        caption: visible title.
        label: text alternative: what the chart shows, for screen readers.
        traces: of Plotly. A trace with `meta: {"model": i}` gets the colour of the model of rank i.
        layout: of Plotly, added to that of the theme.
        note: sentence below the chart.
        lines: what the traces with a colour are, a label of the choice between the best and all of them.
    """

    key: str
    caption: str
    label: str
    traces: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    lines: str = "Models"


def chart_section(anchor: str, title: str, about: str, charts: Sequence[Chart]) -> Section:
    """A section that consists of charts, each with its data as a table for keyboard and screen reader."""
    data = {chart.key: {"traces": chart.traces, "layout": chart.layout} for chart in charts}
    html = render("charts.html.j2", anchor=anchor, title=title, about=about, charts=charts)
    return Section(anchor, title, html, data, "charts.js")


def model_trace(rank: int, name: str, x: Sequence[Any], y: Sequence[Any], **options: Any) -> Trace:
    """A trace of the model of this rank; 0 is the best."""
    return {"type": "scatter", "name": name, "x": x, "y": y, "meta": {"model": rank}, **options}


def diagonal(high: float, name: str) -> Trace:
    """The line y = x from 0 to `high`."""
    return {"type": "scatter", "name": name, "x": [0, high], "y": [0, high], "mode": "lines"}


def axis(title: str, **options: Any) -> dict[str, Any]:
    """A Plotly axis with a title."""
    return {"title": {"text": title}, **options}


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as text; none if there is no such file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    """The number in a cell of a CSV file; None for an empty one."""
    return float(text) if text else None
