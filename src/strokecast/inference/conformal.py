"""Split-conformal prediction intervals of forecasts, per level and day of the horizon; needs only numpy.

Around a point forecast: the absolute residuals at calibration origins that nothing was fitted on (Lei et al., 2018,
"Distribution-free predictive inference for regression"). Around a network's own quantiles: conformalized quantile
regression, which widens or narrows them by what the calibration origins require (Romano et al., 2019,
https://arxiv.org/abs/1905.03222). Both cover a new day with at least the level's probability if that day is exchangeable
with the calibration origins. Days of a series are exchangeable only while its distribution does not change.

Shapes: N calibration origins, O origins, H days of the horizon, Q quantile levels of a network, L interval levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import read_json, write_json
from strokecast.models.common import model_folder

Floats = NDArray[np.float64]

FILE = "calibration.json"
LEVELS = (0.5, 0.8, 0.95)  # of the intervals, rising
QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # the ends of these intervals and the median


@dataclass(frozen=True)
class Calibration:
    """How far the intervals of one trained model reach beyond its own forecasts.

    Attributes:
        method: "cqr" (around quantiles) or "absolute" (around a point forecast).
        levels: L interval levels, rising.
        low: float64 [L, H], subtracted from the lower ends, in the series' own unit; negative values narrow intervals.
        high: float64 [L, H], added to the upper ends.
        origins: N, the number of calibration origins.
    """

    method: str
    levels: tuple[float, ...]
    low: Floats
    high: Floats
    origins: int

    @property
    def unattainable_levels(self) -> list[float]:
        """Levels that N origins are too few to guarantee; their intervals use the largest residual."""
        return [level for level in self.levels if _rank(self.origins, level) > self.origins]

    def to_dict(self) -> dict[str, Any]:
        """The fields, as stored in calibration.json."""
        return {
            "method": self.method,
            "levels": list(self.levels),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "origins": self.origins,
        }

    def write(self, folder: Path) -> None:
        """Write `folder`/calibration.json."""
        write_json(folder / FILE, self.to_dict())


def write_calibrations(folder: Path, calibrations: Mapping[str, Calibration]) -> None:
    """Write `folder`/calibration.json.

    Args:
        folder: the model folder.
        calibrations: series → calibration; {"": calibration} for a model of one series.
    """
    if list(calibrations) == [""]:
        calibrations[""].write(folder)
    else:
        by_series = {name: calibration.to_dict() for name, calibration in calibrations.items()}
        write_json(folder / FILE, {"series": by_series})


def point_column(quantiles: bool) -> str:
    """Column of a served point forecast: "median" for models that forecast quantiles, else "mean"."""
    return "median" if quantiles else "mean"


def interval_columns(levels: Sequence[float]) -> list[str]:
    """Columns of served intervals: `lo-50`, `hi-50`, ... for rising levels."""
    return [f"{end}-{100 * level:g}" for level in levels for end in ("lo", "hi")]


def load(folder: Path, series: str = "") -> Calibration:
    """Read `folder`/calibration.json.

    Args:
        folder: the model folder.
        series: the series of a global model.

    Raises:
        UserError: if there is no such file.
    """
    return load_by_series(folder, [series])[series]


def load_by_series(folder: Path, names: Sequence[str]) -> dict[str, Calibration]:
    """`load` for several series; reads the file once."""
    path = folder / FILE
    if not path.is_file():
        raise UserError("no such file", location=str(path), fix="run `dvc repro` to train the model")
    contents = read_json(path)
    try:
        return {name: parse(contents["series"][name] if name else contents) for name in names}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"is not a calibration of this model ({type(error).__name__}: {error})",
            location=str(path),
            fix=model_folder.RESTORE,
        ) from None


def check_horizon(calibration: Calibration, horizon: int, folder: Path) -> None:
    """Check that the calibration in `folder` is of a model with this horizon.

    Raises:
        UserError: if it is not.
    """
    shape = (len(calibration.levels), horizon)
    if calibration.low.shape != shape or calibration.high.shape != shape:
        raise UserError(
            f"is a calibration of shape {list(calibration.low.shape)}, not the {list(shape)} of the model",
            location=str(folder / FILE),
            fix=model_folder.RESTORE,
        )


def parse(contents: Mapping[str, Any]) -> Calibration:
    """The calibration stored as `Calibration.to_dict`."""
    return Calibration(
        str(contents["method"]),
        tuple(contents["levels"]),
        np.asarray(contents["low"], np.float64),
        np.asarray(contents["high"], np.float64),
        int(contents["origins"]),
    )


def fit(
    actual: Floats,
    point: Floats,
    quantiles: Floats | None = None,
    quantile_levels: Sequence[float] = (),
    levels: Sequence[float] = LEVELS,
) -> Calibration:
    """Calibrate on origins that the model was not fitted on.

    The score of a day is its distance from the interval (negative inside). The correction is the
    ceil((N + 1) * level)-th smallest of the N scores.

    Args:
        actual: float64 [N, H].
        point: float64 [N, H], the forecasts.
        quantiles: float64 [N, H, Q], or None for a point forecast.
        quantile_levels: the Q levels of the quantiles, rising.
        levels: of the intervals, rising.

    Raises:
        ValueError: if there is no origin.
    """
    count = len(actual)
    if count == 0:
        raise ValueError("there is no origin to calibrate on")
    low, high = raw_intervals(point, quantiles, quantile_levels, levels)  # [L, N, H]
    scores = np.sort(np.maximum(low - actual, actual - high), axis=1)
    ranks = [min(_rank(count, level), count) for level in levels]
    corrections = np.stack([scores[row, rank - 1] for row, rank in enumerate(ranks)])  # [L, H]
    method = "absolute" if quantiles is None else "cqr"
    return Calibration(method, tuple(levels), corrections, corrections.copy(), count)


def _rank(count: int, level: float) -> int:
    return math.ceil(round((count + 1) * level, 9))


def median(quantiles: Floats, quantile_levels: Sequence[float]) -> Floats:
    """The point forecast float64 [O, H] of quantiles [O, H, Q]."""
    return quantile_at(quantiles, quantile_levels, 0.5)


def quantile_at(quantiles: Floats, quantile_levels: Sequence[float], level: float) -> Floats:
    """The quantile of `level`, float64 [O, H].

    Linear between the neighbouring levels; the outermost quantile beyond the outermost level.
    """
    position = float(np.interp(level, quantile_levels, np.arange(len(quantile_levels))))
    lower = int(position)
    fraction = position - lower
    if fraction < 1e-9:
        return np.asarray(quantiles[..., lower], np.float64)
    return np.asarray(
        (1 - fraction) * quantiles[..., lower] + fraction * quantiles[..., lower + 1], np.float64
    )


def raw_intervals(
    point: Floats,
    quantiles: Floats | None = None,
    quantile_levels: Sequence[float] = (),
    levels: Sequence[float] = LEVELS,
) -> tuple[Floats, Floats]:
    """Lower and upper ends float64 [L, O, H] before calibration; for a point forecast both are the point."""
    if quantiles is None:
        ends = np.broadcast_to(np.asarray(point, np.float64), (len(levels), *point.shape))
        return ends, ends
    low = np.stack([quantile_at(quantiles, quantile_levels, (1 - level) / 2) for level in levels])
    high = np.stack([quantile_at(quantiles, quantile_levels, (1 + level) / 2) for level in levels])
    return low, high


def apply(
    calibration: Calibration,
    point: Floats,
    quantiles: Floats | None = None,
    quantile_levels: Sequence[float] = (),
    counts: bool = False,
) -> tuple[Floats, Floats]:
    """Calibrated intervals, each inside the next wider one and around the point forecast.

    Args:
        calibration: of the model.
        point: float64 [O, H], in the series' own unit.
        quantiles: float64 [O, H, Q] if the model forecasts quantiles.
        quantile_levels: the Q levels.
        counts: whether values are never negative; ends are clipped at 0 then.

    Returns:
        Lower and upper ends, float64 [L, O, H].

    Raises:
        ValueError: if the calibration has a shorter horizon or was made for the other kind of forecast.
    """
    horizon = point.shape[1]
    if horizon > calibration.low.shape[1]:
        raise ValueError(f"calibrated for {calibration.low.shape[1]} days ahead, received {horizon}")
    if (quantiles is not None) != (calibration.method == "cqr"):
        raise ValueError(f"calibration method {calibration.method!r} does not fit the forecast")
    low, high = raw_intervals(point, quantiles, quantile_levels, calibration.levels)
    down, up = calibration.low[:, None, :horizon], calibration.high[:, None, :horizon]
    return enforce_nesting(low - down, high + up, point, counts)


def enforce_nesting(low: Floats, high: Floats, point: Floats, counts: bool = False) -> tuple[Floats, Floats]:
    """Widen intervals [L, O, H] of rising levels so that they hold the point and every narrower interval."""
    low = np.minimum.accumulate(np.minimum(low, point), axis=0)
    high = np.maximum.accumulate(np.maximum(high, point), axis=0)
    if counts:
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    return low, high


def interval_quantiles(point: Floats, low: Floats, high: Floats) -> Floats:
    """Intervals as quantiles float64 [O, H, 2 L + 1] of rising levels (`QUANTILES` for `LEVELS`), the point between."""
    return np.moveaxis(np.concatenate([low[::-1], point[None], high]), 0, -1)
