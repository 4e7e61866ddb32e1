"""Keys of `features.forecast` that contradict each other."""

from typing import Any

import pytest

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.params import ForecastFeatures

CONSISTENT = ForecastFeatures(input_size=10, horizon=3, holiday_country=None, lags=()).model_dump()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lags": (2,)}, "lags should be at least the horizon"),
        ({"difference": 2}, "difference should be at least the horizon"),
        ({"lags": (7, 7)}, "lags should be distinct"),
        ({"past_covariates": ("y",)}, "targets and past_covariates should be distinct"),
        ({"holiday_window": 1}, "holiday_window should be 0 without a holiday_country"),
        ({"bridge_days": True}, "bridge_days should be false without a holiday_country"),
        ({"lag_calendar": True, "holiday_country": "US"}, "false without lags and difference"),
        ({"lag_calendar": True, "lags": (7,)}, "false without holiday_country and day_type"),
        ({"series_id": True}, "series_id should be false with series: one"),
        ({"valid_from": 0.9, "test_from": 0.8}, r"valid_from \(0.9\) should come before test_from \(0.8\)"),
    ],
)
def test_contradicting_settings_are_errors(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ForecastFeatures(**(CONSISTENT | changes))


def test_a_country_in_lower_case_is_named_as_it_should_be() -> None:
    with pytest.raises(UserError, match=r"'de' is not valid; allowed: country .*; did you mean 'DE'\?"):
        params.parse({"features": {"forecast": {"holiday_country": "de"}}})
