"""Forecasts with their intervals, by series, regime, origin and model.

Shapes: O origins, H days ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.charts import number, read_rows
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render

if TYPE_CHECKING:
    import pandas as pd

_MAX_VALUES = 500_000  # about 3 MB of JSON
_MIN_ORIGINS = 20  # of a series; further series are left out before a series gets fewer
_LEVELS = (50, 80, 95)


def forecasts_section(report_dir: Path, summary: Summary) -> Section | None:
    """The section of forecast; None without predictions."""
    path = report_dir / "predictions.parquet"
    if not path.is_file():
        return None
    data = forecast_data(path, summary, _daily_values(report_dir))
    html = render("forecasts.html.j2", data=data, note=_selection_note(data))
    return Section("forecast-explorer", "Forecasts by origin", html, data, "forecasts.js")


def forecast_data(
    path: Path, summary: Summary, daily: Mapping[str, float], max_values: int = _MAX_VALUES
) -> dict[str, Any]:
    """What the page needs to draw any forecast.

    Args:
        path: `predictions.parquet`.
        summary: of the task.
        daily: day → actual value of the first series, also for days that no forecast covers.
        max_values: numbers of the forecasts in the result; further series, then origins are left out beyond it.

    Returns:
        `unit`, `horizon`, `levels` (percent), `models` (best first), `regimes` (`name`, `first`, `last`),
        `total_series`, and `series`: each with `id`, `total_origins`, `origins` (first forecast days), `first_day` and
        `actual` (one value or null per day from there), and `forecasts`: model → `point`, `lo-80`, ... of its first
        seed, each a list of O x H values, origin by origin.
    """
    import pandas as pd

    frame = pd.read_parquet(path)
    horizon, models = int(summary["horizon"]), summary["models"]
    frames = {
        model["model"]: frame[(frame["model"] == model["model"]) & (frame["seed"] == model["seeds"][0])]
        for model in models
    }
    first = next(iter(frames.values()))
    ids = list(dict.fromkeys(first["unique_id"])) if "unique_id" in first else [""]
    levels = [level for level in _LEVELS if f"lo-{level}" in frame]
    columns = ["forecast", *(f"{end}-{level}" for level in levels for end in ("lo", "hi"))]
    max_origins = max(1, max_values // (len(models) * horizon * len(columns)))
    shown_ids = ids[: max(1, max_origins // _MIN_ORIGINS)]
    per_series = max(1, max_origins // len(shown_ids))
    series = []
    for series_id in shown_ids:
        own = {
            name: rows[rows["unique_id"] == series_id] if series_id else rows for name, rows in frames.items()
        }
        series.append(
            _series(series_id, own, columns, horizon, per_series, daily if series_id == ids[0] else {})
        )
    return {
        "unit": summary["unit"],
        "horizon": horizon,
        "levels": levels,
        "models": list(frames),
        "regimes": [{key: str(r[key]) for key in ("name", "first", "last")} for r in summary["regimes"]],
        "total_series": len(ids),
        "series": series,
    }


def _series(
    series_id: str,
    frames: Mapping[str, pd.DataFrame],
    columns: Sequence[str],
    horizon: int,
    max_origins: int,
    daily: Mapping[str, float],
) -> dict[str, Any]:
    first = next(iter(frames.values()))
    origins = [str(day) for day in first["origin"].iloc[::horizon]]
    chosen = np.linspace(0, len(origins) - 1, min(max_origins, len(origins))).round().astype(int)
    rows = (chosen[:, None] * horizon + np.arange(horizon)).ravel()
    actual = dict(daily) | {
        str(day): float(value) for day, value in zip(first["ds"], first["actual"], strict=True)
    }
    days = np.arange(np.datetime64(min(actual)), np.datetime64(max(actual)) + 1)
    return {
        "id": series_id,
        "total_origins": len(origins),
        "origins": [origins[at] for at in chosen],
        "first_day": str(days[0]),
        "actual": [_compact(actual.get(str(day))) for day in days],
        "forecasts": {
            name: {
                "point" if column == "forecast" else column: [
                    _compact(value) for value in frame[column].to_numpy()[rows].tolist()
                ]
                for column in columns
            }
            for name, frame in frames.items()
        },
    }


def _compact(value: float | None) -> float | int | None:
    """Five significant digits, without a decimal point for whole numbers; None for missing and non-finite values."""
    if value is None or not np.isfinite(value):
        return None
    rounded = float(f"{value:.5g}")
    return int(rounded) if rounded.is_integer() else rounded


def _daily_values(report_dir: Path) -> dict[str, float]:
    """Day → actual value of the first series over the whole test split."""
    values = {
        row["ds"]: number(row["y"])
        for row in read_rows(report_dir / "plots" / "forecasts.csv")
        if row["model"] == "actual"
    }
    return {day: value for day, value in values.items() if value is not None}


def _selection_note(data: Mapping[str, Any]) -> str:
    """Which series and origins the page leaves out; "" if none."""
    notes = []
    if len(data["series"]) < data["total_series"]:
        notes.append(f"The first {len(data['series'])} of {data['total_series']:,} series are shown.")
    if any(len(one["origins"]) < one["total_origins"] for one in data["series"]):
        most = max(data["series"], key=lambda one: one["total_origins"])
        notes.append(
            f"{len(most['origins']):,} evenly spaced of {most['total_origins']:,} origins are shown."
        )
    if notes:
        notes.append("predictions.parquet has all of them.")
    return " ".join(notes)
