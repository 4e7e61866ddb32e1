"""Merge one Expectation's results on the batches of a table into its result on the whole table.

Counts are summed, percentages are recomputed from the sums, and the first failing rows are kept by
name and value. The observed value is the minimum, maximum, sum or union of those of the batches,
depending on the Expectation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strokecast.validation.rules import MAX_EXAMPLES, Check, Rule

MAX_VALUES = 20  # values listed in a result: Great Expectations' `partial_unexpected_count`
MAX_DISTINCT = 65_536  # distinct unexpected values that are counted one by one
_COUNTS = ("element_count", "unexpected_count", "missing_count")
_MERGE_OBSERVED: Mapping[Check, Callable[[list[Any]], Any]] = {
    "at_least": min,
    "at_most": max,
    "in_set": lambda batches: sorted({value for values in batches for value in values}),
    "present": sum,
}


@dataclass
class MergedResult:
    """Result of one rule's Expectation over the batches added so far.

    Attributes:
        rule: the rule.
        gx_result: Great Expectations' own result, merged over the batches.
        value_counts: unexpected value → rows.
        examples: names of the first `MAX_EXAMPLES` failing rows.
        example_rows: the same rows as Data Docs show them, by value and name.
        name_columns: columns that identify a row in Data Docs.
    """

    rule: Rule
    gx_result: dict[str, Any] = field(default_factory=dict)
    value_counts: Counter[Any] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    example_rows: list[dict[str, str]] = field(default_factory=list)
    name_columns: list[str] = field(default_factory=list)

    def add(self, gx_result: dict[str, Any], values: Sequence[Any]) -> None:
        """Merge the next batch.

        Args:
            gx_result: Great Expectations' result on the batch.
            values: the unexpected values of the batch, in order.
        """
        for value, count in Counter(map(_to_json_scalar, values)).items():
            if value in self.value_counts or len(self.value_counts) < MAX_DISTINCT:
                self.value_counts[value] += count
        self.gx_result = self._merge(self.gx_result, gx_result) if self.gx_result else gx_result

    def _merge(self, merged: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
        a, b = merged["result"], batch["result"]
        result = dict(a)
        for name in _COUNTS:
            if name in a:
                result[name] = a[name] + b[name]
        rows, unexpected = result["element_count"], result["unexpected_count"]
        missing = result.get("missing_count", 0)
        result["unexpected_percent"] = _percent(unexpected, rows - missing)
        if "missing_count" in a:
            result["missing_percent"] = _percent(missing, rows)
            result["unexpected_percent_total"] = _percent(unexpected, rows)
            result["unexpected_percent_nonmissing"] = result["unexpected_percent"]
        values = a["partial_unexpected_list"] + b["partial_unexpected_list"]
        result["partial_unexpected_list"] = values[:MAX_VALUES]
        common = self.value_counts.most_common(MAX_VALUES)
        result["partial_unexpected_counts"] = [
            {"value": value, "count": count}
            for value, count in sorted(common, key=lambda item: (-item[1], item[0]))
        ]
        observed = [batch["observed_value"] for batch in (a, b) if batch["observed_value"] is not None]
        result["observed_value"] = _MERGE_OBSERVED[self.rule.check](observed) if observed else None
        return {**merged, "success": merged["success"] and batch["success"], "result": result}

    def to_json(self) -> dict[str, Any]:
        """The merged result, with the first `MAX_EXAMPLES` failing rows by value and name."""
        if not self.examples:
            return self.gx_result
        rows = {
            "unexpected_index_column_names": self.name_columns,
            "unexpected_index_list": self.example_rows,
        }
        return {**self.gx_result, "result": {**self.gx_result["result"], **rows}}

    @property
    def missing_examples(self) -> int:
        """Number of failing rows that can still be added as examples."""
        return MAX_EXAMPLES - len(self.examples)


def _percent(count: int, total: int) -> float | None:
    return count / total * 100 if total else None


def _to_json_scalar(value: Any) -> Any:
    """A Python scalar instead of a numpy scalar, and None instead of NaN."""
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value
