"""Conformal intervals: their coverage, their nesting, and their file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokecast.common.errors import UserError
from strokecast.inference import conformal

NORMAL = {0.1: -1.2815515655446004, 0.5: 0.0, 0.9: 1.2815515655446004}


def test_correction_is_the_residual_of_the_finite_sample_rank():
    actual = np.arange(1.0, 20.0)[:, None]  # 19 residuals: 1 to 19
    calibration = conformal.fit(actual, np.zeros((19, 1)))
    # ceil(20 * 0.5) = 10, ceil(20 * 0.8) = 16, ceil(20 * 0.95) = 19
    assert calibration.low[:, 0].tolist() == calibration.high[:, 0].tolist() == [10, 16, 19]
    assert (calibration.method, calibration.origins, calibration.unattainable_levels) == ("absolute", 19, [])
    fewer = conformal.fit(actual[:18], np.zeros((18, 1)))  # ceil(19 * 0.95) = 19 > 18
    assert fewer.low[:, 0].tolist() == [10, 16, 18]
    assert fewer.unattainable_levels == [0.95]


def test_wide_quantiles_are_narrowed_and_narrow_ones_widened():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(4000, 2))
    levels = tuple(NORMAL)
    quantiles = np.broadcast_to(np.array([*NORMAL.values()]), (4000, 2, 3)) * np.array([[3.0], [0.5]])
    calibration = conformal.fit(actual, np.zeros((4000, 2)), quantiles, levels, (0.8,))
    assert calibration.method == "cqr"
    assert calibration.low[0] == pytest.approx([-2 * NORMAL[0.9], 0.5 * NORMAL[0.9]], abs=0.06)
    low, high = conformal.apply(calibration, np.zeros((1, 2)), quantiles[:1], levels)
    assert high[0, 0] == pytest.approx([NORMAL[0.9]] * 2, abs=0.06)
    assert low[0, 0] == pytest.approx([NORMAL[0.1]] * 2, abs=0.06)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(20, 200),
    level=st.sampled_from(conformal.LEVELS),
    quantile=st.booleans(),
)
def test_coverage_of_exchangeable_days_is_the_level(seed, count, level, quantile):
    """Coverage over many calibrations lies between level and level + 1 / (n + 1), up to sampling error."""
    rng = np.random.default_rng(seed)
    days = 600  # independent series as columns: each is calibrated and evaluated on its own
    actual = rng.standard_t(4, size=(count + 1, days))
    point = rng.normal(size=(count + 1, days)) * 0.3
    quantiles, quantile_levels = None, ()
    if quantile:
        quantile_levels = (0.1, 0.5, 0.9)
        quantiles = point[..., None] + np.array([-0.7, 0.0, 0.9])
    past = None if quantiles is None else quantiles[:count]
    calibration = conformal.fit(actual[:count], point[:count], past, quantile_levels, (level,))
    low, high = conformal.apply(
        calibration, point[count:], None if quantiles is None else quantiles[count:], quantile_levels
    )
    covered = ((low[0, 0] <= actual[count]) & (actual[count] <= high[0, 0])).mean()
    chance = 5 * np.sqrt(level * (1 - level) / days)  # five standard deviations of a binomial share
    assert level - chance <= covered <= level + 1 / (count + 1) + chance


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), counts=st.booleans(), quantile=st.booleans())
def test_intervals_nest_hold_the_point_and_are_not_negative_for_counts(seed, counts, quantile):
    rng = np.random.default_rng(seed)
    quantile_levels = conformal.QUANTILES
    values = np.sort(rng.normal(1, 2, size=(12, 3, 7)), axis=-1)
    values = np.maximum(values, 0) if counts else values
    point = conformal.median(values, quantile_levels)
    actual = rng.normal(1, 2 * rng.random(), size=(12, 3))
    quantiles = (values, quantile_levels) if quantile else (None, ())
    calibration = conformal.fit(actual, point, *quantiles)
    low, high = conformal.apply(calibration, point, *quantiles, counts=counts)
    assert (low <= point).all()
    assert (point <= high).all()
    assert (np.diff(low, axis=0) <= 0).all()
    assert (np.diff(high, axis=0) >= 0).all()
    assert low.min() >= 0 or not counts
    as_quantiles = conformal.interval_quantiles(point, low, high)
    assert as_quantiles.shape == (12, 3, len(conformal.QUANTILES))
    assert (np.diff(as_quantiles, axis=-1) >= 0).all()
    assert (as_quantiles[..., 3] == point).all()


def test_quantiles_are_interpolated_between_the_levels_and_constant_beyond_them():
    quantiles = np.array([[[1.0, 2.0, 4.0]]])
    levels = (0.2, 0.5, 0.8)
    assert conformal.median(quantiles, levels).tolist() == [[2.0]]
    assert conformal.quantile_at(quantiles, levels, 0.65)[0, 0] == pytest.approx(3.0)
    assert conformal.quantile_at(quantiles, levels, 0.975).tolist() == [[4.0]]
    assert conformal.quantile_at(quantiles, levels, 0.025).tolist() == [[1.0]]


def test_calibration_is_read_back_and_a_missing_file_is_named(tmp_path):
    rng = np.random.default_rng(3)
    calibration = conformal.fit(rng.normal(size=(50, 7)), np.zeros((50, 7)))
    calibration.write(tmp_path)
    contents = json.loads((tmp_path / "calibration.json").read_text())
    assert contents["levels"] == [0.5, 0.8, 0.95]
    assert [len(contents["low"]), len(contents["low"][0]), contents["origins"]] == [3, 7, 50]
    loaded = conformal.load(tmp_path)
    assert np.array_equal(loaded.low, calibration.low)
    assert np.array_equal(loaded.high, calibration.high)
    assert (loaded.method, loaded.levels, loaded.origins) == (
        calibration.method,
        calibration.levels,
        calibration.origins,
    )
    with pytest.raises(UserError, match=r"calibration\.json: no such file"):
        conformal.load(tmp_path / "elsewhere")


def test_longer_horizon_and_the_other_kind_of_forecast_are_refused():
    calibration = conformal.fit(np.arange(20.0).reshape(10, 2), np.zeros((10, 2)))
    low, high = conformal.apply(calibration, np.full((1, 1), 100.0))
    assert (high - low)[:, 0, 0] == pytest.approx(2 * calibration.low[:, 0])
    with pytest.raises(ValueError, match="calibrated for 2 days ahead, received 3"):
        conformal.apply(calibration, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="method 'absolute' does not fit"):
        conformal.apply(calibration, np.zeros((1, 2)), np.zeros((1, 2, 1)), (0.5,))
    with pytest.raises(ValueError, match="no origin"):
        conformal.fit(np.zeros((0, 2)), np.zeros((0, 2)))
