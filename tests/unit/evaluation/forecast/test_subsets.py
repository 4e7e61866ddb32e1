"""Subsets of the forecast days."""

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.forecast.results import Backtest, NaiveScale
from strokecast.evaluation.forecast.subsets import regime_masks, subset_masks
from strokecast.params import ForecastEvaluation, Params, parse


def backtest(first_days, holidays=None):
    actual = np.array([[10.0, 20.0], [0.0, 40.0]])
    scale = NaiveScale(1.0, 1.0)
    return Backtest("y", "", "made", first_days, actual[:, 0], first_days, actual, scale, holidays)


def test_subsets_by_day_ahead_regime_weekday_of_the_forecast_day_and_holiday():
    first_days = np.array(["2024-06-28", "2024-07-03"], "datetime64[D]")  # Friday, Wednesday
    holidays = np.array([[False, False], [False, True]])  # 2024-07-04
    masks = subset_masks(backtest(first_days, holidays), {"late": np.array([False, True])})
    assert list(masks) == ["day", "regime", "weekday", "holiday"]
    assert masks["day"]["2"].tolist() == [[False, True], [False, True]]
    assert list(masks["regime"]) == ["all", "late"]
    assert masks["regime"]["late"].tolist() == [[False, False], [True, True]]
    weekdays = {name: np.argwhere(mask).tolist() for name, mask in masks["weekday"].items()}
    assert weekdays == {
        "wednesday": [[1, 0]],
        "thursday": [[1, 1]],
        "friday": [[0, 0]],
        "saturday": [[0, 1]],
    }
    assert masks["holiday"]["holidays"].tolist() == holidays.tolist()
    assert masks["holiday"]["other_days"].sum() == 3
    assert "holiday" not in subset_masks(backtest(first_days), {})
    assert list(subset_masks(backtest(first_days, holidays & False), {})["holiday"]) == ["other_days"]


def regimes(*spans: tuple[str, str, str]) -> ForecastEvaluation:
    entries = [{"name": n, "first": a, "last": b} for n, a, b in spans]
    return ForecastEvaluation.model_validate({"regimes": entries})


def test_regimes_are_by_first_forecast_day_and_inclusive():
    days = np.datetime64("2020-01-01") + np.arange(10)
    spans = regimes(("early", "2019-01-01", "2020-01-03"), ("late", "2020-01-10", "2020-01-10")).regimes
    masks = regime_masks(days, spans)
    assert np.flatnonzero(masks["early"]).tolist() == [0, 1, 2]
    assert np.flatnonzero(masks["late"]).tolist() == [9]


def test_a_regime_without_an_origin_is_named():
    days = np.datetime64("2020-01-01") + np.arange(10)
    with pytest.raises(
        UserError, match=r"evaluation\.forecast\.regimes\.0: regime 'x'.*2020-01-01 to 2020-01-10"
    ):
        regime_masks(days, regimes(("x", "2021-01-01", "2021-01-02")).regimes)


def test_regimes_may_not_end_before_they_begin_or_share_a_name():
    def parse_regimes(*spans: tuple[str, str, str]) -> Params:
        entries = [{"name": n, "first": a, "last": b} for n, a, b in spans]
        return parse({"evaluation": {"forecast": {"regimes": entries}}})

    with pytest.raises(
        UserError, match=r"evaluation\.forecast\.regimes\.0.*last \(2021-01-01\) should not come before first"
    ):
        parse_regimes(("x", "2021-01-02", "2021-01-01"))
    with pytest.raises(UserError, match="distinct names"):
        parse_regimes(("x", "2020-01-01", "2020-01-02"), ("x", "2021-01-01", "2021-01-02"))
