"""Forecast metrics against values made by hand."""

import math

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.forecast import metrics as forecast
from strokecast.evaluation.forecast.metrics import Scale
from strokecast.params import ForecastEvaluation, Params, parse

ACTUAL = np.array([[10.0, 20.0], [0.0, 40.0]])
FORECAST = np.array([[12.0, 20.0], [0.0, 32.0]])


def test_metrics_by_hand():
    figures = forecast.metrics(ACTUAL, FORECAST, Scale(5.0, 34.0))
    assert figures["mae"] == 2.5  # 2, 0, 0, 8
    assert figures["rmse"] == pytest.approx(math.sqrt((4 + 64) / 4))
    assert figures["mase"] == 0.5
    assert figures["rmsse"] == pytest.approx(math.sqrt(17 / 34))
    assert figures["bias"] == -1.5
    assert figures["smape"] == pytest.approx((200 * 2 / 22 + 200 * 8 / 72) / 4)
    assert figures["wape"] == pytest.approx(100 * 10 / 70)
    assert list(figures) == list(forecast.ERRORS)
    assert math.isnan(forecast.metrics(np.zeros((1, 1)), np.ones((1, 1)), Scale(1, 1))["wape"])
    assert forecast.absolute_error(ACTUAL, FORECAST).tolist() == [1.0, 4.0]


def backtest(first_days, actual, holidays=None):
    scale = Scale(1.0, 1.0)
    return forecast.Backtest("y", "", "made", first_days, actual[:, 0], first_days, actual, scale, holidays)


def test_slices_are_by_day_ahead_regime_weekday_of_the_forecast_day_and_holiday():
    first_days = np.array(["2024-06-28", "2024-07-03"], "datetime64[D]")  # Friday, Wednesday
    holidays = np.array([[False, False], [False, True]])  # 2024-07-04
    test = backtest(first_days, ACTUAL, holidays)
    parts = forecast.slices(test, {"late": np.array([False, True])})
    assert list(parts) == ["day", "regime", "weekday", "holiday"]
    assert parts["day"]["2"].tolist() == [[False, True], [False, True]]
    assert list(parts["regime"]) == ["all", "late"]
    assert parts["regime"]["late"].tolist() == [[False, False], [True, True]]
    where = {name: np.argwhere(mask).tolist() for name, mask in parts["weekday"].items()}
    assert where == {"wednesday": [[1, 0]], "thursday": [[1, 1]], "friday": [[0, 0]], "saturday": [[0, 1]]}
    assert parts["holiday"]["holidays"].tolist() == holidays.tolist()
    assert parts["holiday"]["other_days"].sum() == 3
    assert "holiday" not in forecast.slices(backtest(first_days, ACTUAL), {})
    assert list(forecast.slices(backtest(first_days, ACTUAL, holidays & False), {})["holiday"]) == [
        "other_days"
    ]


def test_a_block_of_days_is_told_in_origins():
    days = np.datetime64("2020-01-01") + np.arange(0, 300, 10)
    assert backtest(days, np.zeros((30, 1))).origins_in(28) == 3
    assert backtest(days[:1], np.zeros((1, 1))).origins_in(28) == 1


def test_naive_7_in_sample_has_mase_1():
    train = np.random.default_rng(2).normal(100, 20, 300)
    figures = forecast.metrics(train[7:, None], train[:-7, None], forecast.seasonal_scale(train))
    assert figures["mase"] == pytest.approx(1.0)
    assert figures["rmsse"] == pytest.approx(1.0)


@pytest.mark.parametrize("train", [np.arange(7.0), np.tile(np.arange(7.0), 10)])
def test_mase_is_undefined_without_a_scale(train):
    scale = forecast.seasonal_scale(train)
    assert math.isnan(scale.absolute)
    assert math.isnan(scale.squared)
    figures = forecast.metrics(ACTUAL, FORECAST, scale)
    assert math.isnan(figures["mase"])
    assert math.isnan(figures["rmsse"])


def test_smape_of_a_wrong_sign_is_its_largest_value():
    assert forecast.metrics(np.array([[5.0]]), np.array([[-5.0]]), Scale(1.0, 1.0))["smape"] == 200


def regimes(*spans: tuple[str, str, str]) -> ForecastEvaluation:
    given = [{"name": n, "first": a, "last": b} for n, a, b in spans]
    return ForecastEvaluation.model_validate({"regimes": given})


def test_regimes_are_by_first_forecast_day_and_inclusive():
    days = np.datetime64("2020-01-01") + np.arange(10)
    spans = regimes(("early", "2019-01-01", "2020-01-03"), ("late", "2020-01-10", "2020-01-10")).regimes
    masks = forecast.regime_masks(days, spans)
    assert np.flatnonzero(masks["early"]).tolist() == [0, 1, 2]
    assert np.flatnonzero(masks["late"]).tolist() == [9]


def test_a_regime_without_an_origin_is_named():
    days = np.datetime64("2020-01-01") + np.arange(10)
    with pytest.raises(
        UserError, match=r"evaluation\.forecast\.regimes\.0: regime 'x'.*2020-01-01 to 2020-01-10"
    ):
        forecast.regime_masks(days, regimes(("x", "2021-01-01", "2021-01-02")).regimes)


def test_params_refuse_regimes_that_end_before_they_begin_or_share_a_name():
    def given(*spans: tuple[str, str, str]) -> Params:
        named = [{"name": n, "first": a, "last": b} for n, a, b in spans]
        return parse({"evaluation": {"forecast": {"regimes": named}}})

    with pytest.raises(
        UserError, match=r"evaluation\.forecast\.regimes\.0.*last should not come before first"
    ):
        given(("x", "2021-01-02", "2021-01-01"))
    with pytest.raises(UserError, match="distinct names"):
        given(("x", "2020-01-01", "2020-01-02"), ("x", "2021-01-01", "2021-01-02"))
