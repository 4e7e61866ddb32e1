"""Figures of the forecast task. Shapes: O origins, H days ahead, L interval levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from strokecast.common import figures
from strokecast.evaluation.forecast.results import Backtest, Days, Forecasts

_LAST_DAYS = 70  # shown in the panel of whole forecasts


def plot_forecasts(
    test: Backtest,
    forecasts: Mapping[str, Forecasts],
    styles: Mapping[str, figures.LineStyle],
    title: str,
    band: int | None = None,
) -> Figure:
    """Two panels: one-day-ahead forecasts over all test days, and whole forecasts of the last days.

    Args:
        test: the test days and origins.
        forecasts: of each model.
        styles: of the models' lines.
        title: of the figure.
        band: index of the interval level that the second panel shades; None: none.
    """
    figure, (upper, lower) = figures.create(9.0, 6.2, rows=2)
    figure.suptitle(title, x=0.01, ha="left")
    upper.plot(test.days, test.values, color="black", linewidth=1, label="actual")
    is_daily = bool((np.diff(test.first_days) == np.timedelta64(1, "D")).all())
    for name, forecast in forecasts.items():
        style = {**styles[name], "linewidth": 1}
        if not is_daily:  # a line would join days that are not neighbours
            style |= {"linestyle": "none", "marker": "o", "markersize": 3}
        upper.plot(test.first_days, forecast.point[:, 0], label=name, **style)
    upper.set_title("1 day ahead", loc="left")
    figures.add_legend(upper, above=True)
    _plot_last_days(lower, test, forecasts, styles, band)
    for axes in (upper, lower):
        axes.set_ylabel(test.axis_label)
        figures.add_grid(axes)
    return figure


def plot_fan(test: Backtest, forecasts: Forecasts, style: figures.LineStyle, name: str, band: int) -> Figure:
    """Whole forecasts of the last test days by one model, with one of its intervals shaded."""
    figure, (axes,) = figures.create(9.0, 3.4)
    _plot_last_days(axes, test, {name: forecasts}, {name: style}, band)
    level = f"{100 * forecasts.levels[band]:g} %"
    axes.set_title(f"{name} with its {level} interval: {axes.get_title('left')}", loc="left")
    axes.set_ylabel(test.axis_label)
    figures.add_grid(axes)
    return figure


def _plot_last_days(
    axes: Axes,
    test: Backtest,
    forecasts: Mapping[str, Forecasts],
    styles: Mapping[str, figures.LineStyle],
    band: int | None,
) -> None:
    shown = test.days >= test.days[-1] - np.timedelta64(_LAST_DAYS - 1, "D")
    axes.plot(test.days[shown], test.values[shown], color="black", linewidth=1)
    for name, forecast in forecasts.items():
        _plot_windows(axes, test.first_days, forecast, test.days[shown][0], styles[name], band)
    horizon = test.actual.shape[1]
    axes.set_title(f"the last {int(shown.sum())} days, {horizon} days at a time", loc="left")


def _plot_windows(
    axes: Axes,
    first_days: Days,
    forecasts: Forecasts,
    start: Any,
    style: figures.LineStyle,
    band: int | None,
) -> None:
    """Plot forecasts that do not overlap, from the last one back to `start`."""
    horizon = forecasts.point.shape[1]
    following: Any = None  # first day of the forecast plotted before, which comes later in time
    for origin in range(len(first_days) - 1, -1, -1):
        first = first_days[origin]
        if first < start:
            break
        if following is not None and first > following - np.timedelta64(horizon, "D"):
            continue
        span = first + np.arange(horizon)
        axes.plot(span, forecasts.point[origin], marker="o", markersize=2.5, linewidth=1.2, **style)
        if band is not None:
            low, high = forecasts.low[band, origin], forecasts.high[band, origin]
            if horizon == 1:
                axes.vlines(span, low, high, color=style["color"], alpha=0.3, linewidth=3)
            else:
                axes.fill_between(span, low, high, color=style["color"], alpha=0.2, linewidth=0)
        following = first


def plot_coverage(rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.LineStyle]) -> Figure:
    """Coverage of each interval against its level from a long table (`model`, `nominal`, `coverage`; percent)."""
    figure, (axes,) = figures.create(5.6, 3.6)
    levels = sorted({row["nominal"] for row in rows})
    axes.plot([0, 100], [0, 100], color="black", linewidth=1, label="nominal")
    figures.plot_lines(axes, rows, "nominal", "coverage", styles, marker="o")
    axes.set_xticks(levels)
    axes.set(xlabel="level of the interval (%)", ylabel="values within it (%)")
    axes.set(xlim=(levels[0] - 5, 100), ylim=(0, 101))
    axes.set_title("Coverage of the calibrated intervals", loc="left")
    figures.add_legend(axes)
    return figure


def plot_error_by_day(
    rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.LineStyle], unit: str
) -> Figure:
    """MAE by day ahead and model from a long table (`model`, `day`, `mae`)."""
    figure, (axes,) = figures.create(5.6, 3.2)
    figures.plot_lines(axes, rows, "day", "mae", styles, marker="o")
    axes.set(xlabel="days ahead", ylabel=f"MAE ({unit})" if unit else "MAE")
    axes.set_ylim(bottom=0)
    axes.set_title("Mean absolute error by day ahead", loc="left")
    figures.add_legend(axes)
    return figure
