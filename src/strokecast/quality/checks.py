"""Run the rules of one table as a Great Expectations suite in an ephemeral context."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from strokecast.quality.rules import EXAMPLES, Rule, Verdict
from strokecast.stage import quiet_environment

if TYPE_CHECKING:
    import pandas as pd

Named = tuple[str, dict[str, str]]
_SEVERITY = {"stop": "critical", "quarantine": "warning", "warn": "info"}


def run(
    suite: str, frame: pd.DataFrame, rules: Sequence[Rule], name: Callable[[Rule, int], Named]
) -> tuple[list[Verdict], dict[str, Any]]:
    """Judge every row of a table by every rule.

    Args:
        suite: name of the suite.
        frame: the table; its index is replaced by positions.
        rules: one Expectation each.
        name: (rule, position) → how a report calls that row, and the columns that Data Docs show.

    Returns:
        The verdicts in the order of the rules, and the suite's result as Great Expectations
        gives it, without ids, timestamps and all but the first `EXAMPLES` rows: enough to
        build the Data Docs again.

    Raises:
        RuntimeError: if an Expectation could not be evaluated: a fault of ours.
    """
    quiet_environment()
    import great_expectations as gx

    context = new_context()
    source = context.data_sources.add_pandas("strokecast").add_dataframe_asset(suite)
    batch = source.add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite,
            data=batch,
            suite=context.suites.add(
                gx.ExpectationSuite(suite, expectations=[_expectation(r) for r in rules])
            ),
        )
    )
    outcome = definition.run(
        batch_parameters={"dataframe": frame.reset_index(drop=True)},
        result_format={"result_format": "COMPLETE"},
    )
    found = {result.expectation_config.meta["rule"]: result for result in outcome.results}
    verdicts, records = [], []
    for rule in rules:
        verdict, record = _verdict(rule, found[rule.name], name)
        verdicts.append(verdict)
        records.append(record)
    kept = sum(verdict.success for verdict in verdicts)
    return verdicts, {
        "success": kept == len(verdicts),
        "results": records,
        "suite_name": suite,
        "suite_parameters": {},
        "statistics": {
            "evaluated_expectations": len(verdicts),
            "successful_expectations": kept,
            "unsuccessful_expectations": len(verdicts) - kept,
            "success_percent": 100.0 * kept / len(verdicts),
        },
        "meta": {"great_expectations_version": gx.__version__},
    }


def new_context() -> Any:
    """An ephemeral Data Context without progress bars."""
    quiet_environment()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _expectation(rule: Rule) -> Any:
    from great_expectations.expectations.row_conditions import Column

    from strokecast.quality import expectations

    options: dict[str, Any] = {
        "column": rule.column,
        "description": f"{rule.name} ({rule.action}): {rule.statement}",
        "meta": {"rule": rule.name, "action": rule.action},
        "severity": _SEVERITY[rule.action],
    }
    if rule.where:
        column, sign, number = rule.where
        options["row_condition"] = Column(column) > number if sign == ">" else Column(column) == number
    if rule.expect == "at_least":
        return expectations.ExpectColumnValuesToBeAtLeast(min_value=rule.bound, **options)
    if rule.expect == "at_most":
        return expectations.ExpectColumnValuesToBeAtMost(max_value=rule.bound, **options)
    if rule.expect == "in_set":
        return expectations.ExpectColumnValuesToBeKnown(value_set=list(rule.bound), **options)
    return expectations.ExpectColumnValuesToBePresent(**options)


def _verdict(rule: Rule, result: Any, name: Callable[[Rule, int], Named]) -> tuple[Verdict, dict[str, Any]]:
    """A rule's verdict, and Great Expectations' own record of it with the first rows by name."""
    if "unexpected_count" not in result.result:
        raise RuntimeError(f"rule {rule.name} could not be evaluated: {result.exception_info}")
    positions = np.sort(np.asarray(result.result.pop("unexpected_index_list", None) or [], dtype=np.int64))
    if len(positions) != result.result["unexpected_count"]:
        raise RuntimeError(
            f"rule {rule.name}: {result.result['unexpected_count']} rows, {len(positions)} positions"
        )
    named = [name(rule, int(position)) for position in positions[:EXAMPLES]]
    values = result.result.pop("unexpected_list", None) or []
    for key in ("unexpected_index_query", "partial_unexpected_index_list"):
        result.result.pop(key, None)
    record = _plain(result.to_json_dict())
    record["expectation_config"].pop("id", None)
    record["expectation_config"]["kwargs"].pop("batch_id", None)
    if named:
        record["result"]["unexpected_index_column_names"] = list(named[0][1])
        record["result"]["unexpected_index_list"] = [
            {rule.column: _text(value), **columns} for value, (_, columns) in zip(values, named, strict=False)
        ]
    verdict = Verdict(
        rule=rule,
        type=record["expectation_config"]["type"],
        success=bool(result.success),
        observed=record["result"].get("observed_value"),
        percent=record["result"].get("unexpected_percent") or 0.0,
        positions=positions,
        examples=[example for example, _ in named],
    )
    return verdict, record


def _text(value: Any) -> str:
    return "" if value is None or value != value else f"{value:g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """JSON without NaN and infinities, which the standard does not have."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
