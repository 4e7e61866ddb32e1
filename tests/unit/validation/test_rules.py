"""Results of rules: which rows they reject, and that row counts add up."""

import numpy as np
import pytest

from strokecast.validation.rules import Rule, RuleResult, check_row_counts, rejection_reasons


def result(name: str, action: str, positions: list[int] | None) -> RuleResult:
    rule = Rule(name, action, "statement", "present", "column")
    array = None if positions is None else np.array(positions, dtype=np.int64)
    return RuleResult(rule, "type", False, None, 0.0, len(positions or []), [], array)


def test_row_counts_that_do_not_add_up_raise_an_error() -> None:
    check_row_counts(5, accepted=3, quarantined=2)
    with pytest.raises(RuntimeError, match="5 rows read, but 3 accepted \\+ 1 quarantined = 4"):
        check_row_counts(5, accepted=3, quarantined=1)


def test_rows_are_rejected_by_stop_and_quarantine_but_not_by_warn() -> None:
    results = [result("a", "quarantine", [4, 7]), result("b", "warn", [1]), result("c", "stop", [2, 4])]
    assert rejection_reasons(results) == {2: ["c"], 4: ["a", "c"], 7: ["a"]}


def test_rejection_reasons_need_positions() -> None:
    with pytest.raises(ValueError, match="a was validated in batches"):
        rejection_reasons([result("a", "stop", None)])
