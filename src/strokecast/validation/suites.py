"""Validate one table with a Great Expectations suite in an ephemeral context.

A table that does not fit into memory is validated in batches. Every Expectation sees every batch,
and `merged_result` merges the results.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common import environment
from strokecast.validation import gx_import
from strokecast.validation.merged_result import MergedResult
from strokecast.validation.rules import Rule, RuleResult

if TYPE_CHECKING:
    import pandas as pd

RowDescription = tuple[str, dict[str, str]]  # a row's name, and the columns that identify it in Data Docs
DescribeRow = Callable[[Rule, int], RowDescription]
_BATCHES_PER_COLLECT = 4  # contexts hold their tables in reference cycles
_SEVERITY = {"stop": "critical", "quarantine": "warning", "warn": "info"}


def validate_table(
    suite: str, frame: pd.DataFrame, rules: Sequence[Rule], describe_row: DescribeRow
) -> tuple[list[RuleResult], dict[str, Any]]:
    """Validate all rows of a table.

    Args:
        suite: name of the suite.
        frame: the table; its index is replaced by positions.
        rules: one Expectation each.
        describe_row: (rule, position) → description of that row.

    Returns:
        The results in the order of the rules, and Great Expectations' result of the suite without
        ids, timestamps and all but the first `MAX_EXAMPLES` rows: enough to render the Data Docs.

    Raises:
        RuntimeError: if an Expectation could not be evaluated, which is a bug.
    """
    validator = SuiteValidator(suite, rules, describe_row)
    positions = validator.add(frame)
    results, suite_result = validator.finish()
    results = [replace(result, positions=rows) for result, rows in zip(results, positions, strict=True)]
    return results, suite_result


class SuiteValidator:
    """Validates a table batch by batch. Memory holds one batch and its unexpected rows.

    Args:
        suite: name of the suite.
        rules: one Expectation each.
        describe_row: see `validate_table`; positions count from the first row of the first batch.
    """

    def __init__(self, suite: str, rules: Sequence[Rule], describe_row: DescribeRow) -> None:
        self._suite = suite
        self._rules = rules
        self._describe_row = describe_row
        self._n_rows = self._n_batches = 0
        self._merged = [MergedResult(rule) for rule in rules]

    def add(self, frame: pd.DataFrame) -> list[NDArray[np.int64]]:
        """Validate the next batch.

        Returns:
            Per rule, the ascending positions within this batch of the failing rows.

        Raises:
            RuntimeError: if an Expectation could not be evaluated, which is a bug.
        """
        gx_results = _run_suite(self._suite, frame.reset_index(drop=True), self._rules)
        failing = []
        for merged in self._merged:
            gx_result = gx_results[merged.rule.name]
            if "unexpected_count" not in gx_result.result:
                raise RuntimeError(
                    f"rule {merged.rule.name} could not be evaluated: {gx_result.exception_info}"
                )
            failing.append(self._merge(merged, gx_result))
        self._n_rows += len(frame)
        self._n_batches += 1
        if self._n_batches % _BATCHES_PER_COLLECT == 0:
            gc.collect()
        return failing

    def _merge(self, merged: MergedResult, gx_result: Any) -> NDArray[np.int64]:
        """Merge an Expectation's result on a batch; returns the failing positions within the batch."""
        rule = merged.rule
        positions = np.sort(
            np.asarray(gx_result.result.pop("unexpected_index_list", None) or [], dtype=np.int64)
        )
        if len(positions) != gx_result.result["unexpected_count"]:
            raise RuntimeError(
                f"rule {rule.name}: {gx_result.result['unexpected_count']} rows, {len(positions)} positions"
            )
        descriptions = [
            self._describe_row(rule, self._n_rows + int(position))
            for position in positions[: merged.missing_examples]
        ]
        values = gx_result.result.pop("unexpected_list", None) or []
        for key in ("unexpected_index_query", "partial_unexpected_index_list"):
            gx_result.result.pop(key, None)
        result_json = _finite_json(gx_result.to_json_dict())
        result_json["expectation_config"].pop("id", None)
        result_json["expectation_config"]["kwargs"].pop("batch_id", None)
        merged.add(result_json, values)
        for value, (name, columns) in zip(values, descriptions, strict=False):
            merged.examples.append(name)
            merged.example_rows.append({rule.column: _format_value(value), **columns})
            merged.name_columns = list(columns)
        return positions

    def finish(self) -> tuple[list[RuleResult], dict[str, Any]]:
        """Results over all batches: see `validate_table`, but without positions."""
        import great_expectations as gx

        gx_results = [merged.to_json() for merged in self._merged]
        results = [
            RuleResult(
                rule=merged.rule,
                type=gx_result["expectation_config"]["type"],
                success=gx_result["success"],
                observed=gx_result["result"].get("observed_value"),
                percent=gx_result["result"].get("unexpected_percent") or 0.0,
                count=gx_result["result"]["unexpected_count"],
                examples=merged.examples,
            )
            for merged, gx_result in zip(self._merged, gx_results, strict=True)
        ]
        n_passed = sum(result.success for result in results)
        return results, {
            "success": n_passed == len(results),
            "results": gx_results,
            "suite_name": self._suite,
            "suite_parameters": {},
            "statistics": {
                "evaluated_expectations": len(results),
                "successful_expectations": n_passed,
                "unsuccessful_expectations": len(results) - n_passed,
                "success_percent": 100.0 * n_passed / len(results),
            },
            "meta": {"great_expectations_version": gx.__version__},
        }


def _run_suite(suite: str, frame: pd.DataFrame, rules: Sequence[Rule]) -> dict[str, Any]:
    """Name of each rule → its Expectation's result.

    Uses a new context, because a context keeps its results as long as it lives.
    """
    context = new_context()
    import great_expectations as gx

    asset = context.data_sources.add_pandas("strokecast").add_dataframe_asset(suite)
    batch_definition = asset.add_batch_definition_whole_dataframe("all")
    expectations = [_expectation(rule) for rule in rules]
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite,
            data=batch_definition,
            suite=context.suites.add(gx.ExpectationSuite(suite, expectations=expectations)),
        )
    )
    validation = definition.run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"}
    )
    return {result.expectation_config.meta["rule"]: result for result in validation.results}


def new_context() -> Any:
    """An ephemeral Data Context without progress bars."""
    environment.quiet()
    gx_import.import_great_expectations()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _expectation(rule: Rule) -> Any:
    from great_expectations.expectations.row_conditions import Column

    from strokecast.validation import expectations

    options: dict[str, Any] = {
        "column": rule.column,
        "description": f"{rule.name} ({rule.action}): {rule.statement}",
        "meta": {"rule": rule.name, "action": rule.action},
        "severity": _SEVERITY[rule.action],
    }
    if rule.row_condition:
        column, operator, number = rule.row_condition
        options["row_condition"] = Column(column) > number if operator == ">" else Column(column) == number
    if rule.check == "at_least":
        return expectations.ExpectColumnValuesToBeAtLeast(min_value=rule.bound, **options)
    if rule.check == "at_most":
        return expectations.ExpectColumnValuesToBeAtMost(max_value=rule.bound, **options)
    if rule.check == "in_set":
        return expectations.ExpectColumnValuesToBeKnown(value_set=list(rule.bound), **options)
    return expectations.ExpectColumnValuesToBePresent(**options)


def _format_value(value: Any) -> str:
    return "" if value is None or value != value else f"{value:g}" if isinstance(value, float) else str(value)


def _finite_json(value: Any) -> Any:
    """JSON with null instead of NaN and infinities, which standard JSON does not have."""
    if isinstance(value, dict):
        return {str(key): _finite_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
