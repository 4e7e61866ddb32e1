"""What is known of any day: against the calendar module and dates that one can look up."""

import numpy as np
import pytest

from strokecast.features.timeseries import calendar

YEARS = np.arange(np.datetime64("2018-01-01"), np.datetime64("2021-01-01"))


def found(
    kinds: tuple[str, ...], country: str | None = None, days: np.ndarray = YEARS
) -> dict[str, np.ndarray]:
    made = calendar.settle(kinds, country, YEARS, None)
    return dict(zip(made.features, made.known(days).T, strict=True))


def test_every_day_has_one_weekday_and_one_month() -> None:
    told = found(("weekday", "month"))
    for at, day in enumerate(YEARS.tolist()):
        assert told[f"weekday_{calendar.WEEKDAYS[day.weekday()]}"][at] == 1
        assert told[f"month_{day.month}"][at] == 1
    assert sum(told.values()).tolist() == [2] * len(YEARS)


def test_the_terms_of_the_year_are_smooth_and_come_back() -> None:
    told = np.stack(list(found(("year",)).values()), axis=1)
    assert told.shape == (len(YEARS), 8)
    assert np.abs(np.diff(told, axis=0)).max() < 0.1  # over New Year, too
    assert np.abs(told[365:] - told[:-365]).max() < 0.1


def test_the_trend_rises_evenly_from_the_first_training_day() -> None:
    trend = found(("trend",))["trend"]
    assert trend[0] == 0
    assert np.diff(trend) == pytest.approx(trend[1], abs=1e-6)


def test_holidays_have_their_eve_their_morrow_and_their_name() -> None:
    told = found((), "US")
    at = {str(day): place for place, day in enumerate(YEARS)}
    assert told["holiday: Thanksgiving Day"].nonzero()[0].tolist() == [
        at[day] for day in ("2018-11-22", "2019-11-28", "2020-11-26")
    ]
    christmas = at["2019-12-25"]
    assert [told["holiday"][christmas + step] for step in (-1, 0, 1)] == [0, 1, 0]
    assert told["holiday_before"][christmas - 1] == told["holiday_after"][christmas + 1] == 1
    fourth = at["2020-07-03"]  # a Friday: the 4th is observed
    assert told["holiday: Independence Day"][fourth : fourth + 2].tolist() == [1, 1]
    last = at["2020-12-31"]
    assert told["holiday_before"][last] == 1  # of the New Year after the last day


def test_the_days_around_a_holiday_have_a_flag_for_how_far_away_it_is() -> None:
    made = calendar.settle((), "US", YEARS, None, around=2)
    told = dict(zip(made.features, made.known(YEARS).T, strict=True))
    at = {str(day): place for place, day in enumerate(YEARS)}
    for off, days in ((-2, "20"), (-1, "21"), (1, "23"), (2, "24")):
        name = f"holiday: Thanksgiving Day {off:+d}"
        assert told[name].sum() == 3
        assert told[name][at[f"2018-11-{days}"]] == 1
    new_year = told["holiday: New Year's Day -2"].nonzero()[0]
    assert at["2020-12-30"] in new_year  # of the New Year after the last day
    plain = calendar.settle((), "US", YEARS, None)
    assert made.features[: len(plain.features)] == plain.features
    assert made.known(YEARS)[:, : len(plain.features)] == pytest.approx(plain.known(YEARS))


def test_holidays_and_day_types_are_what_makes_a_day_special() -> None:
    made = calendar.settle(("weekday", "day_type", "trend"), "US", YEARS, ["W", "A", "U"] * 400, around=1)
    names = [made.features[at] for at in made.special]
    assert names[:3] == ["day_type_A", "day_type_U", "day_type_W"]
    assert len(names) == len(made.features) - 8


def test_a_holiday_that_came_later_has_no_flag_of_its_own() -> None:
    made = calendar.settle((), "US", YEARS, None)
    day = np.array(["2021-06-18"], "datetime64[D]")  # Juneteenth, observed: since 2021
    assert not any("Juneteenth" in name for name in made.features)
    assert made.known(day)[0, :3].tolist() == [1, 1, 0]


def test_a_day_is_the_same_alone_and_among_others() -> None:
    made = calendar.settle(("weekday", "month", "year", "trend"), "US-IL", YEARS, None)
    whole = made.known(YEARS)
    for at in (0, 51, 358, 1095):
        np.testing.assert_array_equal(made.known(YEARS[at : at + 1])[0], whole[at])
    assert made.known(YEARS[:0]).shape == (0, len(made.features))
