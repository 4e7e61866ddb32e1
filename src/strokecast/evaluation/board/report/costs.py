"""Score against what a model costs, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.charts import Chart, Trace, axis, chart_section
from strokecast.evaluation.board.report.headlines import Headline, headline_of, milliseconds
from strokecast.evaluation.board.report.section import Section

_LOG_STEPS: tuple[tuple[float, ...], ...] = (
    (1,),
    (1, 2, 5),
    (1, 2, 3, 4, 5, 6, 7, 8, 9),
    tuple(fifths / 5 for fifths in range(5, 50)),
)


def pareto_front(points: Sequence[tuple[float, float]], higher_is_better: bool) -> list[int]:
    """Indices of the (cost, score) points that no other point beats in both, cheapest first."""
    sign = -1.0 if higher_is_better else 1.0
    order = sorted(range(len(points)), key=lambda at: (points[at][0], sign * points[at][1]))
    front: list[int] = []
    for at in order:
        if not front or sign * points[at][1] < sign * points[front[-1]][1]:
            front.append(at)
    return front


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis from `low` to `high`, both > 0: powers of ten, with as many steps between as two ticks need."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in _LOG_STEPS:
        ticks = [
            tick for power in powers for step in steps if low <= (tick := float(f"{step}e{power}")) <= high
        ]
        if len(ticks) >= 2:
            break
    return ticks


def costs_section(summary: Summary) -> Section | None:
    """Charts of the score against training time, parameters and prediction time; None if no model has a score."""
    headline = headline_of(summary)
    costs = {
        "train_seconds": "training time (s)",
        "parameters": "parameters",
        "milliseconds": f"prediction time (ms per {headline.example})",
    }
    charts = [
        chart
        for key, title in costs.items()
        if (chart := _chart(summary["models"], headline, key, title)) is not None
    ]
    if not charts:
        return None
    direction = "higher" if headline.higher_is_better else "lower"
    about = (
        f"Left is cheaper, {direction} is better. The line joins the Pareto front: models that no other model beats in "
        "both. Times are of the machine that trained; prediction time is measured on the validation split in batches, "
        "reading included. A cost of 0 is drawn at the left edge."
    )
    return chart_section(f"{summary['task']}-costs", "Score against cost", about, charts)


def _cost(model: Mapping[str, Any], key: str) -> float | None:
    value = milliseconds(model) if key == "milliseconds" else model.get(key)
    return None if value is None else float(value)


def _chart(models: Sequence[Mapping[str, Any]], headline: Headline, key: str, title: str) -> Chart | None:
    names, costs, scores = [], [], []
    for model in models:
        cost, score = _cost(model, key), headline.value(model)
        if cost is not None and score is not None:
            names.append(str(model["model"]))
            costs.append(cost)
            scores.append(score)
    positive = [cost for cost in costs if cost > 0]
    if not positive:
        return None
    front = pareto_front(list(zip(costs, scores, strict=True)), headline.higher_is_better)
    x = [cost if cost > 0 else min(positive) / 2 for cost in costs]  # a logarithmic axis has no 0
    others = [at for at in range(len(names)) if at not in front]

    def trace(at: Sequence[int], name: str, **options: Any) -> Trace:
        return {
            "type": "scatter",
            "name": name,
            "x": [x[one] for one in at],
            "y": [scores[one] for one in at],
            "text": [names[one] for one in at],
            "customdata": [costs[one] for one in at],
            "hovertemplate": "%{text}<br>%{customdata:,.6~g}<br>%{y:.4~g}<extra></extra>",
            **options,
        }

    listed = ", ".join(f"{place} {names[at]}" for place, at in enumerate(front, start=1))
    note = f"Pareto front, cheapest first: {listed}."
    position = (
        "top left" if headline.higher_is_better else "bottom left"
    )  # no model lies on that side of the front
    left, right = math.log10(min(x)), math.log10(max(x))
    padding = 0.12 * max(right - left, 1.0)
    places = {
        "mode": "lines+markers+text",
        "texttemplate": [str(place) for place in range(1, len(front) + 1)],
        "textposition": position,
        "cliponaxis": False,
    }
    low, high = left - padding, right + padding
    ticks = {"tickvals": log_ticks(10**low, 10**high), "tickformat": "~s" if key == "parameters" else "~g"}
    return Chart(
        key,
        title,
        f"{headline.label} against {title} of {len(names)} models. {note}",
        [trace(front, "Pareto front", **places), trace(others, "other models", mode="markers")],
        {
            "xaxis": axis(title, type="log", range=[low, high], **ticks),
            "yaxis": axis(headline.label),
        },
        note,
    )
