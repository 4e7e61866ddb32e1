"""Intervals that follow the errors of past forecasts."""

import json

import numpy as np
import pytest

from strokecast.inference import adaptive_intervals, conformal
from strokecast.inference.adaptive_intervals import IntervalTracker, IssuedForecasts
from strokecast.inference.validation_forecasts import ValidationForecasts

HORIZON = 3
BREAK = 200  # first test position after which the level is higher
LEVEL_80 = conformal.LEVELS.index(0.8)


def _series(days=600, jump=0.0, spread=1.0, seed=0):
    values = 100 + np.random.default_rng(seed).normal(size=days)
    values[BREAK:] = 100 + jump + spread * (values[BREAK:] - 100)
    return values


def _issued(values, positions, half_width=None):
    """A model that forecasts 100 for every day; with quantiles 100 - half_width, 100, 100 + half_width for 80 %."""
    actual = values[positions[:, None] + np.arange(HORIZON)]
    point = np.full(actual.shape, 100.0)
    if half_width is None:
        return IssuedForecasts.of_model(ValidationForecasts(_days(positions), actual, point))
    quantiles = point[..., None] + half_width * np.array([-1.0, 0.0, 1.0])
    forecasts = ValidationForecasts(_days(positions), actual, point, quantiles, (0.1, 0.5, 0.9))
    return IssuedForecasts.of_model(forecasts)


def _days(positions):
    return positions.astype("datetime64[D]")


def _intervals(values, positions, validation=100, half_width=None):
    """Intervals at some of the origins; all origins before the last day are forecast."""
    tracker = IntervalTracker.fit(_issued(values, np.arange(validation), half_width))
    issued = _issued(values, np.arange(validation, len(values) - HORIZON), half_width)
    ends = adaptive_intervals.track(tracker, issued, np.isin(issued.positions, positions))
    return conformal.enforce_nesting(*ends, np.full(ends[0].shape[1:], 100.0))


def _covered(values, positions, low, high):
    actual = values[positions[:, None] + np.arange(HORIZON)]
    return ((low[LEVEL_80] <= actual) & (actual <= high[LEVEL_80])).mean(axis=1)


@pytest.mark.parametrize(
    ("jump", "spread"), [(0.0, 1.0), (8.0, 1.0), (-8.0, 3.0), (0.0, 0.3)], ids=["same", "up", "down", "calm"]
)
def test_intervals_cover_their_level_before_and_after_a_break(jump, spread):
    values = _series(1200, jump, spread)
    positions = np.arange(BREAK + 60, 1200 - HORIZON)
    low, high = _intervals(values, positions)
    covered = _covered(values, positions, low, high)
    assert 0.77 <= covered.mean() <= 0.83
    assert np.convolve(covered, np.ones(60) / 60, "valid").min() >= 0.65


def test_a_level_shift_widens_intervals_on_one_side_only():
    values = _series(jump=8.0)
    low, high = _intervals(values, np.array([BREAK + 150]))
    assert (low[LEVEL_80] == 100).all()  # the forecast, which no interval leaves out
    assert high[LEVEL_80].min() > 108
    assert high[LEVEL_80].max() < 110  # 20 % of the values are higher


def test_only_errors_of_days_before_the_origin_are_used():
    values = _series(jump=8.0)
    origin = np.array([BREAK + 30])
    before = _intervals(values, origin)
    changed = values.copy()
    changed[BREAK + 30 :] += 1000
    np.testing.assert_array_equal(_intervals(changed, origin), before)
    changed[BREAK + 29] += 1000
    assert (_intervals(changed, origin)[1] != before[1]).any(axis=(0, 1)).all()  # on every day ahead


def test_intervals_do_not_depend_on_which_other_origins_are_evaluated():
    values = _series(jump=8.0)
    some = np.array([130, 210, 211, 390])
    every = np.arange(100, 400)
    np.testing.assert_array_equal(
        _intervals(values, some), np.array(_intervals(values, every))[:, :, some - 100]
    )


def test_errors_of_spaced_origins_are_enough():
    values = _series(jump=8.0)
    positions = np.arange(100, 580, 12)
    tracker = IntervalTracker.fit(_issued(values, np.arange(100)))
    issued = _issued(values, positions)
    ends = adaptive_intervals.track(tracker, issued, np.ones(len(positions), bool))
    low, high = conformal.enforce_nesting(*ends, issued.point)
    assert _covered(values, positions[-12:], low[:, -12:], high[:, -12:]).mean() >= 0.6
    assert _covered(values, positions[-12:], low[:, :1], high[:, :1]).mean() == 0


