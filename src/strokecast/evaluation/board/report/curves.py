"""Learning curves, and the test score by length of the drawing or by day ahead."""

from __future__ import annotations

from pathlib import Path

from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.charts import (
    Chart,
    axis,
    chart_section,
    model_trace,
    number,
    read_rows,
)
from strokecast.evaluation.board.report.section import Section

_CURVES = {
    "valid_accuracy": "Validation accuracy",
    "valid_loss": "Validation loss",
    "train_loss": "Training loss",
}


def curves_section(report_dir: Path, summary: Summary) -> Section | None:
    """The learning curves of all trainings; None if no model is trained by epochs."""
    rows = read_rows(report_dir / "plots" / "curves.csv")
    ranks = model_ranks(summary)
    labels = sorted(
        dict.fromkeys(row["model"] for row in rows),
        key=lambda label: (_rank(label, ranks), label),
    )
    charts = []
    for column, title in _CURVES.items():
        if not rows or column not in rows[0]:
            continue
        traces = []
        for label in labels:
            own = [row for row in rows if row["model"] == label]
            x, y = [int(row["epoch"]) for row in own], [number(row[column]) for row in own]
            traces.append(model_trace(_rank(label, ranks), label, x, y, mode="lines"))
        label = f"{title} by epoch of {len(traces)} trainings"
        charts.append(Chart(column, title, label, traces, {"xaxis": axis("epoch"), "yaxis": axis(title)}))
    if not charts:
        return None
    about = "One line per training. Models are in the order of the leaderboard."
    return chart_section(f"{summary['task']}-curves", "Learning curves", about, charts)


def breakdown_section(report_dir: Path, summary: Summary) -> Section | None:
    """Accuracy by length of the drawing, or MAE by day ahead; None for a task with neither."""
    task = summary["task"]
    if task == "forecast":
        unit = f" ({summary['unit']})" if summary["unit"] else ""
        rows, x, y = read_rows(report_dir / "plots" / "by_day.csv"), "day", "mae"
        title, x_title, y_title = "Error by day ahead", "days ahead", f"test MAE{unit}"
    else:
        rows, x, y = read_rows(report_dir / "plots" / "by_length.csv"), "points", "accuracy"
        title, x_title, y_title = (
            "Accuracy by length of the drawing",
            "points in the drawing",
            "test accuracy",
        )
    if not rows:
        return None
    ranks, traces = model_ranks(summary), []
    for name in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == name]
        values = [number(row[y]) for row in own]
        traces.append(
            model_trace(_rank(name, ranks), name, [row[x] for row in own], values, mode="lines+markers")
        )
    layout = {"xaxis": axis(x_title, type="category"), "yaxis": axis(y_title)}
    label = f"{y_title} by {x_title} of {len(traces)} models"
    return chart_section(f"{task}-breakdown", title, "", [Chart("breakdown", title, label, traces, layout)])


def model_ranks(summary: Summary) -> dict[str, int]:
    """Model → rank, from 0."""
    return {model["model"]: rank for rank, model in enumerate(summary["models"])}


def _rank(label: str, ranks: dict[str, int]) -> int:
    """Rank of the model that a label such as `gru-seed2` is of."""
    return ranks.get(label, ranks.get(label.rpartition("-seed")[0], len(ranks)))
