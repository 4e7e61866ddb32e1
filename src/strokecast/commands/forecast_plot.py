"""The plot of `strokecast forecast`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from strokecast.common import names
from strokecast.features.records.spec import ForecastSpec
from strokecast.inference.series_table import ID, to_series_id

MAX_PANELS = 12  # with more series the plot shows the first ones
HISTORY_DAYS = 56
_INTERVALS = {"95": 0.1, "80": 0.15, "50": 0.25}  # level in per cent → opacity; the widest is drawn first


def plot_forecast(history: pd.DataFrame, forecast: pd.DataFrame, spec: ForecastSpec, name: str) -> Any:
    """Plot one panel per series: the last eight weeks of history, the forecast, and the intervals of the model.

    Only the first `MAX_PANELS` series are plotted.

    Args:
        history: the days of each series: ds, unique_id and the target.
        forecast: columns ds, unique_id, mean or median, then lo-<level> and hi-<level> per interval.
        spec: of the model.
        name: of the model.
    """
    from strokecast.common import figures

    target, point = spec["targets"][0], forecast.columns[2]
    series_names = forecast[ID].drop_duplicates()[:MAX_PANELS]
    groups = list(forecast[forecast[ID].isin(series_names)].groupby(ID, sort=False))
    history_ids = history[ID].map(to_series_id) if ID in history.columns else None
    figure, panels = figures.create(8.0, 1.0 + 2.4 * len(groups), rows=len(groups))
    for axes, (series, future) in zip(panels, groups, strict=True):
        past = history if history_ids is None else history[history_ids == series]
        past = past.tail(HISTORY_DAYS)
        days, values = pd.to_datetime(past["ds"]).to_numpy(), pd.to_numeric(past[target]).to_numpy()
        axes.plot(days, values, color=figures.INK, linewidth=1.2, label="history")
        future_days = np.concatenate([days[-1:], future["ds"].to_numpy()])
        future_values = np.concatenate([values[-1:], future[point].to_numpy()])
        axes.plot(
            future_days, future_values, color=figures.COLOURS[0], linewidth=1.6, label=f"forecast ({point})"
        )
        for level, opacity in _INTERVALS.items():
            if f"lo-{level}" not in future:
                continue
            low, high = (future[f"{end}-{level}"].to_numpy() for end in ("lo", "hi"))
            axes.fill_between(
                future["ds"].to_numpy(),
                low,
                high,
                color=figures.COLOURS[0],
                alpha=opacity,
                linewidth=0,
                label=f"{level} % interval",
            )
        axes.set_title(f"{names.shorten(str(series), 60)}: {name}")
        axes.set_ylabel(names.shorten(spec["unit"] or target, 30))
        figures.add_grid(axes)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