def test_one_calibration_origin_and_one_origin_are_enough():
    start = _issued(_series(), np.array([0]))
    low, high = adaptive_intervals.track(IntervalTracker.fit(start), start, np.array([True]))
    assert low.shape == high.shape == (len(conformal.LEVELS), 1, HORIZON)
    assert np.isfinite(low).all()
    assert np.isfinite(high).all()
    with pytest.raises(ValueError, match="no origin"):
        IntervalTracker.fit(_issued(_series(), np.arange(0)))


def test_perfect_forecasts_have_finite_intervals_that_open_after_an_error():
    values = np.full(60, 100.0)
    values[40:] += np.arange(20)
    low, high = _intervals(values, np.array([39, 56]), validation=20)
    np.testing.assert_allclose(high[:, 0] - low[:, 0], 0, atol=1e-9)
    assert np.isfinite(high).all()
    assert (high[LEVEL_80, 1] > 103).all()


@pytest.mark.parametrize("half_width", [0.1, 20.0], ids=["too narrow", "too wide"])
def test_quantiles_of_a_network_are_widened_or_narrowed(half_width):
    values = _series(900)
    positions = np.arange(100, 900 - HORIZON)
    low, high = _intervals(values, positions, half_width=half_width)
    assert 98 < low[LEVEL_80].mean() < 99.2
    assert 100.8 < high[LEVEL_80].mean() < 102
    assert 0.77 <= _covered(values, positions, low, high).mean() <= 0.83


def test_a_network_that_knows_its_errors_keeps_its_widths():
    rng = np.random.default_rng(0)
    spread = np.tile([1.0, 1.0, 6.0], 400)  # every third day is uncertain
    positions, days = np.arange(1000), np.arange(1000)[:, None] + np.arange(HORIZON)
    values = 100 + spread * rng.normal(size=1200)
    point = np.full(days.shape, 100.0)
    quantiles = point[..., None] + spread[days][..., None] * np.array([-1.28, 0.0, 1.28])
    forecasts = ValidationForecasts(_days(positions), values[days], point, quantiles, (0.1, 0.5, 0.9))
    issued = IssuedForecasts.of_model(forecasts)
    low, high = adaptive_intervals.track(IntervalTracker.fit(issued), issued, positions >= 500)
    ratio = (high - low)[LEVEL_80] / spread[days[500:]]
    assert ratio[:, 0].mean() == pytest.approx(2.56, abs=0.3)
    assert ratio.std() < 0.6


def test_the_state_survives_json():
    tracker = IntervalTracker.fit(_issued(_series(), np.arange(100)))
    stored = json.loads(json.dumps(tracker.to_dict()))
    forecast = np.full(HORIZON, 100.0), *np.full((2, len(conformal.LEVELS), HORIZON), 100.0)
    again = IntervalTracker.from_dict(stored, HORIZON)
    np.testing.assert_array_equal(again.ends(*forecast), tracker.ends(*forecast))
    for damage in ({"fast": [0.0] * HORIZON}, {"low": [[1.0]]}, {"bias": [float("nan")] * HORIZON}):
        with pytest.raises(ValueError):
            IntervalTracker.from_dict(stored | damage, HORIZON)


def _adaptive_conformal_inference(values, validation, step=0.02):
    """80 % intervals of the next day after Gibbs and Candes 2021, algorithm 1: quantiles of all past scores."""
    scores, alpha, ends = list(np.abs(values[:validation] - 100)), 0.2, []
    for value in values[validation:]:
        ends.append(np.quantile(scores, np.clip(1 - alpha, 0, 1)))
        score = abs(value - 100)
        alpha += step * (0.2 - (score > ends[-1]))
        scores.append(score)
    return 100 - np.array(ends), 100 + np.array(ends)


def _interval_score(values, low, high):
    return ((high - low) + 10 * np.maximum(low - values, 0) + 10 * np.maximum(values - high, 0)).mean()


@pytest.mark.parametrize(("jump", "limit"), [(0.0, 1.1), (8.0, 0.75)], ids=["same", "up"])
def test_intervals_score_as_well_as_plain_adaptive_conformal_inference(jump, limit):
    values = _series(jump=jump)[: -HORIZON + 1]
    positions = np.arange(100, len(values) - HORIZON)
    low, high = _intervals(values, positions)
    days = values[positions]
    reference = _adaptive_conformal_inference(values[: positions[-1] + 1], 100)
    own = _interval_score(days, low[LEVEL_80][:, 0], high[LEVEL_80][:, 0])
    assert own <= limit * _interval_score(days, *reference)
