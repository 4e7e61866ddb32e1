"""The rules for series: for rows, days, the calendar, and each series."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from strokecast.common.limits import LARGEST_VALUE
from strokecast.params import SeriesQuality
from strokecast.validation.rules import Check, Rule

LEVEL_REMEDY = (
    "set `residual: mean_28` in the config of networks (by default they choose one on validation windows, which may lie before "
    "the change), `level: last_week` in that of lightgbm and calendar_ridge, and evaluation.forecast.refit_every"
)


def row_rules(
    settings: SeriesQuality, date_format: str, advice: Mapping[str, str] = MappingProxyType({})
) -> list[Rule]:
    """The rules for single rows. Each fault of a row fails one of them.

    Rows before `start`, after `end`, and in partial first and last days that are left out are not checked.
    `thousands_mark` covers numbers with another thousands separator; `non_numeric` covers all other
    cells that are not numbers. `exact_duplicate` and `conflicting_date` compare rows with a readable
    date and number; `unsorted` ignores both kinds of rows, and future ones.

    Args:
        settings: `quality.series`.
        date_format: of the dates.
        advice: rule → what to set so that its rows pass, from `row_advice.advise`.
    """
    not_outside = ("outside", "==", 0.0)

    def rule(name: str, statement: str, check: Check, column: str, bound: Any = None, **options: Any) -> Rule:
        return Rule(
            name, getattr(settings, name), statement, check, column, bound, row_noun="rows", **options
        )

    return [
        rule(
            "bad_date",
            f"the date matches {date_format}",
            "present",
            "day",
            leaves_gap=True,
            fix=advice.get("bad_date", "correct series.csv.date_format or the rows"),
        ),
        rule(
            "non_numeric",
            f"the value is a finite number of at most {LARGEST_VALUE:g}",
            "present",
            "number",
            row_condition=not_outside,
            leaves_gap=True,
            fix=advice.get("non_numeric", "correct the rows, or series.csv.thousands and series.csv.decimal"),
        ),
        rule(
            "thousands_mark",
            "the value has no thousands separator other than series.csv.thousands",
            "at_most",
            "other_separator",
            0,
            row_condition=not_outside,
            leaves_gap=True,
            fix=advice.get(
                "thousands_mark", "set series.csv.thousands, or series.csv.decimal if it is a decimal mark"
            ),
        ),
        rule("exact_duplicate", "no earlier row has the same date and value", "at_most", "earlier_copies", 0),
        rule(
            "conflicting_date",
            "each date has one value",
            "at_most",
            "conflicts",
            0,
            leaves_gap=True,
            fix="keep one row per date, or set series.csv.aggregate or id_column if rows share dates on purpose",
        ),
        rule(
            "negative",
            "the value is 0 or more",
            "at_least",
            "value",
            0,
            row_condition=not_outside,
            leaves_gap=True,
        ),
        rule(
            "future_date",
            "the date is not after today (quality.series.today)",
            "at_most",
            "in_future",
            0,
            fix="correct the rows or series.csv.date_format",
        ),
        rule(
            "total_mismatch",
            "the total equals the sum of its parts",
            "at_most",
            "total_error",
            0,
            leaves_gap=True,
        ),
        rule(
            "day_type",
            "W is a weekday, A a Saturday, U a Sunday or a holiday",
            "at_most",
            "day_type_mismatch",
            0,
            leaves_gap=True,
        ),
        rule(
            "unsorted",
            "the date is not earlier than that of the previous row",
            "at_least",
            "days_since_previous",
            0,
        ),
    ]


def day_rules(settings: SeriesQuality) -> list[Rule]:
    """The rules for days that have a value. A quarantined day leaves a gap."""
    s = settings

    def rule(name: str, statement: str, check: Check, column: str, bound: Any) -> Rule:
        return Rule(
            name, getattr(settings, name), statement, check, column, bound, row_noun="days", leaves_gap=True
        )

    return [
        rule(
            "zero_run",
            f"at most {s.zero_days} consecutive days are 0 (quality.series.zero_days)",
            "at_most",
            "zero_run",
            s.zero_days,
        ),
        rule(
            "constant_run",
            f"at most {s.constant_days} consecutive days have the same value (quality.series.constant_days)",
            "at_most",
            "constant_run",
            s.constant_days,
        ),
        rule(
            "outlier",
            f"the value is within {s.outlier_mads:g} scaled MADs of the same weekday's median "
            "(quality.series.outlier_mads)",
            "at_most",
            "deviation",
            s.outlier_mads,
        ),
        rule("short_day", "the day has all expected timestamps", "at_least", "timestamp_share", 1),
        rule("dst_day", "the local day has 24 hours", "at_most", "clock_change", 0),
    ]


def calendar_rules(settings: SeriesQuality, summary: str = "", fix: str = "") -> list[Rule]:
    """The rule for the calendar: every day of the span has a value, its own or a filled one.

    Args:
        settings: `quality.series`.
        summary: the longest gap, for messages.
        fix: settings with which the series would pass.
    """
    limit = (
        f"gaps of up to {settings.max_gap} days between two values are filled (quality.series.max_gap)"
        if settings.max_gap
        else "no gap is filled (quality.series.max_gap is 0)"
    )
    return [
        Rule(
            "gap",
            settings.gap,
            f"every day has a value; {limit}",
            "present",
            "value",
            row_condition=("explained", "==", 0.0),
            row_noun="days without a value",
            summary=summary,
            fix=fix,
        )
    ]


def series_rules(settings: SeriesQuality, *, stop_if_ambiguous: bool) -> list[Rule]:
    """The rules for a file or a series.

    Args:
        settings: `quality.series`.
        stop_if_ambiguous: stop if two date formats match; for `date_format: auto`.
    """
    s = settings
    return [
        Rule(
            "ambiguous_date",
            "stop" if stop_if_ambiguous else s.ambiguous_date,
            "day and month cannot be swapped in all dates",
            "at_most",
            "swappable_dates",
            0,
            row_noun="files",
            is_configurable=not stop_if_ambiguous,
            fix="set series.csv.date_format to the right one",
        ),
        Rule(
            "frequency",
            s.frequency,
            "rows are one day apart",
            "at_most",
            "step_days",
            1,
            row_noun="series",
            fix="use a daily series, or a finer one with series.csv.aggregate",
        ),
        Rule(
            "partial_day",
            s.partial_day,
            f"the first and the last day are complete, or at least {s.partial_share:g} of what their weekday implies "
            "(quality.series.partial_share)",
            "at_most",
            "partial_day",
            0,
            row_noun="days",
            fix="complete them, or cut the series by quality.series.start and end",
        ),
        Rule(
            "level_shift",
            s.level_shift,
            f"the four-week median changes by a factor of at most {s.level_ratio:g} (quality.series.level_ratio)",
            "at_most",
            "level_ratio",
            s.level_ratio,
            row_noun="periods",
            fix=LEVEL_REMEDY,
        ),
        Rule(
            "split_shift",
            s.split_shift,
            f"validation and test are within a factor of {s.level_ratio:g} of train (quality.series.level_ratio)",
            "at_most",
            "split_ratio",
            s.level_ratio,
            row_noun="splits",
            fix=LEVEL_REMEDY,
        ),
        Rule(
            "drift",
            s.drift,
            f"no feature drifts by a KS distance above {s.drift_distance:g} "
            f"at a false discovery rate of {s.drift_alpha:g}",
            "at_most",
            "drift_effect",
            s.drift_distance,
            row_noun="comparisons",
        ),
    ]
