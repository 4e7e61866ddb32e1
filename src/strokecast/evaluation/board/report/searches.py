"""Searches for hyperparameters: score by trial, importance of each key, parallel coordinates, and the best trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.evaluation.board.report.charts import Chart, Trace, axis, model_trace
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render
from strokecast.evaluation.common import tables

_LISTED = 10  # best trials in the table


def search_sections(searches: Path, task: str) -> list[Section]:
    """A section per search of a task, in the order of the names.

    Args:
        searches: folder of the records that `strokecast tune` writes.
        task: of the searches.
    """
    records = (files.read_json(path) for path in sorted(searches.glob("*.json")))
    return [
        _section(f"{task}-search-{number}", record)
        for number, record in enumerate((one for one in records if one["task"] == task), start=1)
    ]


def _section(anchor: str, record: Mapping[str, Any]) -> Section:
    scored = [trial for trial in record["trials"] if trial["score"] is not None]
    ranked = _ranked(scored, record["higher_is_better"])
    charts = [_history(scored, record), *_importances(record), _parallel(ranked, record)]
    keys = list(record["space"])
    rows = [
        [
            str(trial["number"]),
            trial["state"],
            tables.format_number(trial["score"]),
            *(str(trial["values"].get(key, "")) for key in keys),
        ]
        for trial in ranked[:_LISTED]
    ]
    counts = [f"{_count(record['trials'], state)} {state}" for state in ("complete", "pruned", "failed")]
    direction = "higher" if record["higher_is_better"] else "lower"
    about = (
        f"{len(record['trials'])} trials of {record['model']}: {', '.join(counts)}. The score is the {record['metric']}, "
        f"{direction} is better; test data are not read. A pruned trial has the score at its end."
    )
    title = f"Search: {record['study']}"
    data = {chart.key: {"traces": chart.traces, "layout": chart.layout} for chart in charts}
    html = render(
        "searches.html.j2",
        anchor=anchor,
        about=about,
        title=title,
        charts=charts,
        study=record["study"],
        default=record["default"],
        header=["trial", "state", record["metric"], *keys],
        rows=rows,
    )
    return Section(anchor, title, html, data, "charts.js")


def _ranked(trials: Sequence[Mapping[str, Any]], higher_is_better: bool) -> list[Mapping[str, Any]]:
    """Complete trials before pruned ones, the best first."""
    sign = -1 if higher_is_better else 1
    return sorted(
        trials, key=lambda trial: (trial["state"] != "complete", sign * trial["score"], trial["number"])
    )


def _count(trials: Sequence[Mapping[str, Any]], state: str) -> int:
    return sum(trial["state"] == state for trial in trials)


def _history(scored: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> Chart:
    choose = max if record["higher_is_better"] else min
    best: list[float] = []
    for trial in scored:
        score = [trial["score"]] if trial["state"] == "complete" else []
        best.append(choose([*best[-1:], *score], default=trial["score"]))
    numbers = [trial["number"] for trial in scored]
    points: list[Trace] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": state,
            "x": [trial["number"] for trial in scored if trial["state"] == state],
            "y": [trial["score"] for trial in scored if trial["state"] == state],
            "marker": {"symbol": symbol},
        }
        for state, symbol in (("complete", "circle"), ("pruned", "x-thin-open"))
    ]
    line = model_trace(0, "best so far", numbers, best, mode="lines", line={"shape": "hv"})
    return Chart(
        "history",
        "Score by trial",
        f"{record['metric']} of {len(scored)} trials, and the best so far",
        [line, *points],
        {"xaxis": axis("trial"), "yaxis": axis(record["metric"])},
    )


def _importances(record: Mapping[str, Any]) -> list[Chart]:
    shares = record["importances"]
    if not shares:
        return []
    keys = list(reversed(shares))  # Plotly draws the first one at the bottom
    trace = model_trace(0, "importance", [shares[key] for key in keys], keys, type="bar", orientation="h")
    listed = ", ".join(f"{key} {share:.2f}" for key, share in list(shares.items())[:3])
    return [
        Chart(
            "importances",
            "Importance of each key",
            f"Share of the variance of the score that each key explains: {listed}",
            [trace],
            {"xaxis": axis("share of the variance"), "yaxis": axis("key", type="category")},
            "Functional ANOVA over the complete trials. With few trials the shares are rough.",
        )
    ]


def _parallel(ranked: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> Chart:
    space = record["space"]
    traces = []
    for rank, trial in enumerate(ranked):
        values, name = trial["values"], f"trial {trial['number']}"
        keys = [key for key in space if key in values]
        trace = model_trace(
            rank,
            name,
            keys,
            [_position(space[key], values[key]) for key in keys],
            mode="lines+markers",
            text=[f"{key} = {values[key]}" for key in keys],
            hovertemplate=f"%{{text}}<br>{tables.format_number(trial['score'])}<extra>{name}</extra>",
        )
        traces.append(trace)
    return Chart(
        "parallel",
        "Parallel coordinates",
        f"The values of {len(traces)} trials, each key from its lowest to its highest value",
        traces,
        {
            "xaxis": axis("key", type="category"),
            "yaxis": axis("position within the range", range=[-0.05, 1.05]),
        },
        "One line per trial, best first in the legend. Point at a line for its values.",
        lines="Trials",
    )


def _position(dimension: Any, value: Any) -> float:
    """Where a value lies in its dimension, from 0 to 1."""
    if isinstance(dimension, list):
        return round(dimension.index(value) / max(len(dimension) - 1, 1), 4) if value in dimension else 0.0
    low, high = dimension["low"], dimension["high"]
    if dimension["log"]:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return round((value - low) / (high - low), 4)
