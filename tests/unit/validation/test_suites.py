"""Validation of a table in batches gives the same result as validation of the whole table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from strokecast.validation import suites
from strokecast.validation.rules import Rule

RULES = [
    Rule("largest", "warn", "s", "at_most", "a", 4000.0),
    Rule("smallest", "warn", "s", "at_least", "n", 3, ("n", ">", 1.0)),
    Rule("no rows", "warn", "s", "at_least", "n", 3, ("n", ">", 9.0)),
    Rule("set", "warn", "s", "in_set", "t", ["x"]),
    Rule("null", "warn", "s", "present", "a"),
]


def describe_row(rule: Rule, position: int) -> suites.RowDescription:
    return f"{rule.name} {position}", {"id": str(position)}


@pytest.mark.parametrize("batch_size", [13, 25, 1000])
def test_every_kind_of_expectation_is_merged_over_batches(batch_size: int) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "a": rng.choice([1.0, 5000.25, 7000.5, np.nan], 60).astype(np.float32),
            "n": rng.integers(0, 5, 60).astype(np.int32),
            "t": rng.choice(["x", "y", "z"], 60),
        }
    )
    expected_results, expected_suite = suites.validate_table("suite", frame, RULES, describe_row)
    validator = suites.SuiteValidator("suite", RULES, describe_row)
    positions: list[list[int]] = [[] for _ in RULES]
    for start in range(0, 60, batch_size):
        failing = validator.add(frame[start : start + batch_size])
        for of_rule, of_batch in zip(positions, failing, strict=True):
            of_rule += (start + of_batch).tolist()
    results, suite = validator.finish()
    if batch_size < 60:  # Great Expectations counts every NaN as a distinct value
        expected_nulls, nulls = (
            one["results"][-1]["result"].pop("partial_unexpected_counts") for one in (expected_suite, suite)
        )
        assert sum(one["count"] for one in expected_nulls) == nulls[0]["count"] == results[-1].count
    assert suite == expected_suite
    assert [str(one) for one in suite["results"]] == [  # the same order of keys
        str(one) for one in expected_suite["results"]
    ]
    assert [one.to_json() for one in results] == [one.to_json() for one in expected_results]
    assert positions == [one.positions.tolist() for one in expected_results if one.positions is not None]
