"""Splits by time and the origins of their windows."""

import datetime

import pytest

from strokecast.common.errors import UserError
from strokecast.features.timeseries import windows
from strokecast.params import ForecastFeatures

SETTINGS = ForecastFeatures(
    input_size=10, horizon=3, valid_from="2020-02-10", test_from="2020-02-20", lags=()
)
DAYS = [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(60)]


def test_first_validation_window_reads_training_days() -> None:
    train, valid, test = windows.split_by_time(DAYS, SETTINGS, 10)
    assert valid.origins[0] == 40
    assert (train.start, train.stop, valid.stop, test.stop) == (0, 40, 50, 60)


def test_embargo_keeps_the_last_training_days_out_of_the_targets() -> None:
    plain = windows.split_by_time(DAYS, SETTINGS, 10)
    train, valid, test = windows.split_by_time(DAYS, SETTINGS.model_copy(update={"embargo": 5}), 10)
    assert train.origins.tolist() == plain[0].origins.tolist()[:-5]
    assert train.origins[-1] + SETTINGS.horizon == 40 - 5
    assert (train.start, train.stop) == (0, 40)
    assert [valid.origins.tolist(), test.origins.tolist()] == [split.origins.tolist() for split in plain[1:]]
    with pytest.raises(UserError, match=r"train has 40 days, a window in it needs 43 .*embargo 30"):
        windows.split_by_time(DAYS, SETTINGS.model_copy(update={"embargo": 30}), 10)


def test_a_short_series_is_told_how_many_days_are_enough() -> None:
    settings = SETTINGS.model_copy(update={"valid_from": 0.8, "test_from": 0.9})
    for n_days in (10, 15, 25):
        with pytest.raises(UserError, match=r"use a longer series \(26 days are enough for all splits\)"):
            windows.split_by_time(DAYS[:n_days], settings, 10)
    assert [len(split.origins) for split in windows.split_by_time(DAYS[:26], settings, 10)] == [8, 1, 1]
