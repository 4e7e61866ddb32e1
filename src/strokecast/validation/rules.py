"""Rules, what became of them, and what follows: stop, set rows aside, or warn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError

EXAMPLES = 20  # rows that a report names for each broken rule
TOLD = 3  # rows that a line on the terminal names

Expect = Literal["at_least", "at_most", "in_set", "present"]


@dataclass(frozen=True)
class Rule:
    """One rule; it becomes one Great Expectations Expectation on one column of one table.

    Args:
        name: the key below `quality.<dataset>` in params.yaml.
        action: `stop`, `quarantine` or `warn`.
        statement: what holds for every row when the rule is kept.
        expect: `at_least` / `at_most` `bound`, `in_set` `bound`, or `present` (not null).
        column: column of the table; where it is null the rule does not apply (but for `present`).
        bound: number, or list of texts for `in_set`.
        where: (column, operator, number): the rule looks only at rows for which that holds.
        noun: what a row is.
        fix: what the user may do when the rule stops the pipeline.
    """

    name: str
    action: str
    statement: str
    expect: Expect
    column: str
    bound: Any = None
    where: tuple[str, Literal[">", "=="], float] | None = None
    noun: str = "drawings"
    fix: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the Expectation of a rule found.

    Args:
        rule: the rule.
        type: type of the Expectation.
        success: whether the rule was kept.
        observed: the Expectation's own observed value (None: there was nothing to look at).
        percent: rows that break the rule, of the rows it applies to.
        count: how many rows break it.
        examples: names of the first `EXAMPLES` of them.
        positions: int64 [count], their ascending positions in the table; None where the table was
            judged part by part.
    """

    rule: Rule
    type: str
    success: bool
    observed: Any
    percent: float
    count: int
    examples: list[str]
    positions: NDArray[np.int64] | None = None

    def record(self) -> dict[str, Any]:
        """The entry in `report.json`."""
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
class Outcome:
    """What `validate` of a dataset ends with.

    Args:
        line: one line on what came out.
        warnings: one line for each broken rule whose action is `warn`.
        report: the contents of `report.json`.
    """

    line: str
    warnings: list[str]
    report: dict[str, Any]


def broken(verdicts: Sequence[Verdict], *actions: str) -> list[Verdict]:
    """The rules that were not kept and have one of `actions`."""
    return [verdict for verdict in verdicts if not verdict.success and verdict.rule.action in actions]


def reasons(verdicts: Sequence[Verdict]) -> dict[int, list[str]]:
    """Position of each row that is not accepted → all rules it breaks, in the order of the rules."""
    found: dict[int, list[str]] = {}
    for verdict in broken(verdicts, "quarantine", "stop"):
        if verdict.positions is None:
            raise ValueError(f"{verdict.rule.name} was judged part by part")
        for position in verdict.positions.tolist():
            found.setdefault(position, []).append(verdict.rule.name)
    return dict(sorted(found.items()))


def tally(found: Mapping[int, Sequence[str]]) -> str:
    """How many rows each reason set aside: `3 duplicate, 1 empty`."""
    counts: dict[str, int] = {}
    for names in found.values():
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return told(counts)


def told(counts: Mapping[str, int]) -> str:
    """Reason → rows, most rows first: `3 duplicate, 1 empty`."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def line(verdict: Verdict) -> str:
    """One broken rule in words: how many rows, which ones, what should hold."""
    names = ", ".join(verdict.examples[:TOLD]) + (", ..." if verdict.count > TOLD else "")
    return f"{verdict.rule.name}: {verdict.count:,} {verdict.rule.noun} ({names})"


def warnings(verdicts: Sequence[Verdict]) -> list[str]:
    """One line for each broken rule whose action is `warn`."""
    return [f"{line(verdict)}; expected: {verdict.rule.statement}" for verdict in broken(verdicts, "warn")]


def error(verdicts: Sequence[Verdict], dataset: str, where: str, look: str) -> UserError | None:
    """The one line that stops the pipeline, or None if no rule with the action `stop` is broken.

    Args:
        verdicts: of all rules.
        dataset: `sketches` or `series`.
        where: the file or folder that was read.
        look: where the user finds all of it.
    """
    stops = broken(verdicts, "stop")
    if not stops:
        return None
    first, others = stops[0], ", ".join(verdict.rule.name for verdict in stops[1:])
    fix = "; ".join(
        part
        for part in (
            first.rule.fix or f"mend them, or change quality.{dataset}.{first.rule.name}",
            f"also broken: {others}" if others else "",
            f"see {look}",
        )
        if part
    )
    return UserError(line(first), where=where, allowed=first.rule.statement, fix=fix)


def balance(read: int, **parts: int) -> None:
    """Check that every row that was read went to exactly one place.

    Raises:
        RuntimeError: if the parts do not add up to `read`: a fault of ours.
    """
    if read != sum(parts.values()):
        listed = " + ".join(f"{count} {name}" for name, count in parts.items())
        raise RuntimeError(f"{read} rows read, but {listed} = {sum(parts.values())}")
