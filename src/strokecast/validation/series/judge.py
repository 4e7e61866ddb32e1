"""All verdicts on a series: of its rows, its days, its calendar and the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.params import ForecastFeatures, SeriesQuality
from strokecast.validation import checks, drift, rules
from strokecast.validation.drift import Profile
from strokecast.validation.rules import Rule, Verdict
from strokecast.validation.series import levels, times
from strokecast.validation.series.calendar import Calendar, Days, between_neighbours, fill
from strokecast.validation.series.days import days_table
from strokecast.validation.series.rows import EXTRA, extras, several, wanted_mark
from strokecast.validation.series.rules import calendar_rules, day_rules, row_rules, whole_rules

if TYPE_CHECKING:
    import pandas as pd

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
ENOUGH = 3  # steps between days that it takes to tell their frequency


@dataclass(frozen=True)
class Judged:
    """What came of the rows.

    Args:
        verdicts: of all rules.
        suites: as Great Expectations recorded them.
        days: from `days.days_table`, without those that are set aside.
        calendars: series → its calendar.
        reasons: position of each row that is not accepted → the rules it breaks.
        drift: entry of the report.
        profile: of the series to forecast.
        frame: the rows that were judged.
    """

    verdicts: list[Verdict]
    suites: list[dict[str, Any]]
    days: pd.DataFrame
    calendars: dict[str, Calendar]
    reasons: dict[int, list[str]]
    drift: dict[str, Any]
    profile: Profile
    frame: pd.DataFrame


def row_name(frame: pd.DataFrame, position: int) -> str:
    """`row 3`, with the file where there are several, and the series likewise."""
    found = frame.iloc[position]
    file = f"{found['file']} " if "file" in frame else ""
    series = f" of {found['unique_id']}" if "unique_id" in frame else ""
    return f"{file}row {found['row']}{series}"


def judge(
    frame: pd.DataFrame,
    source: Mapping[str, Any],
    settings: SeriesQuality,
    date_format: str,
    swapped: str | None,
    forecast: ForecastFeatures | None,
    against: tuple[str, Profile] | None,
) -> Judged:
    """Judge the rows of `frame` (from `series_rows.rows_table`).

    Args:
        frame: the rows.
        source: contents of `source.json`.
        settings: `quality.series`.
        date_format: the format in use.
        swapped: another format that fits every row as well, with day and month swapped.
        forecast: where the splits begin; None: no comparison between them.
        against: a reference profile, from `drift.reference`.
    """
    thousands = source.get("thousands", "")
    verdicts, row_suite = checks.run(
        "rows",
        frame,
        row_rules(settings, date_format),
        lambda rule, position: _row(frame, rule, position, thousands),
    )
    reasons = rules.reasons([verdict for verdict in verdicts if verdict.rule.name != "unsorted"])
    good = (
        (frame["outside"] == 0).to_numpy()
        & frame["day"].notna().to_numpy()
        & frame["value"].notna().to_numpy()
    )
    good[list(reasons)] = False
    days = days_table(frame, good, source)
    by_day, day_suite = checks.run(
        "days", days, day_rules(settings), lambda rule, position: _day(days, rule, position)
    )
    aside = rules.reasons([verdict for verdict in by_day if verdict.rule.name != "dst_day"])
    reasons = dict(sorted((reasons | _rows_of(frame, good, days, aside)).items()))
    kept = days.drop(index=list(aside)).reset_index(drop=True)
    calendars = _calendars(frame, kept, reasons, settings)
    gaps, gap_suite = _judge_calendars(calendars, settings)
    profile, told, wholes = _wholes(
        calendars, frame, source, settings, swapped, forecast, against, date_format
    )
    whole, whole_suite = checks.run(
        "wholes",
        wholes,
        whole_rules(settings, ask=source["date_format"] == times.AUTO),
        lambda rule, position: (wholes["told"].iloc[position], {"what": wholes["told"].iloc[position]}),
    )
    return Judged(
        verdicts=[*verdicts, *by_day, *gaps, *whole],
        suites=[row_suite, day_suite, gap_suite, whole_suite],
        days=kept,
        calendars=calendars,
        reasons=reasons,
        drift=told,
        profile=profile,
        frame=frame,
    )


def _row(frame: pd.DataFrame, rule: Rule, position: int, thousands: str) -> checks.Named:
    """How a report calls a row that breaks a rule, and the columns that Data Docs show."""
    found = frame.iloc[position]
    called = row_name(frame, position)
    columns = {"row": str(found["row"]), "date": found["ds"], "cell": found["y"]}
    columns |= {name: found[name] for name in ("file", "unique_id", "day_type") if name in frame}
    if rule.name == "bad_date":
        return f"{called}: {found['ds']!r}", columns
    if rule.name in ("conflicting_date", "exact_duplicate"):
        at = int(found["first_at"])
        first = frame.iloc[at]
        columns |= {"first row": str(first["row"]), "first cell": first["y"]}
        if rule.name == "conflicting_date":
            return (
                f"{found['ds']} has {first['y']!r} in {row_name(frame, at)} and {found['y']!r} in {called}"
            ), columns
    if rule.name == "thousands_mark":
        return f"{called}: {found['ds']} {found['y']!r}, mark {wanted_mark(found['y'], thousands)!r}", columns
    if rule.name == "day_type":
        weekday = f"{found['day']:%A}" if found["day"] == found["day"] else ""
        return f"{called}: {found['ds']} {found['day_type']!r} on a {weekday}", columns
    if rule.name == "non_numeric" and found["value"] == found["value"]:
        without = [name.removeprefix(EXTRA) for name in extras(frame) if found[name] != found[name]]
        return f"{called}: {found['ds']} has no number in {', '.join(without)}", columns
    if rule.name == "total_mismatch":
        return f"{called}: {found['ds']} off by {found['total_off']:g}", columns
    return f"{called}: {found['ds']} {found['y']!r}", columns


def _day(days: pd.DataFrame, rule: Rule, position: int) -> checks.Named:
    found = days.iloc[position]
    day = f"{found['unique_id']} " * bool(found["unique_id"]) + str(found["day"].date())
    columns = {"day": day, "value": f"{found['value']:g}", "rows": str(found["rows"])}
    if rule.name == "outlier":
        kind = WEEKDAYS[found["day"].weekday()]
        return f"{day}: {found['value']:.10g}, {kind} around it {found['usual']:.10g}", columns
    if rule.name == "short_day":
        return f"{day}: {found['rows']} timestamps, {found['share']:.0%}", columns
    if rule.name == "dst_day":
        return f"{day}: {found['rows']} timestamps, clock moved by {found['clock_change']:g} h", columns
    return f"{day}: {found['value']:.10g}", columns


def _rows_of(
    frame: pd.DataFrame, good: NDArray[np.bool_], days: pd.DataFrame, aside: Mapping[int, Sequence[str]]
) -> dict[int, list[str]]:
    """Positions of the rows behind the days that are set aside → why."""
    if not aside:
        return {}
    set_aside = {
        (days["unique_id"].iloc[at], days["day"].iloc[at].to_datetime64()): list(names)
        for at, names in aside.items()
    }
    own = np.flatnonzero(good)
    series = (
        frame["unique_id"].to_numpy()[own] if "unique_id" in frame else np.full(len(own), "", dtype=object)
    )
    keys = zip(series.tolist(), frame["day"].to_numpy()[own], strict=True)
    return {int(at): set_aside[key] for at, key in zip(own, keys, strict=True) if key in set_aside}


def _calendars(
    frame: pd.DataFrame,
    kept: pd.DataFrame,
    reasons: Mapping[int, Sequence[str]],
    settings: SeriesQuality,
) -> dict[str, Calendar]:
    """Accepted days on calendars; days are no gap for which another rule stops already."""
    found = {}
    stopped = np.zeros(len(frame), dtype=bool)
    for position, names in reasons.items():
        stopped[position] = any(getattr(settings, name) == "stop" for name in names)
    all_days: Days = frame["day"].to_numpy().astype("datetime64[D]").copy()
    all_days[(frame["in_future"] == 1).to_numpy() & stopped] = np.datetime64("NaT")
    for name, at in several(frame):
        days, bad = all_days[at], stopped[at]
        known = days[bad & ~np.isnat(days)]
        explained = np.unique(np.concatenate([known, between_neighbours(days, bad & np.isnat(days))]))
        own = kept[kept["unique_id"] == name]
        calendar = fill(
            own["day"].to_numpy().astype("datetime64[D]"),
            own["value"].to_numpy(),
            explained,
            settings.max_gap,
            np.datetime64(settings.start) if settings.start else None,
            np.datetime64(settings.end) if settings.end else None,
        )
        if _step(days[(frame["outside"].to_numpy()[at] == 0)]) > 1:  # `frequency` stops: no gaps on top
            calendar.explained[np.isnan(calendar.values)] = True
        found[name] = calendar
    return found


def _step(days: Days) -> float:
    """Days from one day to the next (the median); NaN where too few are told."""
    steps = np.diff(np.unique(days[~np.isnat(days)])).astype(np.int64)
    return float(np.median(steps)) if len(steps) >= ENOUGH else float("nan")


def _judge_calendars(
    calendars: Mapping[str, Calendar], settings: SeriesQuality
) -> tuple[list[Verdict], dict[str, Any]]:
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

    def day(rule: Rule, position: int) -> checks.Named:
        found = table.iloc[position]
        name = f"{found['unique_id']} " * bool(found["unique_id"]) + str(found["day"].date())
        return name, {"day": name}

    return checks.run("calendar", table, calendar_rules(settings), day)


def _wholes(
    calendars: Mapping[str, Calendar],
    frame: pd.DataFrame,
    source: Mapping[str, Any],
    settings: SeriesQuality,
    swapped: str | None,
    forecast: ForecastFeatures | None,
    against: tuple[str, Profile] | None,
    date_format: str,
) -> tuple[Profile, dict[str, Any], pd.DataFrame]:
    """The profile of the series to forecast, the drift entry, and a table of all that was measured."""
    import pandas as pd

    rows: list[dict[str, Any]] = []

    def add(column: str, value: float, told: str) -> None:
        rows.append({"told": told, column: value})

    add("swappable", float(swapped is not None), f"all dates fit {date_format} and {swapped}")
    days = frame["day"].to_numpy().astype("datetime64[D]")
    inside = (frame["outside"] == 0).to_numpy()
    for name, at in several(frame):
        step = _step(days[at][inside[at]])
        add("step", step, f"{name or source.get('name', 'the series')}: {step:g} days from row to row")
    chosen = source.get("unique_id", "")
    own = calendars.get(chosen, next(iter(calendars.values())))
    for name, calendar in calendars.items():
        for shift in levels.shifts(calendar.days, calendar.values, settings.level_ratio):
            add("level", shift.ratio, f"{name} {shift}" if name else str(shift))
    splits = (
        levels.edges(own.days, forecast.valid_from, forecast.test_from)
        if forecast is not None and len(own.days)
        else {}
    )
    for shift in levels.split_shifts(own.days, own.values, splits):
        add("split", shift.ratio, str(shift))
    profile = levels.profile(own.values)
    told = drift.record(levels.profiles(own.values, splits), settings.drift_alpha, against, profile)
    for comparison in told["comparisons"]:
        for feature in comparison["features"]:
            if feature["test"] != "none":
                add(
                    "moved",
                    feature["effect"] if feature["drifted"] else 0.0,
                    f"{feature['feature']} of {comparison['b']} against {comparison['a']}: "
                    f"distance {feature['effect']:.2f}, median {feature['a']:.6g} -> {feature['b']:.6g}",
                )
    columns = ["told", "swappable", "step", "level", "split", "moved"]
    return profile, told, pd.DataFrame(rows, columns=columns)
