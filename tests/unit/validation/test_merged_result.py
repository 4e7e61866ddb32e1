"""Merged results of an Expectation over batches."""

import pytest

from strokecast.validation import merged_result
from strokecast.validation.merged_result import MergedResult
from strokecast.validation.rules import Rule


def test_only_the_first_distinct_values_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_result, "MAX_DISTINCT", 3)
    merged = MergedResult(Rule("largest", "warn", "s", "at_most", "a", 0))
    for values in ([1, 2, 2], [3, 4, 2], [5]):
        counts = dict.fromkeys(("element_count", "unexpected_count"), len(values))
        gx_result = counts | {"partial_unexpected_list": values, "observed_value": max(values)}
        merged.add({"result": gx_result, "success": False}, values)
    result = merged.to_json()["result"]
    assert (result["unexpected_count"], result["observed_value"]) == (7, 5)
    assert result["partial_unexpected_counts"] == [
        {"value": value, "count": count} for value, count in ((2, 3), (1, 1), (3, 1))
    ]
