"""Forecasts are corrected by errors that are known at the origin, and only where validation says that it helps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import online_correction
from strokecast.inference.backtest import Forecast, Series
from strokecast.inference.online_correction import Correction
from strokecast.inference.validation_forecasts import ValidationForecasts

HORIZON = 3
SPEC: Any = {"horizon": HORIZON, "targets": ["y"], "counts": False}


def series_of(values: Any) -> Series:
    days = np.datetime64("2020-01-01") + np.arange(len(values))
    return Series(days, {"y": np.asarray(values, float)}, {"train": 0})


def zeros(series: Series, origins: Any) -> Forecast:
    """Forecasts 0 with quantiles -1, 0 and 1, so that an error is the value."""
    point = np.zeros((len(origins), HORIZON, 1))
    return Forecast(point, point + np.array([-1.0, 0.0, 1.0]), (0.1, 0.5, 0.9))


def corrected(values: Any, origins: list[int], correction: Correction, min_history: int = 2) -> Forecast:
    forecast = online_correction.correct(zeros, {"": correction}, SPEC, min_history)
    return forecast(series_of(values), np.array(origins))


def test_the_last_known_errors_of_each_day_ahead_are_averaged() -> None:
    values = np.arange(30.0) ** 2
    forecast = corrected(values, [20, 24], Correction(0.5, 4, "2020-01-01"))
    expected = [0.5 * values[origin - 4 : origin].mean() for origin in (20, 24)]
    # Forecasts are 0, so the errors known at an origin are the last values before it, for every day ahead.
    assert forecast.point[..., 0] == pytest.approx(np.tile(np.array(expected)[:, None], HORIZON))
    assert forecast.quantiles == pytest.approx(forecast.point + np.array([-1.0, 0.0, 1.0]))


@pytest.mark.parametrize("later", [0.0, 1e6, np.nan])
def test_no_value_from_the_origin_on_is_read(later: float) -> None:
    values = np.arange(30.0)
    changed = np.where(np.arange(30) >= 20, later, values)
    correction = Correction(1.0, 7, "2020-01-01")
    assert corrected(values, [20], correction).point == pytest.approx(
        corrected(changed, [20], correction).point
    )


def test_a_history_that_ends_at_the_origin_gives_the_same_forecast() -> None:
    values, correction = np.arange(30.0), Correction(1.0, 7, "2020-01-01")
    whole = corrected(values, [15, 20], correction).point[1]
    assert corrected(values[:20], [20], correction).point[0] == pytest.approx(whole)
    needed = 2 + correction.days_before(HORIZON)  # with as many days, no error is missing
    late = Correction(1.0, 7, "2019-01-01")
    recent = series_of(values[20 - needed : 20])
    forecast = online_correction.correct(zeros, {"": late}, SPEC, 2)(recent, np.array([needed]))
    assert forecast.point[0] == pytest.approx(whole)


def test_each_origin_of_a_series_is_forecast_once() -> None:
    asked: list[int] = []

    def counting(series: Series, origins: Any) -> Forecast:
        asked.extend(origins.tolist())
        return zeros(series, origins)

    correction = Correction(1.0, 7, "2020-01-01")
    forecast = online_correction.correct(counting, {"": correction}, SPEC, 2)
    series = series_of(np.arange(30.0))
    parts = [forecast(series, np.array(origins)).point for origins in ([20, 25], [24])]
    assert sorted(asked) == list(range(11, 26))
    assert np.concatenate(parts)[[0, 2, 1]] == pytest.approx(
        corrected(np.arange(30.0), [20, 24, 25], correction).point
    )
    forecast(series_of(np.arange(30.0)), np.array([20]))  # other days
    assert len(asked) == len(range(11, 26)) + len(range(11, 21))


def test_errors_of_days_that_the_model_has_learned_count_as_zero() -> None:
    values = np.full(30, 8.0)
    forecast = corrected(values, [20], Correction(1.0, 4, "2020-01-19"))  # origins 18 and 19
    # One day ahead, both errors are known; two days ahead, that of origin 18; three days ahead, none.
    assert forecast.point[0, :, 0].tolist() == [4.0, 2.0, 0.0]


def test_other_series_and_counts() -> None:
    values = np.full(30, -8.0)
    correction = {"other": Correction(1.0, 4, "2020-01-01")}
    unchanged = online_correction.correct(zeros, correction, SPEC, 2)(series_of(values), np.array([20]))
    assert not unchanged.point.any()
    counts = online_correction.correct(
        zeros, {"": Correction(1.0, 4, "2020-01-01")}, SPEC | {"counts": True}, 2
    )(series_of(values), np.array([20]))
    assert counts.point.min() == counts.quantiles.min() == 0.0  # type: ignore[union-attr]


def validation(errors: Any, step: int = 1) -> ValidationForecasts:
    days = np.datetime64("2020-01-01") + step * np.arange(len(errors))
    return ValidationForecasts(
        days, np.repeat(np.asarray(errors)[:, None], HORIZON, axis=1), np.zeros((len(errors), HORIZON))
    )


def test_a_lasting_bias_is_corrected_and_noise_is_not() -> None:
    noise = np.random.default_rng(0).normal(size=200)
    chosen = online_correction.choose(validation(noise + 3))
    assert chosen is not None
    assert (chosen.first_day, chosen.weight) == ("2020-01-01", 1.0)
    assert online_correction.choose(validation(noise)) is None
    assert online_correction.choose(validation(noise[:60] + 3)) is None  # too few
    assert (
        online_correction.choose(validation(noise + 3, step=2)) is None
    )  # errors of the days between are not there


def test_a_gain_in_one_block_alone_is_not_enough() -> None:
    errors = (-1.0) ** np.arange(200) + 9 * (np.arange(200) >= 150)
    assert online_correction.choose(validation(errors)) is None


def test_validation_forecasts_are_corrected_as_later_ones() -> None:
    values, correction = np.random.default_rng(0).normal(size=60), Correction(0.5, 14, "2020-01-11")
    origins = np.arange(10, 60 - HORIZON + 1)
    actual = values[origins[:, None] + np.arange(HORIZON)]
    own = zeros(series_of(values), origins)
    at_training = correction.correct_consecutive(own, actual, counts=False)
    assert at_training.point == pytest.approx(corrected(values, origins.tolist(), correction).point)


def test_files_round_trip_and_damage_is_an_error(tmp_path: Path) -> None:
    assert online_correction.load(tmp_path) == {}
    online_correction.write(tmp_path, {})
    assert not list(tmp_path.iterdir())
    stored = {"a": Correction(0.5, 14, "2020-01-11")}
    online_correction.write(tmp_path, stored)
    assert online_correction.load(tmp_path) == stored
    (tmp_path / online_correction.FILE).write_text('{"series": {"a": {"weight": 1}}}')
    with pytest.raises(UserError, match=r"correction\.json: is not a correction of this model \(KeyError"):
        online_correction.load(tmp_path)
