"""Validation rules, their results, and which rows they reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MAX_EXAMPLES = 20  # failing rows that a report names per rule

Check = Literal["at_least", "at_most", "in_set", "present"]
RowCondition = tuple[str, Literal[">", "=="], float]


@dataclass(frozen=True)
class Rule:
    """One rule: one Great Expectations Expectation on one column of one table.

    Args:
        name: key of the rule in `quality.<dataset>` of params.yaml.
        action: `stop`, `quarantine` or `warn`.
        statement: what holds for every row that passes.
        check: `at_least` or `at_most` `bound`, `in_set` `bound`, or `present` (not null).
        column: column of the table. Rows where it is null are not checked, except by `present`.
        bound: number, or list of strings for `in_set`.
        row_condition: (column, operator, number); only rows that meet it are checked.
        row_noun: what a row is called in messages, plural.
        summary: names the failing rows in messages; "": the first of them are listed.
        fix: what the user can do about failing rows, besides another action.
        leaves_gap: whether a row that is quarantined leaves a day without a value.
        is_configurable: whether another action in params.yaml changes that of the rule.
    """

    name: str
    action: str
    statement: str
    check: Check
    column: str
    bound: Any = None
    row_condition: RowCondition | None = None
    row_noun: str = "drawings"
    summary: str = ""
    fix: str = ""
    leaves_gap: bool = False
    is_configurable: bool = True


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule's Expectation.

    Args:
        rule: the rule.
        type: type of the Expectation.
        success: whether every checked row passed.
        observed: observed value of the Expectation; None if no row was checked.
        percent: failing rows in percent of the checked rows.
        count: number of failing rows.
        examples: names of the first `MAX_EXAMPLES` failing rows.
        positions: int64 [count], ascending positions of the failing rows; None if the table was
            validated in batches.
    """

    rule: Rule
    type: str
    success: bool
    observed: Any
    percent: float
    count: int
    examples: list[str]
    positions: NDArray[np.int64] | None = None

    def to_json(self) -> dict[str, Any]:
        """The rule's entry in `report.json`."""
        return {
            "rule": self.rule.name,
            "statement": self.rule.statement,
            "type": self.type,
            "action": self.rule.action,
            "success": self.success,
            "observed_value": self.observed,
            "unexpected_count": self.count,
            "unexpected_percent": self.percent,
            "examples": self.examples,
        }


@dataclass(frozen=True)
class ValidationOutcome:
    """Outcome of validating a dataset.

    Args:
        line: one-line summary.
        warnings: one line per failed rule whose action is `warn`.
        report: contents of `report.json`.
    """

    line: str
    warnings: list[str]
    report: dict[str, Any]


def failed(results: Sequence[RuleResult], *actions: str) -> list[RuleResult]:
    """The results of failed rules that have one of `actions`."""
    return [result for result in results if not result.success and result.rule.action in actions]


def rejection_reasons(results: Sequence[RuleResult]) -> dict[int, list[str]]:
    """Position of each rejected row → names of the rules that it fails, in the order of the rules.

    Raises:
        ValueError: if a result has no positions.
    """
    reasons: dict[int, list[str]] = {}
    for result in failed(results, "quarantine", "stop"):
        if result.positions is None:
            raise ValueError(f"{result.rule.name} was validated in batches")
        for position in result.positions.tolist():
            reasons.setdefault(position, []).append(result.rule.name)
    return dict(sorted(reasons.items()))


def check_row_counts(read: int, **counts: int) -> None:
    """Check that every row read is counted in exactly one of `counts`.

    Raises:
        RuntimeError: if `counts` do not add up to `read`, which is a bug.
    """
    if read != sum(counts.values()):
        terms = " + ".join(f"{count} {name}" for name, count in counts.items())
        raise RuntimeError(f"{read} rows read, but {terms} = {sum(counts.values())}")
