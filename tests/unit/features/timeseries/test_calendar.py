"""Calendar features against the calendar module and dates that can be looked up."""

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.timeseries import calendar

YEARS = np.arange(np.datetime64("2018-01-01"), np.datetime64("2021-01-01"))


def features(
    kinds: tuple[str, ...], country: str | None = None, days: np.ndarray = YEARS
) -> dict[str, np.ndarray]:
    fitted = calendar.fit_calendar(kinds, country, YEARS, None)
    return dict(zip(fitted.feature_names, fitted.transform(days).T, strict=True))


def test_every_day_has_one_weekday_and_one_month() -> None:
    flags = features(("weekday", "month"))
    for position, day in enumerate(YEARS.tolist()):
        assert flags[f"weekday_{calendar.WEEKDAYS[day.weekday()]}"][position] == 1
        assert flags[f"month_{day.month}"][position] == 1
    assert sum(flags.values()).tolist() == [2] * len(YEARS)


def test_terms_of_the_year_are_smooth_and_periodic() -> None:
    terms = np.stack(list(features(("year",)).values()), axis=1)
    assert terms.shape == (len(YEARS), 8)
    assert np.abs(np.diff(terms, axis=0)).max() < 0.1  # including New Year
    assert np.abs(terms[365:] - terms[:-365]).max() < 0.1


def test_trend_rises_evenly_from_the_first_training_day() -> None:
    trend = features(("trend",))["trend"]
    assert trend[0] == 0
    assert np.diff(trend) == pytest.approx(trend[1], abs=1e-6)


def test_holidays_flag_their_day_the_days_beside_them_and_their_name() -> None:
    flags = features((), "US")
    position = {str(day): index for index, day in enumerate(YEARS)}
    assert flags["holiday: Thanksgiving Day"].nonzero()[0].tolist() == [
        position[day] for day in ("2018-11-22", "2019-11-28", "2020-11-26")
    ]
    christmas = position["2019-12-25"]
    assert [flags["holiday"][christmas + step] for step in (-1, 0, 1)] == [0, 1, 0]
    assert flags["holiday_before"][christmas - 1] == flags["holiday_after"][christmas + 1] == 1
    fourth = position["2020-07-03"]  # a Friday: the 4th is observed
    assert flags["holiday: Independence Day"][fourth : fourth + 2].tolist() == [1, 1]
    last = position["2020-12-31"]
    assert flags["holiday_before"][last] == 1  # of the New Year after the last day


def test_days_around_a_holiday_have_one_flag_per_distance() -> None:
    fitted = calendar.fit_calendar((), "US", YEARS, None, holiday_window=2)
    flags = dict(zip(fitted.feature_names, fitted.transform(YEARS).T, strict=True))
    position = {str(day): index for index, day in enumerate(YEARS)}
    for offset, day in ((-2, "20"), (-1, "21"), (1, "23"), (2, "24")):
        name = f"holiday: Thanksgiving Day {offset:+d}"
        assert flags[name].sum() == 3
        assert flags[name][position[f"2018-11-{day}"]] == 1
    new_year = flags["holiday: New Year's Day -2"].nonzero()[0]
    assert position["2020-12-30"] in new_year  # of the New Year after the last day
    plain = calendar.fit_calendar((), "US", YEARS, None)
    count = len(plain.feature_names)
    assert fitted.feature_names[:count] == plain.feature_names
    assert fitted.transform(YEARS)[:, :count] == pytest.approx(plain.transform(YEARS))


def test_bridge_days_lie_between_a_holiday_and_a_weekend() -> None:
    fitted = calendar.fit_calendar((), "US", YEARS, None, bridge_days=True)
    flags = dict(zip(map(str, YEARS), fitted.transform(YEARS)[:, -1], strict=True))
    assert fitted.feature_names[-1] == "holiday_bridge"
    assert flags["2018-11-23"] == 1  # the Friday after Thanksgiving
    assert flags["2018-12-24"] == 1  # the Monday before Christmas
    assert flags["2018-12-26"] == flags["2018-12-25"] == flags["2018-11-24"] == 0
    assert sum(flags.values()) < 15


def test_special_days_are_those_of_holidays_and_day_types() -> None:
    fitted = calendar.fit_calendar(
        ("weekday", "day_type", "trend"), "US", YEARS, ["W", "A", "U"] * 400, holiday_window=1
    )
    names = [fitted.feature_names[index] for index in fitted.special_day_indices]
    assert names[:3] == ["day_type_A", "day_type_U", "day_type_W"]
    assert len(names) == len(fitted.feature_names) - 8


def test_holiday_that_is_not_in_the_training_days_has_no_flag_of_its_own() -> None:
    fitted = calendar.fit_calendar((), "US", YEARS, None)
    day = np.array(["2021-06-18"], "datetime64[D]")  # Juneteenth, observed: since 2021
    assert not any("Juneteenth" in name for name in fitted.feature_names)
    assert fitted.transform(day)[0, :3].tolist() == [1, 1, 0]


def test_features_of_a_day_do_not_depend_on_the_other_days() -> None:
    fitted = calendar.fit_calendar(("weekday", "month", "year", "trend"), "US-IL", YEARS, None)
    every = fitted.transform(YEARS)
    for position in (0, 51, 358, 1095):
        np.testing.assert_array_equal(fitted.transform(YEARS[position : position + 1])[0], every[position])
    assert fitted.transform(YEARS[:0]).shape == (0, len(fitted.feature_names))


@pytest.mark.parametrize("first", ["0001-01-01", "9999-06-15"])
def test_holidays_beyond_the_calendar_are_one_line(first: str) -> None:
    days = np.datetime64(first) + np.arange(30)
    one = calendar.Calendar((), "US", (), (), first)
    with pytest.raises(UserError, match=r"no holidays are known for the years \d+ to \d+; set it to null"):
        one.transform(days)
