"""Conformal intervals: what they promise holds, they nest, and they come back from their file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokecast.common.errors import UserError
from strokecast.inference import conformal

NORMAL = {0.1: -1.2815515655446004, 0.5: 0.0, 0.9: 1.2815515655446004}


def test_the_correction_is_the_residual_of_the_finite_sample_rank():
    actual = np.arange(1.0, 20.0)[:, None]  # 19 residuals: 1 to 19
    made = conformal.fit(actual, np.zeros((19, 1)))
    # ceil(20 * 0.5) = 10, ceil(20 * 0.8) = 16, ceil(20 * 0.95) = 19
    assert made.low[:, 0].tolist() == made.high[:, 0].tolist() == [10, 16, 19]
    assert (made.method, made.origins, made.short) == ("absolute", 19, [])
    fewer = conformal.fit(actual[:18], np.zeros((18, 1)))  # ceil(19 * 0.95) = 19 > 18
    assert fewer.low[:, 0].tolist() == [10, 16, 18]
    assert fewer.short == [0.95]


def test_quantiles_that_are_too_wide_are_drawn_in_and_too_narrow_ones_let_out():
    random = np.random.default_rng(0)
    actual = random.normal(size=(4000, 2))
    levels = tuple(NORMAL)
    quantiles = np.broadcast_to(np.array([*NORMAL.values()]), (4000, 2, 3)) * np.array([[3.0], [0.5]])
    made = conformal.fit(actual, np.zeros((4000, 2)), quantiles, levels, (0.8,))
    assert made.method == "cqr"
    assert made.low[0] == pytest.approx([-2 * NORMAL[0.9], 0.5 * NORMAL[0.9]], abs=0.06)
    low, high = conformal.apply(made, np.zeros((1, 2)), quantiles[:1], levels)
    assert high[0, 0] == pytest.approx([NORMAL[0.9]] * 2, abs=0.06)
    assert low[0, 0] == pytest.approx([NORMAL[0.1]] * 2, abs=0.06)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(20, 200),
    level=st.sampled_from(conformal.LEVELS),
    quantile=st.booleans(),
)
def test_exchangeable_days_are_covered_as_often_as_promised(seed, count, level, quantile):
    """Coverage over many calibrations lies between the level and level + 1 / (n + 1), within chance."""
    random = np.random.default_rng(seed)
    days = 600  # as many independent series as days ahead: each is calibrated and judged alone
    actual = random.standard_t(4, size=(count + 1, days))
    point = random.normal(size=(count + 1, days)) * 0.3
    quantiles, own = None, ()
    if quantile:
        own = (0.1, 0.5, 0.9)
        quantiles = point[..., None] + np.array([-0.7, 0.0, 0.9])
    past = None if quantiles is None else quantiles[:count]
    made = conformal.fit(actual[:count], point[:count], past, own, (level,))
    low, high = conformal.apply(made, point[count:], None if quantiles is None else quantiles[count:], own)
    covered = ((low[0, 0] <= actual[count]) & (actual[count] <= high[0, 0])).mean()
    chance = 5 * np.sqrt(level * (1 - level) / days)  # five standard deviations of a binomial share
    assert level - chance <= covered <= level + 1 / (count + 1) + chance


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), counts=st.booleans(), quantile=st.booleans())
def test_intervals_nest_hold_the_point_and_stay_above_zero_where_they_count(seed, counts, quantile):
    random = np.random.default_rng(seed)
    own = conformal.QUANTILES
    values = np.sort(random.normal(1, 2, size=(12, 3, 7)), axis=-1)
    values = np.maximum(values, 0) if counts else values
    point = conformal.median(values, own)
    actual = random.normal(1, 2 * random.random(), size=(12, 3))
    asked = (values, own) if quantile else (None, ())
    made = conformal.fit(actual, point, *asked)
    low, high = conformal.apply(made, point, *asked, counts=counts)
    assert (low <= point).all()
    assert (point <= high).all()
    assert (np.diff(low, axis=0) <= 0).all()
    assert (np.diff(high, axis=0) >= 0).all()
    assert low.min() >= 0 or not counts
    spread = conformal.interval_quantiles(point, low, high)
    assert spread.shape == (12, 3, len(conformal.QUANTILES))
    assert (np.diff(spread, axis=-1) >= 0).all()
    assert (spread[..., 3] == point).all()


def test_levels_between_those_of_the_network_are_between_its_quantiles_and_beyond_them_the_last():
    quantiles = np.array([[[1.0, 2.0, 4.0]]])
    own = (0.2, 0.5, 0.8)
    assert conformal.median(quantiles, own).tolist() == [[2.0]]
    assert conformal.quantile_at(quantiles, own, 0.65)[0, 0] == pytest.approx(3.0)
    assert conformal.quantile_at(quantiles, own, 0.975).tolist() == [[4.0]]
    assert conformal.quantile_at(quantiles, own, 0.025).tolist() == [[1.0]]


def test_what_is_written_is_read_again_and_a_missing_file_is_named(tmp_path):
    random = np.random.default_rng(3)
    made = conformal.fit(random.normal(size=(50, 7)), np.zeros((50, 7)))
    made.write(tmp_path)
    told = json.loads((tmp_path / "calibration.json").read_text())
    assert told["levels"] == [0.5, 0.8, 0.95]
    assert [len(told["low"]), len(told["low"][0]), told["origins"]] == [3, 7, 50]
    back = conformal.load(tmp_path)
    assert np.array_equal(back.low, made.low)
    assert np.array_equal(back.high, made.high)
    assert (back.method, back.levels, back.origins) == (made.method, made.levels, made.origins)
    with pytest.raises(UserError, match=r"calibration\.json: no such file"):
        conformal.load(tmp_path / "elsewhere")


def test_a_calibration_serves_a_shorter_horizon_and_no_longer_one_nor_the_other_kind():
    made = conformal.fit(np.arange(20.0).reshape(10, 2), np.zeros((10, 2)))
    low, high = conformal.apply(made, np.full((1, 1), 100.0))
    assert (high - low)[:, 0, 0] == pytest.approx(2 * made.low[:, 0])
    with pytest.raises(ValueError, match="calibrated for 2 days ahead, received 3"):
        conformal.apply(made, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="calibrated by 'absolute'"):
        conformal.apply(made, np.zeros((1, 2)), np.zeros((1, 2, 1)), (0.5,))
    with pytest.raises(ValueError, match="no origin"):
        conformal.fit(np.zeros((0, 2)), np.zeros((0, 2)))
