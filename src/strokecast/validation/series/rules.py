"""The rules for series: of rows, of days, of the calendar, and of each series as a whole."""

from __future__ import annotations

from typing import Any

from strokecast.params import SeriesQuality
from strokecast.validation.rules import Rule


def row_rules(settings: SeriesQuality, date_format: str) -> list[Rule]:
    """The rules that judge single rows; one fault of a row breaks one of them.

    Rows outside of `start` to `end`, and of partial first and last days, are judged by none.
    `thousands_mark` takes from `non_numeric` what is a number with another thousands mark.
    `exact_duplicate` and `conflicting_date` compare rows with a readable date and number;
    `unsorted` leaves both kinds of rows, and future ones, out.
    """
    s, inside = settings, ("outside", "==", 0.0)

    def rule(name: str, statement: str, expect: Any, column: str, bound: Any = None, **more: Any) -> Rule:
        return Rule(name, getattr(s, name), statement, expect, column, bound, noun="rows", **more)

    return [
        rule(
            "bad_date",
            f"the date fits {date_format}",
            "present",
            "day",
            fix="correct series.csv.date_format or the rows, or set quality.series.bad_date to quarantine",
        ),
        rule(
            "non_numeric",
            "the value is a finite number",
            "present",
            "number",
            where=inside,
            fix="correct series.csv.thousands or the rows, or set quality.series.non_numeric to quarantine",
        ),
        rule(
            "thousands_mark",
            "the value has no thousands mark but the configured one",
            "at_most",
            "marked",
            0,
            where=inside,
            fix="set series.csv.thousands to the mark that the file uses",
        ),
        rule("exact_duplicate", "no earlier row has the same date and value", "at_most", "earlier_copies", 0),
        rule(
            "conflicting_date",
            "a date has one value",
            "at_most",
            "other_values",
            0,
            fix="keep one row for each date, or set series.csv.aggregate or id_column where rows are meant to share one",
        ),
        rule("negative", "the value is 0 or more", "at_least", "value", 0, where=inside),
        rule(
            "future_date",
            "no date lies after today (quality.series.today)",
            "at_most",
            "in_future",
            0,
            fix="correct the rows or series.csv.date_format, or set quality.series.future_date to quarantine",
        ),
        rule("total_mismatch", "the total is the sum of its parts", "at_most", "total_off", 0),
        rule(
            "day_type",
            "W is a weekday, A a Saturday, U a Sunday or a holiday",
            "at_most",
            "contradicts",
            0,
        ),
        rule("unsorted", "no row's date comes before that of the row above", "at_least", "days_ahead", 0),
    ]


def day_rules(settings: SeriesQuality) -> list[Rule]:
    """The rules that judge days that have a value; a day that is set aside leaves a gap."""
    s = settings

    def rule(name: str, statement: str, expect: Any, column: str, bound: Any) -> Rule:
        return Rule(name, getattr(s, name), statement, expect, column, bound, noun="days")

    return [
        rule(
            "zero_run",
            f"zeros stand on {s.zero_days} days in a row at most (quality.series.zero_days)",
            "at_most",
            "zero_run",
            s.zero_days,
        ),
        rule(
            "constant_run",
            f"one value stands on {s.constant_days} days in a row at most (quality.series.constant_days)",
            "at_most",
            "constant_run",
            s.constant_days,
        ),
        rule(
            "outlier",
            f"a day lies within {s.outlier_mads:g} scaled MADs of the same weekday's median (quality.series.outlier_mads)",
            "at_most",
            "deviation",
            s.outlier_mads,
        ),
        rule("short_day", "a day has all the timestamps that it should have", "at_least", "share", 1),
        rule("dst_day", "a local day has 24 hours", "at_most", "clock_change", 0),
    ]


def calendar_rules(settings: SeriesQuality) -> list[Rule]:
    """The rule that judges the calendar: every day of the span has a value, its own or a filled one."""
    return [
        Rule(
            "gap",
            settings.gap,
            f"every day has a value; gaps of up to {settings.max_gap} days are filled (quality.series.max_gap)",
            "present",
            "value",
            where=("explained", "==", 0.0),
            noun="days without a value",
            fix="raise quality.series.max_gap, or cut the series by quality.series.start and end",
        )
    ]


def whole_rules(settings: SeriesQuality, *, ask: bool) -> list[Rule]:
    """The rules that judge a file or a series as a whole.

    Args:
        settings: `quality.series`.
        ask: the date format was left to us: where two fit, the user has to say.
    """
    s = settings
    by = f"the median of four weeks moves by a factor of {s.level_ratio:g} at most (quality.series.level_ratio)"
    return [
        Rule(
            "ambiguous_date",
            "stop" if ask else s.ambiguous_date,
            "day and month cannot be swapped in every row",
            "at_most",
            "swappable",
            0,
            noun="readings of the dates",
            fix="say which is right in series.csv.date_format",
        ),
        Rule(
            "frequency",
            s.frequency,
            "rows are one day apart",
            "at_most",
            "step",
            1,
            noun="series",
            fix="give a daily series, or a finer one with series.csv.aggregate",
        ),
        Rule("level_shift", s.level_shift, by, "at_most", "level", s.level_ratio, noun="stretches"),
        Rule(
            "split_shift",
            s.split_shift,
            f"validation and test lie within a factor of {s.level_ratio:g} of train (quality.series.level_ratio)",
            "at_most",
            "split",
            s.level_ratio,
            noun="splits",
        ),
        Rule(
            "drift",
            s.drift,
            f"no feature moves by a KS distance above {s.drift_distance:g} at a false discovery rate of {s.drift_alpha:g}",
            "at_most",
            "moved",
            s.drift_distance,
            noun="features",
        ),
    ]
