"""The row rules of `strokecast forecast`: those of the pipeline, with actions that fit a single call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.features.records.spec import ForecastSpec
from strokecast.inference.series_table import ID
from strokecast.params import SeriesQuality
from strokecast.validation import messages
from strokecast.validation.rules import MAX_EXAMPLES, Rule, RuleResult, rejection_reasons
from strokecast.validation.series.descriptions import describe_row
from strokecast.validation.series.rules import row_rules
from strokecast.validation.series.source import SeriesSource

_ACTIONS: dict[str, Any] = {
    "bad_date": "stop",
    "non_numeric": "stop",
    "thousands_mark": "stop",
    "exact_duplicate": "quarantine",
    "conflicting_date": "stop",
    "negative": "stop",
    "future_date": "warn",
    "unsorted": "warn",
}
_FIXES = {
    "conflicting_date": f"keep one row per date, or name the series of each row in a column {ID}",
    "negative": "correct them, or train again with them: the training split has values of 0 and more alone",
}


def invalid_series(
    frame: pd.DataFrame, source: SeriesSource, date_format: str, spec: ForecastSpec
) -> dict[str, str]:
    """The series with a row that would stop the command → the first mistake, with its row."""
    invalid: dict[str, str] = {}
    for result in _apply_rules(frame, source, date_format, spec):
        if result.rule.action != "stop" or result.positions is None:
            continue
        for position in result.positions.tolist():
            series_id = frame[ID].iloc[position]
            if series_id not in invalid:
                invalid[series_id] = (
                    f"{result.rule.name} ({describe_row(frame, result.rule, position, source)[0]})"
                )
    return invalid


def check(
    frame: pd.DataFrame,
    source: SeriesSource,
    date_format: str,
    spec: ForecastSpec,
    location: str,
    report: Callable[[str], None],
) -> dict[int, list[str]]:
    """Apply the pipeline's row rules; position of each row that is dropped → the rules that it fails."""
    results = _apply_rules(frame, source, date_format, spec)
    if error := messages.stop_error(results, "", location):
        raise error
    for line in messages.warning_lines(results):
        report(f"{location}: {line}")
    for result in results:
        if result.rule.action == "quarantine" and result.count:
            report(f"{location}: {messages.format_failure(result)}; they are left out")
    return rejection_reasons(results)


def _apply_rules(
    frame: pd.DataFrame, source: SeriesSource, date_format: str, spec: ForecastSpec
) -> list[RuleResult]:
    rules = [
        dataclasses.replace(rule, action=_ACTIONS[rule.name], fix=_FIXES.get(rule.name, "correct them"))
        for rule in row_rules(SeriesQuality(), date_format)
        if rule.name in _ACTIONS and (rule.name != "negative" or spec["counts"])
    ]
    return [_apply(rule, frame, source) for rule in rules]


def _apply(rule: Rule, frame: pd.DataFrame, source: SeriesSource) -> RuleResult:
    """The result of a rule without Great Expectations, whose import takes longer than the forecast."""
    column = frame[rule.column]
    failing = (
        column.isna()
        if rule.check == "present"
        else (column < rule.bound if rule.check == "at_least" else column > rule.bound)
    )
    if rule.row_condition is not None:
        name, _, number = rule.row_condition
        failing &= frame[name] == number
    positions: NDArray[np.int64] = np.flatnonzero(failing.to_numpy())
    examples = [describe_row(frame, rule, int(row), source)[0] for row in positions[:MAX_EXAMPLES]]
    return RuleResult(
        rule=rule,
        type="",
        success=not len(positions),
        observed=None,
        percent=100.0 * len(positions) / max(1, len(frame)),
        count=len(positions),
        examples=examples,
        positions=positions,
    )
