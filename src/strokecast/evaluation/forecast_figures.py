"""Figures of the forecast task. Shapes: O origins, H days ahead, T days of the test span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.evaluation import figures

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

_LAST_DAYS = 70  # shown in the panel of whole forecasts


def actual_and_forecasts(
    days: Days,
    actual: Floats,
    first_days: Days,
    forecasts: Mapping[str, Floats],
    styles: Mapping[str, figures.Style],
    y_label: str,
    title: str,
) -> Figure:
    """Two panels: the day-1 forecasts over the whole test span, and whole forecasts of its end.

    Args:
        days: datetime64[D] [T], the test days.
        actual: float64 [T].
        first_days: datetime64[D] [O].
        forecasts: for each model float64 [O, H].
        styles: of the models' lines.
        y_label: name and unit of the series.
        title: of the figure.
    """
    figure, (whole, end) = figures.sheet(9.0, 6.2, rows=2)
    figure.suptitle(title, x=0.01, ha="left")
    whole.plot(days, actual, color="black", linewidth=1, label="actual")
    for name, forecast in forecasts.items():
        whole.plot(first_days, forecast[:, 0], linewidth=1, label=name, **styles[name])
    whole.set_title("1 day ahead", loc="left")
    figures.legend(whole, above=True)
    shown = days >= days[-1] - np.timedelta64(_LAST_DAYS - 1, "D")
    end.plot(days[shown], actual[shown], color="black", linewidth=1)
    for name, forecast in forecasts.items():
        _fan(end, first_days, forecast, days[shown][0], styles[name])
    horizon = next(iter(forecasts.values())).shape[1]
    end.set_title(f"the last {int(shown.sum())} days, {horizon} days at a time", loc="left")
    for axes in (whole, end):
        axes.set_ylabel(y_label)
        figures.grid(axes)
    return figure


def _fan(axes: Axes, first_days: Days, forecast: Floats, start: Any, style: figures.Style) -> None:
    """Forecasts that do not overlap, the last one first, back to `start`."""
    horizon = forecast.shape[1]
    before: Any = None
    for origin in range(len(first_days) - 1, -1, -1):
        first = first_days[origin]
        if first < start:
            break
        if before is not None and first > before - np.timedelta64(horizon, "D"):
            continue
        span = first + np.arange(horizon)
        axes.plot(span, forecast[origin], marker="o", markersize=2.5, linewidth=1.2, **style)
        before = first


def by_day(rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.Style], unit: str) -> Figure:
    """MAE by day ahead for each model from a long table (`model`, `day`, `mae`)."""
    figure, (axes,) = figures.sheet(5.6, 3.2)
    figures.lines(axes, rows, "day", "mae", styles, marker="o")
    axes.set(xlabel="days ahead", ylabel=f"MAE ({unit})" if unit else "MAE")
    axes.set_ylim(bottom=0)
    axes.set_title("Mean absolute error by day ahead", loc="left")
    figures.legend(axes)
    return figure
