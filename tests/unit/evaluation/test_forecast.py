"""Forecast metrics against values made by hand."""

import math

import numpy as np
import pytest

from strokecast.errors import UserError
from strokecast.evaluation import forecast
from strokecast.params import ForecastEvaluation, Params, parse

ACTUAL = np.array([[10.0, 20.0], [0.0, 40.0]])
FORECAST = np.array([[12.0, 20.0], [0.0, 32.0]])


def test_metrics_by_hand():
    figures = forecast.metrics(ACTUAL, FORECAST, scale=5.0)
    assert figures["mae"] == 2.5
    assert figures["rmse"] == pytest.approx(math.sqrt((4 + 64) / 4))
    assert figures["mase"] == 0.5
    assert figures["bias"] == -1.5
    assert figures["smape"] == pytest.approx((200 * 2 / 22 + 200 * 8 / 72) / 4)


def test_by_day_ahead():
    first, second = forecast.by_day(ACTUAL, FORECAST, 5.0)
    assert (first["mae"], second["mae"]) == (1.0, 4.0)
    assert forecast.absolute_error(ACTUAL, FORECAST).tolist() == [1.0, 4.0]


def test_naive_7_in_sample_has_mase_1():
    train = np.random.default_rng(2).normal(100, 20, 300)
    figures = forecast.metrics(train[7:, None], train[:-7, None], forecast.seasonal_scale(train))
    assert figures["mase"] == pytest.approx(1.0)


@pytest.mark.parametrize("train", [np.arange(7.0), np.tile(np.arange(7.0), 10)])
def test_mase_is_undefined_without_a_scale(train):
    assert math.isnan(forecast.seasonal_scale(train))
    assert math.isnan(forecast.metrics(ACTUAL, FORECAST, forecast.seasonal_scale(train))["mase"])


def test_smape_of_a_wrong_sign_is_its_largest_value():
    assert forecast.metrics(np.array([[5.0]]), np.array([[-5.0]]), 1.0)["smape"] == 200


def test_origins_roll_through_the_test_days_and_fit_their_horizon():
    assert forecast.origins(100, 120, 56, 7, 1).tolist() == list(range(100, 114))
    assert forecast.origins(100, 120, 56, 7, 5).tolist() == [100, 105, 110]
    assert forecast.origins(10, 80, 56, 7, 10).tolist() == [56, 66]


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
