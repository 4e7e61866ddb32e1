"""Run the rules of one table as a Great Expectations suite in an ephemeral context.

A table that does not fit into memory is judged part by part: each part is a batch of its own, which
every Expectation sees, and `quality.parts` puts what they found together.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.stage import quiet_environment
from strokecast.validation import engine
from strokecast.validation.parts import Found
from strokecast.validation.rules import Rule, Verdict

if TYPE_CHECKING:
    import pandas as pd

Named = tuple[str, dict[str, str]]
_COLLECT = 4  # parts; contexts hold their tables in cycles, which else stay for a long time
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
    judge = Judge(suite, rules, name)
    positions = judge.add(frame)
    verdicts, record = judge.finish()
    return [replace(one, positions=found) for one, found in zip(verdicts, positions, strict=True)], record


class Judge:
    """Judges a table part by part; memory holds one part and what Great Expectations finds in it.

    Args:
        suite, rules, name: see `run`; positions count from the first row of the first part.
    """

    def __init__(self, suite: str, rules: Sequence[Rule], name: Callable[[Rule, int], Named]) -> None:
        self._suite = suite
        self._rules = rules
        self._name = name
        self._rows = self._parts = 0
        self._found = [Found(rule) for rule in rules]

    def add(self, frame: pd.DataFrame) -> list[NDArray[np.int64]]:
        """Judge the next rows.

        Returns:
            For each rule the ascending positions, within this part, of the rows that break it.

        Raises:
            RuntimeError: if an Expectation could not be evaluated: a fault of ours.
        """
        results = _evaluate(self._suite, frame.reset_index(drop=True), self._rules)
        broken = []
        for found in self._found:
            result = results[found.rule.name]
            if "unexpected_count" not in result.result:
                raise RuntimeError(f"rule {found.rule.name} could not be evaluated: {result.exception_info}")
            broken.append(self._take(found, result))
        self._rows += len(frame)
        self._parts += 1
        if self._parts % _COLLECT == 0:
            gc.collect()
        return broken

    def _take(self, found: Found, result: Any) -> NDArray[np.int64]:
        """Add what an Expectation found in a part; returns the positions within it."""
        rule = found.rule
        positions = np.sort(
            np.asarray(result.result.pop("unexpected_index_list", None) or [], dtype=np.int64)
        )
        if len(positions) != result.result["unexpected_count"]:
            raise RuntimeError(
                f"rule {rule.name}: {result.result['unexpected_count']} rows, {len(positions)} positions"
            )
        named = [self._name(rule, self._rows + int(position)) for position in positions[: found.wanted]]
        values = result.result.pop("unexpected_list", None) or []
        for key in ("unexpected_index_query", "partial_unexpected_index_list"):
            result.result.pop(key, None)
        record = _plain(result.to_json_dict())
        record["expectation_config"].pop("id", None)
        record["expectation_config"]["kwargs"].pop("batch_id", None)
        found.add(record, values)
        for value, (example, columns) in zip(values, named, strict=False):
            found.examples.append(example)
            found.rows.append({rule.column: _text(value), **columns})
            found.columns = list(columns)
        return positions

    def finish(self) -> tuple[list[Verdict], dict[str, Any]]:
        """See `run`; the verdicts carry no positions."""
        import great_expectations as gx

        records = [found.whole() for found in self._found]
        verdicts = [
            Verdict(
                rule=found.rule,
                type=record["expectation_config"]["type"],
                success=record["success"],
                observed=record["result"].get("observed_value"),
                percent=record["result"].get("unexpected_percent") or 0.0,
                count=record["result"]["unexpected_count"],
                examples=found.examples,
            )
            for found, record in zip(self._found, records, strict=True)
        ]
        kept = sum(verdict.success for verdict in verdicts)
        return verdicts, {
            "success": kept == len(verdicts),
            "results": records,
            "suite_name": self._suite,
            "suite_parameters": {},
            "statistics": {
                "evaluated_expectations": len(verdicts),
                "successful_expectations": kept,
                "unsuccessful_expectations": len(verdicts) - kept,
                "success_percent": 100.0 * kept / len(verdicts),
            },
            "meta": {"great_expectations_version": gx.__version__},
        }


def _evaluate(suite: str, frame: pd.DataFrame, rules: Sequence[Rule]) -> dict[str, Any]:
    """Rule → its Expectation's result; in a context of its own, which keeps results for as long as it lives."""
    context = new_context()
    import great_expectations as gx

    source = context.data_sources.add_pandas("strokecast").add_dataframe_asset(suite)
    batch = source.add_batch_definition_whole_dataframe("all")
    expectations = [_expectation(rule) for rule in rules]
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(
            name=suite,
            data=batch,
            suite=context.suites.add(gx.ExpectationSuite(suite, expectations=expectations)),
        )
    )
    outcome = definition.run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"}
    )
    return {result.expectation_config.meta["rule"]: result for result in outcome.results}


def new_context() -> Any:
    """An ephemeral Data Context without progress bars."""
    quiet_environment()
    engine.load()
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
