"""How well intervals and quantiles fit what came: CRPS, coverage and width.

Shapes: N forecast days, L interval levels, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.forecast.metrics import ERRORS, Backtest, Forecasts, Mask, metrics, taken
from strokecast.inference import conformal

Floats = NDArray[np.float64]

RAW = "_raw"  # of what a network says itself, before calibration
UNCERTAINTY = (
    "crps",
    *(f"{name}_{round(100 * level)}" for level in conformal.LEVELS for name in ("coverage", "width")),
)
COLUMNS = (*ERRORS, *UNCERTAINTY, *(name + RAW for name in UNCERTAINTY))


def pinball(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Pinball loss of each quantile, float64 [N, Q]: tau (y - q) where y >= q, else (1 - tau) (q - y).

    Koenker & Bassett 1978. `actual` [N], `quantiles` [N, Q], Q `levels` tau.
    """
    below = actual[:, None] - quantiles
    return np.asarray(np.maximum(np.asarray(levels) * below, (np.asarray(levels) - 1) * below))


def crps(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> float:
    """Continuous ranked probability score from quantiles: twice the mean pinball loss, in the series' own unit.

    CRPS = 2 * integral over all levels of the pinball loss (Laio & Tamea 2007; Gneiting & Ranjan 2011). Each of the
    Q levels stands for the part of (0, 1) that is nearest to it: a plain mean, as of evenly spaced levels, would count
    the tails of uneven ones too often (of a true normal distribution at `conformal.QUANTILES` it is 24 % too low, this
    one 3 %). That of a point forecast is its MAE.
    """
    edges = np.concatenate([[0.0], (np.asarray(levels)[1:] + np.asarray(levels)[:-1]) / 2, [1.0]])
    return 2.0 * float(pinball(actual, quantiles, levels).mean(axis=0) @ np.diff(edges))


def measure(test: Backtest, said: Forecasts, where: Mask) -> dict[str, float]:
    """All figures of one training on the days `where` bool [O, H] holds.

    Returns:
        Those of `forecast.metrics`; `crps` of the calibrated quantiles; `coverage_<percent>` (share of days whose
        value lies within the interval, ends included) and `width_<percent>` (mean, in the series' own unit) of each
        level; and for a network with quantiles the same with `_raw`, before calibration, `coverage` and `width` at
        those levels whose ends it gives itself. Of several series each figure is the mean over those that have
        such days, as competitions average MASE and sMAPE (Makridakis et al. 2020,
        https://doi.org/10.1016/j.ijforecast.2019.04.014).
    """
    if test.parts:
        rows = test.rows()
        each = [
            measure(part, taken(said, rows[name]), where[rows[name]])
            for name, part in test.parts.items()
            if where[rows[name]].any()
        ]
        return {key: float(np.mean([one[key] for one in each])) for key in each[0]}
    actual = test.actual[where]
    figures = metrics(actual, said.point[where], test.scale)
    spread = conformal.spread(said.point, said.low, said.high)[where]
    figures["crps"] = crps(actual, spread, _both_ends(said.levels))
    for level, lower, upper in zip(said.levels, said.low, said.high, strict=True):
        figures |= _interval(level, actual, lower[where], upper[where])
    if said.quantiles is not None:
        own = said.quantiles[where]
        figures["crps" + RAW] = crps(actual, own, said.own)
        for level in said.levels:
            low, high = _index(said.own, (1 - level) / 2), _index(said.own, (1 + level) / 2)
            if low is not None and high is not None:
                figures |= _interval(level, actual, own[:, low], own[:, high], RAW)
    return figures


def _both_ends(levels: Sequence[float]) -> list[float]:
    """The quantile levels of `conformal.spread`."""
    return [*((1 - level) / 2 for level in reversed(levels)), 0.5, *((1 + level) / 2 for level in levels)]


def _index(levels: Sequence[float], level: float) -> int | None:
    near = np.flatnonzero(np.isclose(levels, level, atol=1e-6))
    return int(near[0]) if len(near) else None


def _interval(level: float, actual: Floats, low: Floats, high: Floats, end: str = "") -> dict[str, float]:
    percent = round(100 * level)
    return {
        f"coverage_{percent}{end}": float(((low <= actual) & (actual <= high)).mean()),
        f"width_{percent}{end}": float((high - low).mean()),
    }
