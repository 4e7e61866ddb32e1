"""What one Expectation found in the parts of a table, put together as if it had seen the whole.

Counts are added up, shares are taken anew from the sums, and the first rows are kept by name and by
value. The observed value of the whole is the smallest, the largest, the sum or the union of those of
the parts, by the kind of Expectation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strokecast.validation.rules import EXAMPLES, Expect, Rule

SHOWN = 20  # values of a record: Great Expectations' `partial_unexpected_count`
DISTINCT = 65_536  # unexpected values that are counted one by one; further ones are counted together only
_COUNTS = ("element_count", "unexpected_count", "missing_count")
_OBSERVED: Mapping[Expect, Callable[[list[Any]], Any]] = {
    "at_least": min,
    "at_most": max,
    "in_set": lambda found: sorted({value for part in found for value in part}),
    "present": sum,
}


@dataclass
class Found:
    """What the Expectation of a rule found in the parts so far.

    Attributes:
        rule: the rule.
        record: Great Expectations' own record of the first part, then of all parts together.
        values: unexpected value → rows.
        examples: names of the first `EXAMPLES` rows that break the rule.
        rows: those rows as Data Docs show them, by value and name.
        columns: names of what tells a row in Data Docs.
    """

    rule: Rule
    record: dict[str, Any] = field(default_factory=dict)
    values: Counter[Any] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)

    def add(self, record: dict[str, Any], values: Sequence[Any]) -> None:
        """Take in a part.

        Args:
            record: Great Expectations' record of it.
            values: the unexpected values in it, in order.
        """
        for value, count in Counter(map(_scalar, values)).items():
            if value in self.values or len(self.values) < DISTINCT:
                self.values[value] += count
        self.record = self._both(self.record, record) if self.record else record

    def _both(self, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        """The record of two adjacent parts; `one` holds all parts up to here."""
        a, b = one["result"], other["result"]
        result = dict(a)
        for name in _COUNTS:
            if name in a:
                result[name] = a[name] + b[name]
        rows, broken = result["element_count"], result["unexpected_count"]
        missing = result.get("missing_count", 0)
        result["unexpected_percent"] = _percent(broken, rows - missing)
        if "missing_count" in a:
            result["missing_percent"] = _percent(missing, rows)
            result["unexpected_percent_total"] = _percent(broken, rows)
            result["unexpected_percent_nonmissing"] = result["unexpected_percent"]
        result["partial_unexpected_list"] = (a["partial_unexpected_list"] + b["partial_unexpected_list"])[
            :SHOWN
        ]
        common = self.values.most_common(SHOWN)
        result["partial_unexpected_counts"] = [
            {"value": value, "count": count}
            for value, count in sorted(common, key=lambda it: (-it[1], it[0]))
        ]
        observed = [part["observed_value"] for part in (a, b) if part["observed_value"] is not None]
        result["observed_value"] = _OBSERVED[self.rule.expect](observed) if observed else None
        return {**one, "success": one["success"] and other["success"], "result": result}

    def whole(self) -> dict[str, Any]:
        """The record of all parts, with the first `EXAMPLES` rows by value and name."""
        if not self.examples:
            return self.record
        rows = {"unexpected_index_column_names": self.columns, "unexpected_index_list": self.rows}
        return {**self.record, "result": {**self.record["result"], **rows}}

    @property
    def wanted(self) -> int:
        """Rows that are still to be named."""
        return EXAMPLES - len(self.examples)


def _percent(count: int, of: int) -> float | None:
    return count / of * 100 if of else None


def _scalar(value: Any) -> Any:
    """A value as JSON has it: no numpy scalar, and None for NaN."""
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value
