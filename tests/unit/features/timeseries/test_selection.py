"""Features chosen on training days: each kind is found in a series that is made of it, and noise has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from strokecast.common.public_holidays import holidays
from strokecast.features.timeseries import selection
from strokecast.features.timeseries.rolling import rolling_mean
from strokecast.features.timeseries.selection import TrainingDays
from strokecast.params import ForecastFeatures

N_DAYS = 1800
DAYS = np.datetime64("2015-01-01") + np.arange(N_DAYS)
NOISE = np.random.default_rng(0).normal(size=N_DAYS)


def select(
    values: np.ndarray, n_days: int = N_DAYS, **changes: Any
) -> tuple[ForecastFeatures, dict[str, Any]]:
    settings = ForecastFeatures(**{"calendar": ("weekday",), **changes}).for_source("csv")
    return selection.select(settings, [TrainingDays(DAYS[:n_days], values[:n_days], None)])


def repeated(period: int) -> np.ndarray:
    """A pattern that only the value `period` days earlier shows."""
    return 100 + 10 * np.resize(NOISE[:period], N_DAYS) + NOISE


@pytest.mark.parametrize("period", [364, 365])
def test_the_lag_of_the_period_is_chosen_first(period: int) -> None:
    settings, chosen = select(repeated(period))
    assert chosen["steps"][1]["feature"] == f"lag_{period}"
    assert period in settings.lags
    assert chosen["lags"] == list(settings.lags)
    assert chosen["steps"][-1]["error"] < 0.3 * chosen["steps"][0]["error"]


def test_noise_has_no_features_and_a_short_series_is_not_searched() -> None:
    settings, chosen = select(100 + NOISE)
    assert (settings.lags, settings.levels, len(chosen["steps"])) == ((), (), 1)
    assert "none (scaled error" in selection.describe(chosen)
    settings, chosen = select(repeated(364), n_days=100)
    assert (settings.lags, chosen["steps"]) == ((), [])
    settings, _ = select(repeated(364), n_days=800)  # 364 days and a window are more than half of them
    assert 364 not in settings.lags


def test_days_around_holidays_and_bridge_days_are_chosen_with_a_country() -> None:
    by_day = holidays("DE", 2015, 2020)
    values = 100 + 0.2 * NOISE
    for position, day in enumerate(DAYS.tolist()):
        if any(np.datetime64(day) + offset in map(np.datetime64, by_day) for offset in (-2, 3)):
            values[position] -= 10
    settings, chosen = select(values, holiday_country="DE")
    assert settings.holiday_window in (3, 7)
    assert "days around holidays" in selection.describe(chosen)
    without = select(values)[0]
    assert (without.holiday_window, without.bridge_days) == (0, False)


def test_given_values_are_kept_and_what_was_chosen_can_be_applied_again() -> None:
    settings, chosen = select(repeated(364), lags=(14,))
    assert settings.lags == (14,)
    auto = ForecastFeatures(calendar=("weekday",)).for_source("csv")
    assert selection.as_chosen(auto, chosen) == settings.model_copy(update={"holiday_country": None})
    assert selection.as_chosen(auto, None) == auto


def test_rolling_mean_ends_the_given_days_earlier() -> None:
    means = rolling_mean(np.arange(10.0), n_days=3, delay=2, length=12)
    assert np.isnan(means[:4]).all()
    np.testing.assert_allclose(means[4:], [1, 2, 3, 4, 5, 6, 7, 8])
