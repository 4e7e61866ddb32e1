"""Seasonal naive repeats the last season."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.models.statistical.seasonal_naive import SeasonalNaive


def history(values: Any, horizon: int) -> Any:
    days = np.datetime64("2020-01-01") + np.arange(horizon)
    return SimpleNamespace(values=np.asarray(values, np.float64), next_days=days)


def test_repeats_the_last_season_also_beyond_one_season() -> None:
    values = np.arange(20.0)
    np.testing.assert_array_equal(SeasonalNaive(7).predict(history(values, 3)), [13, 14, 15])
    nine_days = [13, 14, 15, 16, 17, 18, 19, 13, 14]
    np.testing.assert_array_equal(SeasonalNaive(7).predict(history(values, 9)), nine_days)


def test_short_history_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 7 days, received 6"):
        SeasonalNaive(7).predict(history(np.arange(6.0), 7))
