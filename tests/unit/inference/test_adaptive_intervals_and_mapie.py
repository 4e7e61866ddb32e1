"""Adaptive intervals beside those of MAPIE (adaptive conformal inference, Gibbs and Candes 2021) around the same forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from strokecast.inference import adaptive_intervals, conformal
from strokecast.inference.adaptive_intervals import IntervalTracker, IssuedForecasts
from strokecast.inference.validation_forecasts import ValidationForecasts
from strokecast.sources.series import births

pytestmark = pytest.mark.slow

LEVEL = 0.8
STEP = 0.05  # of MAPIE's level after a miss, of 0.01 and 0.05 the one that scores better here
CALIBRATION = 200


def _own(actual: Any, point: Any) -> Any:
    days = np.arange(len(actual)).astype("datetime64[D]")
    issued = IssuedForecasts.of_model(ValidationForecasts(days, actual[:, None], point[:, None]))
    tracker = IntervalTracker.fit(_rows(issued, slice(CALIBRATION)))
    later = _rows(issued, slice(CALIBRATION, None))
    ends = adaptive_intervals.track(tracker, later, np.ones(len(later.positions), bool))
    low, high = conformal.enforce_nesting(*ends, later.point)
    at = conformal.LEVELS.index(LEVEL)
    return low[at, :, 0], high[at, :, 0]


def _rows(issued: IssuedForecasts, rows: slice) -> IssuedForecasts:
    return IssuedForecasts(
        issued.positions[rows],
        issued.point[rows],
        issued.low[:, rows],
        issued.high[:, rows],
        issued.actual[rows],
    )


@pytest.fixture(scope="module")
def mapie_regressor() -> Any:
    """Class of MAPIE's regressor, and an estimator whose forecasts are its inputs."""
    reason = "MAPIE is not installed: it is part of the extra dev"
    regression = pytest.importorskip("mapie.regression", reason=reason)
    from sklearn.base import BaseEstimator, RegressorMixin

    class GivenForecasts(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, inputs: Any, target: Any) -> Any:
            self.fitted_ = True
            return self

        def predict(self, inputs: Any) -> Any:
            return inputs[:, 0]

    return lambda: regression.TimeSeriesRegressor(GivenForecasts().fit(None, None), method="aci", cv="prefit")


def _mapie(regressor: Any, actual: Any, point: Any) -> Any:
    """Each day adapts the level and adds the day's error to the calibration, as MAPIE's documentation does."""
    inputs = point[:, None]
    regressor.fit(inputs[:CALIBRATION], actual[:CALIBRATION])
    ends = []
    for day in range(CALIBRATION, len(actual)):
        one, value = inputs[[day]], actual[[day]]
        _, bounds = regressor.predict(one, confidence_level=LEVEL, allow_infinite_bounds=True)
        ends.append(bounds[0, :, 0])
        regressor.adapt_conformal_inference(one, value, gamma=STEP, confidence_level=LEVEL)
        regressor.update(one, value)
    return np.array(ends).T


def _coverage_width_score(actual: Any, low: Any, high: Any) -> Any:
    """Coverage, width and interval score (Gneiting and Raftery 2007) of the days with finite ends."""
    finite = np.isfinite(high - low)
    actual, low, high = actual[finite], low[finite], high[finite]
    width = high - low
    score = width + 2 / (1 - LEVEL) * (np.maximum(low - actual, 0) + np.maximum(actual - high, 0))
    return ((low <= actual) & (actual <= high)).mean(), width.mean(), score.mean()


@pytest.mark.filterwarnings(r"ignore:\s*This function behavior has been changed:UserWarning")
def test_after_a_level_shift_intervals_cover_sooner_and_score_as_well(mapie_regressor: Any) -> None:
    own, other = [], []
    for seed in range(5):
        actual = 100 + np.random.default_rng(seed).normal(size=500)
        actual[300:] += 5  # the forecasts do not follow
        point = np.full(500, 100.0)
        later = slice(300 - CALIBRATION, None)
        ends = _own(actual, point), _mapie(mapie_regressor(), actual, point)
        for (low, high), metrics in zip(ends, (own, other), strict=True):
            assert metrics is other or np.isfinite(high - low).all()
            metrics.append(_coverage_width_score(actual[300:], low[later], high[later]))
            first = slice(later.start, later.start + 60)
            metrics[-1] = (
                *metrics[-1],
                _coverage_width_score(actual[300:360], low[first], high[first])[0],
            )
    (coverage, width, score, soon), (_, mapie_width, mapie_score, mapie_soon) = np.mean([own, other], axis=1)
    assert 0.77 <= coverage <= 0.88
    assert soon > mapie_soon
    assert width < 1.06 * mapie_width  # of MAPIE's finite intervals
    assert score < 1.02 * mapie_score


@pytest.mark.filterwarnings(r"ignore:\s*This function behavior has been changed:UserWarning")
def test_on_births_intervals_are_narrower_at_the_same_coverage(mapie_regressor: Any) -> None:
    values = np.array(births.values("2000-2014"), np.float64)[-1500:]
    actual, point = values[7:], values[:-7]  # forecast: the value of a week before
    coverage, width, score = _coverage_width_score(actual[CALIBRATION:], *_own(actual, point))
    other = _coverage_width_score(actual[CALIBRATION:], *_mapie(mapie_regressor(), actual, point))
    assert 0.77 <= coverage <= 0.83
    assert 0.77 <= other[0] <= 0.83
    assert width < other[1]
    assert score < other[2]
