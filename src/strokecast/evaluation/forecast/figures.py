"""Figures of the forecast task. Shapes: O origins, H days ahead, L interval levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from strokecast.evaluation.common import figures
from strokecast.evaluation.forecast.metrics import Backtest, Forecasts

Days = NDArray[np.datetime64]

_LAST_DAYS = 70  # shown in the panel of whole forecasts


def actual_and_forecasts(
    test: Backtest,
    forecasts: Mapping[str, Forecasts],
    styles: Mapping[str, figures.Style],
    title: str,
    band: int | None = None,
) -> Figure:
    """Two panels: the day-1 forecasts over the whole test span, and whole forecasts of its end.

    Args:
        test: the test days and origins.
        forecasts: of each model.
        styles: of the models' lines.
        title: of the figure.
        band: which of the L intervals is shaded in the second panel; None: none.
    """
    figure, (whole, end) = figures.sheet(9.0, 6.2, rows=2)
    figure.suptitle(title, x=0.01, ha="left")
    whole.plot(test.days, test.values, color="black", linewidth=1, label="actual")
    for name, said in forecasts.items():
        whole.plot(test.first_days, said.point[:, 0], linewidth=1, label=name, **styles[name])
    whole.set_title("1 day ahead", loc="left")
    figures.legend(whole, above=True)
    _end(end, test, forecasts, styles, band)
    for axes in (whole, end):
        axes.set_ylabel(test.label)
        figures.grid(axes)
    return figure


def fan(test: Backtest, said: Forecasts, style: figures.Style, name: str, band: int) -> Figure:
    """Whole forecasts of the end of the test span of one model, with one of its intervals shaded."""
    figure, (axes,) = figures.sheet(9.0, 3.4)
    _end(axes, test, {name: said}, {name: style}, band)
    axes.set_title(
        f"{name} with its {100 * said.levels[band]:g} % interval: {axes.get_title('left')}", loc="left"
    )
    axes.set_ylabel(test.label)
    figures.grid(axes)
    return figure


def _end(
    axes: Axes,
    test: Backtest,
    forecasts: Mapping[str, Forecasts],
    styles: Mapping[str, figures.Style],
    band: int | None,
) -> None:
    shown = test.days >= test.days[-1] - np.timedelta64(_LAST_DAYS - 1, "D")
    axes.plot(test.days[shown], test.values[shown], color="black", linewidth=1)
    for name, said in forecasts.items():
        _whole(axes, test.first_days, said, test.days[shown][0], styles[name], band)
    horizon = test.actual.shape[1]
    axes.set_title(f"the last {int(shown.sum())} days, {horizon} days at a time", loc="left")


def _whole(
    axes: Axes, first_days: Days, said: Forecasts, start: Any, style: figures.Style, band: int | None
) -> None:
    """Forecasts that do not overlap, the last one first, back to `start`."""
    horizon = said.point.shape[1]
    before: Any = None
    for origin in range(len(first_days) - 1, -1, -1):
        first = first_days[origin]
        if first < start:
            break
        if before is not None and first > before - np.timedelta64(horizon, "D"):
            continue
        span = first + np.arange(horizon)
        axes.plot(span, said.point[origin], marker="o", markersize=2.5, linewidth=1.2, **style)
        if band is not None:
            low, high = said.low[band, origin], said.high[band, origin]
            if horizon == 1:
                axes.vlines(span, low, high, color=style["color"], alpha=0.3, linewidth=3)
            else:
                axes.fill_between(span, low, high, color=style["color"], alpha=0.2, linewidth=0)
        before = first


def coverage(rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.Style]) -> Figure:
    """Share of values within each interval against the level it promises, from a long table (both in percent)."""
    figure, (axes,) = figures.sheet(5.6, 3.6)
    levels = sorted({row["nominal"] for row in rows})
    axes.plot([0, 100], [0, 100], color="black", linewidth=1, label="as promised")
    figures.lines(axes, rows, "nominal", "coverage", styles, marker="o")
    axes.set_xticks(levels)
    axes.set(xlabel="level of the interval (%)", ylabel="values within it (%)")
    axes.set(xlim=(levels[0] - 5, 100), ylim=(0, 101))
    axes.set_title("Coverage of the calibrated intervals", loc="left")
    figures.legend(axes)
    return figure


def by_day(rows: Sequence[Mapping[str, Any]], styles: Mapping[str, figures.Style], unit: str) -> Figure:
    """MAE by day ahead for each model from a long table (`model`, `day`, `mae`)."""
    figure, (axes,) = figures.sheet(5.6, 3.2)
    figures.lines(axes, rows, "day", "mae", styles, marker="o")
    axes.set(xlabel="days ahead", ylabel=f"MAE ({unit})" if unit else "MAE")
    axes.set_ylim(bottom=0)
    axes.set_title("Mean absolute error by day ahead", loc="left")
    figures.legend(axes)
    return figure
