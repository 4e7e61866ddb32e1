"""Split-conformal prediction intervals of forecasts, by level and day ahead; numpy alone.

Around a point forecast: the absolute residuals of origins that nothing was fitted on (Lei et al., 2018,
"Distribution-free predictive inference for regression"). Around a network's own quantiles: conformalized
quantile regression, which widens or narrows them by as much as these origins ask for (Romano et al., 2019,
https://arxiv.org/abs/1905.03222). Either covers a new day with at least the level's probability, as far as that day
is exchangeable with the calibration origins, which days of a series are only where its nature does not change.

Shapes: N calibration origins, O origins, H days ahead, Q quantile levels of a network, L interval levels.
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

Floats = NDArray[np.float64]

FILE = "calibration.json"
LEVELS = (0.5, 0.8, 0.95)  # of the intervals, rising
QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # the ends of these intervals and the median


@dataclass(frozen=True)
class Calibration:
    """By how much the intervals of one training reach beyond what it says itself.

    Attributes:
        method: `cqr` (around quantiles) or `absolute` (around a point forecast).
        levels: L shares, rising.
        low: float64 [L, H], subtracted from the lower ends, in the series' own unit; below 0: narrower.
        high: float64 [L, H], added to the upper ends.
        origins: N.
    """

    method: str
    levels: tuple[float, ...]
    low: Floats
    high: Floats
    origins: int

    @property
    def short(self) -> list[float]:
        """The levels that N origins are too few to promise; the largest residual stands in for them."""
        return [level for level in self.levels if _rank(self.origins, level) > self.origins]

    def stored(self) -> dict[str, Any]:
        """Its numbers, as JSON holds them."""
        return {
            "method": self.method,
            "levels": list(self.levels),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "origins": self.origins,
        }

    def write(self, folder: Path) -> None:
        """Write `folder`/calibration.json."""
        write_json(folder / FILE, self.stored())


def write_all(folder: Path, each: Mapping[str, Calibration]) -> None:
    """Write `folder`/calibration.json of several series, by name; of one alone (named "") as it always was."""
    if list(each) == [""]:
        each[""].write(folder)
    else:
        write_json(folder / FILE, {"series": {name: one.stored() for name, one in each.items()}})


def point_column(quantiles: bool) -> str:
    """The column of a served point forecast: a model of quantiles gives its median."""
    return "median" if quantiles else "mean"


def columns(levels: Sequence[float]) -> list[str]:
    """The columns of served intervals: `lo-50`, `hi-50`, ... of rising levels."""
    return [f"{end}-{100 * level:g}" for level in levels for end in ("lo", "hi")]


def load(folder: Path, series: str = "") -> Calibration:
    """Read `folder`/calibration.json; of several series that of `series`.

    Raises:
        UserError: if there is no such file.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro` to train the model")
    told = read_json(path)
    return parse(told["series"][series] if series else told)


def parse(told: Mapping[str, Any]) -> Calibration:
    """From the contents of calibration.json."""
    return Calibration(
        str(told["method"]),
        tuple(told["levels"]),
        np.asarray(told["low"], np.float64),
        np.asarray(told["high"], np.float64),
        int(told["origins"]),
    )


def fit(
    actual: Floats,
    point: Floats,
    quantiles: Floats | None = None,
    own: Sequence[float] = (),
    levels: Sequence[float] = LEVELS,
) -> Calibration:
    """Calibrate on origins that the training did not fit.

    The score of a day is how far it lies outside the interval (below 0: how far inside), and the correction is the
    ceil((N + 1) * level)-th smallest of N scores.

    Args:
        actual: float64 [N, H].
        point: float64 [N, H], the forecasts.
        quantiles: float64 [N, H, Q], or None for a point forecast.
        own: the Q levels of the quantiles, rising.
        levels: of the intervals, rising.

    Raises:
        ValueError: if there is no origin.
    """
    count = len(actual)
    if count == 0:
        raise ValueError("there is no origin to calibrate on")
    low, high = ends(point, quantiles, own, levels)  # [L, N, H]
    scores = np.sort(np.maximum(low - actual, actual - high), axis=1)
    ranks = [min(_rank(count, level), count) for level in levels]
    beyond = np.stack([scores[row, rank - 1] for row, rank in enumerate(ranks)])  # [L, H]
    method = "absolute" if quantiles is None else "cqr"
    return Calibration(method, tuple(levels), beyond, beyond.copy(), count)


def _rank(count: int, level: float) -> int:
    return math.ceil(round((count + 1) * level, 9))


def median(quantiles: Floats, own: Sequence[float]) -> Floats:
    """The point forecast float64 [O, H] of quantiles [O, H, Q] at the levels `own`."""
    return at(quantiles, own, 0.5)


def at(quantiles: Floats, own: Sequence[float], level: float) -> Floats:
    """The quantile of `level` float64 [O, H], linear between the neighbouring levels, the outermost beyond them."""
    place = float(np.interp(level, own, np.arange(len(own))))
    below = int(place)
    share = place - below
    if share < 1e-9:
        return np.asarray(quantiles[..., below], np.float64)
    return np.asarray((1 - share) * quantiles[..., below] + share * quantiles[..., below + 1], np.float64)


def ends(
    point: Floats,
    quantiles: Floats | None = None,
    own: Sequence[float] = (),
    levels: Sequence[float] = LEVELS,
) -> tuple[Floats, Floats]:
    """Lower and upper ends float64 [L, O, H] before calibration; those of a point forecast are the point."""
    if quantiles is None:
        both = np.broadcast_to(np.asarray(point, np.float64), (len(levels), *point.shape))
        return both, both
    low = np.stack([at(quantiles, own, (1 - level) / 2) for level in levels])
    high = np.stack([at(quantiles, own, (1 + level) / 2) for level in levels])
    return low, high


def apply(
    calibration: Calibration,
    point: Floats,
    quantiles: Floats | None = None,
    own: Sequence[float] = (),
    counts: bool = False,
) -> tuple[Floats, Floats]:
    """Calibrated intervals, each inside the next wider one and around the point forecast.

    Args:
        calibration: of this training.
        point: float64 [O, H], in the series' own unit.
        quantiles: float64 [O, H, Q], where it was calibrated with quantiles.
        own: the Q levels.
        counts: whether values are never below 0; ends below it become 0.

    Returns:
        Lower and upper ends, float64 [L, O, H].

    Raises:
        ValueError: if the calibration is for fewer days ahead, or for a forecast of the other kind.
    """
    horizon = point.shape[1]
    if horizon > calibration.low.shape[1]:
        raise ValueError(f"calibrated for {calibration.low.shape[1]} days ahead, received {horizon}")
    if (quantiles is not None) != (calibration.method == "cqr"):
        raise ValueError(f"calibrated by {calibration.method!r}, which the forecast does not fit")
    low, high = ends(point, quantiles, own, calibration.levels)
    down, up = calibration.low[:, None, :horizon], calibration.high[:, None, :horizon]
    return nested(low - down, high + up, point, counts)


def nested(low: Floats, high: Floats, point: Floats, counts: bool = False) -> tuple[Floats, Floats]:
    """Ends [L, O, H] of rising levels that cross neither each other nor the point: where they would, the wider grows."""
    low = np.minimum.accumulate(np.minimum(low, point), axis=0)
    high = np.maximum.accumulate(np.maximum(high, point), axis=0)
    if counts:
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    return low, high


def spread(point: Floats, low: Floats, high: Floats) -> Floats:
    """Quantiles float64 [O, H, 2 L + 1] of rising levels (`QUANTILES` for `LEVELS`): the ends, the point between."""
    return np.moveaxis(np.concatenate([low[::-1], point[None], high]), 0, -1)
