"""Calibration: reliability of classifiers, coverage of the intervals of forecasters."""

from __future__ import annotations

from pathlib import Path

from strokecast.common.paths import model_report_dir
from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.charts import (
    Chart,
    axis,
    chart_section,
    diagonal,
    model_trace,
    number,
    read_rows,
)
from strokecast.evaluation.board.report.curves import model_ranks
from strokecast.evaluation.board.report.section import Section


def calibration_section(report_dir: Path, summary: Summary) -> Section | None:
    """The section of a task with classifiers or forecasters; None if there is nothing to show."""
    chart = (
        _coverage(report_dir, summary) if summary["task"] == "forecast" else _reliability(report_dir, summary)
    )
    if len(chart.traces) == 1:
        return None
    about = {
        "coverage": "On the dashed line, an interval holds as many actual values as its level promises; below it, fewer.",
        "reliability": (
            "Test drawings in bins of equal width by the probability of the predicted class; the first seed of each "
            "model. Larger points stand for more drawings. Below the dashed line, the model is overconfident."
        ),
    }[chart.key]
    return chart_section(f"{summary['task']}-calibration", "Calibration", about, [chart])


def _reliability(report_dir: Path, summary: Summary) -> Chart:
    traces = [diagonal(1, "perfect")]
    for rank, model in enumerate(summary["models"]):
        folder = model_report_dir(report_dir, model["model"], model["seeds"][0])
        rows = [row for row in read_rows(folder / "calibration.csv") if int(row["count"])]
        if not rows:
            continue
        x, y = ([number(row[key]) for row in rows] for key in ("confidence", "accuracy"))
        counts = [int(row["count"]) for row in rows]
        largest = max(counts)
        options = {
            "text": [f"{count:,} drawings" for count in counts],
            "marker": {"size": [round(4 + 12 * (count / largest) ** 0.5, 1) for count in counts]},
        }
        traces.append(model_trace(rank, model["model"], x, y, mode="lines+markers", **options))
    layout = {
        "xaxis": axis("mean confidence", range=[0, 1.02]),
        "yaxis": axis("accuracy", range=[0, 1.05]),
    }
    label = f"Accuracy against mean confidence of {len(traces) - 1} models"
    return Chart("reliability", "Reliability", label, traces, layout)


def _coverage(report_dir: Path, summary: Summary) -> Chart:
    rows = read_rows(report_dir / "plots" / "coverage.csv")
    ranks, traces = model_ranks(summary), [diagonal(100, "nominal")]
    for name in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == name]
        x, y = ([number(row[key]) for row in own] for key in ("nominal", "coverage"))
        traces.append(model_trace(ranks.get(name, len(ranks)), name, x, y, mode="lines+markers"))
    layout = {
        "xaxis": axis("level of the interval (%)", range=[40, 101]),
        "yaxis": axis("actual values within it (%)", range=[0, 103]),
    }
    label = f"Coverage of the 50, 80 and 95 % intervals of {len(traces) - 1} models against their level"
    return Chart("coverage", "Coverage of the intervals", label, traces, layout)
