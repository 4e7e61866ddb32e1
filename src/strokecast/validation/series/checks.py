"""Apply all rules to a series: to its rows, its days, its calendar, and the series itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strokecast.params import ForecastFeatures, SeriesQuality
from strokecast.validation import suites
from strokecast.validation.drift import drift_report
from strokecast.validation.profiles import Profile, ReferenceProfile
from strokecast.validation.rules import RuleResult, rejection_reasons
from strokecast.validation.series import edges, gaps, levels, profiles, row_advice
from strokecast.validation.series.calendar import Calendar
from strokecast.validation.series.calendars import build_calendars, median_step
from strokecast.validation.series.date_formats import AUTO
from strokecast.validation.series.days import build_day_table
from strokecast.validation.series.descriptions import day_name, describe_day, describe_row
from strokecast.validation.series.rejections import DayKey, reasons_by_day, rows_of_days, without_days
from strokecast.validation.series.rows import split_by_series
from strokecast.validation.series.rules import calendar_rules, day_rules, row_rules, series_rules
from strokecast.validation.series.source import SeriesSource

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SeriesChecks:
    """Results of all rules on a series.

    Args:
        results: results of all rules.
        suites: Great Expectations' results of the suites.
        days: the accepted days, from `days.build_day_table`.
        calendars: unique_id → its calendar.
        reasons: position of each rejected row → names of the rules that it fails.
        partial: incomplete first and last days.
        drift: the entry `drift` of the report.
        profile: profile of the series to forecast.
    """

    results: list[RuleResult]
    suites: list[dict[str, Any]]
    days: pd.DataFrame
    calendars: dict[str, Calendar]
    reasons: dict[int, list[str]]
    partial: list[edges.PartialDay]
    drift: dict[str, Any]
    profile: Profile


@dataclass(frozen=True)
class DateFormat:
    """The date format of a file.

    Args:
        name: the strptime format.
        swapped: the format with day and month swapped if that matches every row too; None: it
            does not.
    """

    name: str
    swapped: str | None


def check_series(
    frame: pd.DataFrame,
    source: SeriesSource,
    settings: SeriesQuality,
    date_format: DateFormat,
    forecast: ForecastFeatures | None,
    reference: ReferenceProfile | None,
) -> SeriesChecks:
    """Apply all rules to the rows of `frame`.

    Args:
        frame: from `rows.build_row_table`.
        source: facts about the source.
        settings: `quality.series`.
        date_format: the date format in use.
        forecast: where the splits begin; None: splits are not compared.
        reference: profile of an earlier dataset; None: no comparison.
    """
    row_results, row_suite = suites.validate_table(
        "rows",
        frame,
        row_rules(settings, date_format.name, row_advice.advise(frame, source)),
        lambda rule, position: describe_row(frame, rule, position, source),
    )
    reasons = rejection_reasons([result for result in row_results if result.rule.name != "unsorted"])
    accepted = (
        (frame["outside"] == 0).to_numpy()
        & frame["day"].notna().to_numpy()
        & frame["value"].notna().to_numpy()
    )
    accepted[list(reasons)] = False
    all_days = build_day_table(frame, accepted, source)
    partial = edges.find_partial_days(frame, all_days, settings.partial_share)
    rejected_days: dict[DayKey, list[str]] = {}
    if settings.partial_day != "warn":
        rejected_days = {(one.unique_id, one.day): ["partial_day"] for one in partial}
    complete = without_days(all_days, rejected_days)
    day_results, day_suite = suites.validate_table(
        "days", complete, day_rules(settings), lambda rule, position: describe_day(complete, rule, position)
    )
    rejected_days |= reasons_by_day(
        complete, rejection_reasons([result for result in day_results if result.rule.name != "dst_day"])
    )
    reasons |= rows_of_days(frame, accepted | (frame["partial"] == 1).to_numpy(), rejected_days)
    reasons = dict(sorted(reasons.items()))
    days = without_days(complete, rejected_days)
    calendars = build_calendars(frame, days, reasons, settings, partial)
    calendar_results, calendar_suite = _check_calendars(calendars, settings)
    profile, drift, measures = _measure_series(
        calendars, frame, source, settings, date_format, forecast, reference, partial
    )

    def describe_measure(_: object, position: int) -> suites.RowDescription:
        description = measures["description"].iloc[position]
        return description, {"description": description}

    series_results, series_suite = suites.validate_table(
        "series",
        measures,
        series_rules(settings, stop_if_ambiguous=source.date_format == AUTO),
        describe_measure,
    )
    return SeriesChecks(
        results=[*row_results, *day_results, *calendar_results, *series_results],
        suites=[row_suite, day_suite, calendar_suite, series_suite],
        days=days,
        calendars=calendars,
        reasons=reasons,
        partial=partial,
        drift=drift,
        profile=profile,
    )


def _check_calendars(
    calendars: Mapping[str, Calendar], settings: SeriesQuality
) -> tuple[list[RuleResult], dict[str, Any]]:
    import pandas as pd

    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "unique_id": name,
                    "day": calendar.days.astype("datetime64[s]"),
                    "value": calendar.values,
                    "explained": calendar.explained * 1,
                }
            )
            for name, calendar in calendars.items()
        ],
        ignore_index=True,
    )

    def describe(_: object, position: int) -> suites.RowDescription:
        name = day_name(table, position)
        return name, {"day": name}

    remaining = gaps.find_gaps(calendars)
    fix = gaps.remedies(calendars, remaining, settings.max_gap)
    rules = calendar_rules(settings, gaps.summarize(remaining), fix)
    return suites.validate_table("calendar", table, rules, describe)


def _measure_series(
    calendars: Mapping[str, Calendar],
    frame: pd.DataFrame,
    source: SeriesSource,
    settings: SeriesQuality,
    date_format: DateFormat,
    forecast: ForecastFeatures | None,
    reference: ReferenceProfile | None,
    partial: Sequence[edges.PartialDay],
) -> tuple[Profile, dict[str, Any], pd.DataFrame]:
    """The profile of the series to forecast, the entry `drift`, and the table that `series_rules` check."""
    import pandas as pd

    measures: list[dict[str, Any]] = []

    def add(column: str, value: float, description: str) -> None:
        measures.append({"description": description, column: value})

    is_swappable = date_format.swapped is not None
    add(
        "swappable_dates",
        float(is_swappable),
        f"all dates match {date_format.name} and {date_format.swapped}",
    )
    days = frame["day"].to_numpy().astype("datetime64[D]")
    inside = (frame["outside"] == 0).to_numpy()
    for name, rows in split_by_series(frame):
        step = median_step(days[rows][inside[rows]])
        add("step_days", step, f"{name or source.name}: {step:g} days between rows")
    for one in partial:
        add("partial_day", 1.0, str(one))
    for name, calendar in calendars.items():
        for shift in levels.level_shifts(calendar.days, calendar.values, settings.level_ratio):
            add("level_ratio", shift.ratio, f"{name} {shift}" if name else str(shift))
    chosen = calendars.get(source.unique_id, next(iter(calendars.values())))
    splits = (
        levels.split_slices(chosen.days, forecast.valid_from, forecast.test_from)
        if forecast is not None and len(chosen.days)
        else {}
    )
    for shift in levels.split_shifts(chosen.days, chosen.values, splits):
        add("split_ratio", shift.ratio, str(shift))
    profile = profiles.profile_series(chosen.values)
    drift = drift_report(
        profiles.profile_splits(chosen.values, splits), settings.drift_alpha, reference, profile
    )
    for comparison in drift["comparisons"]:
        for feature in comparison["features"]:
            if feature["test"] != "none":
                add(
                    "drift_effect",
                    feature["effect"] if feature["drifted"] else 0.0,
                    f"{feature['feature']} of {comparison['b']} against {comparison['a']}: "
                    f"distance {feature['effect']:.2f}, median {feature['a']:.6g} -> {feature['b']:.6g}",
                )
    columns = [
        "description",
        "swappable_dates",
        "step_days",
        "partial_day",
        "level_ratio",
        "split_ratio",
        "drift_effect",
    ]
    return profile, drift, pd.DataFrame(measures, columns=columns)
