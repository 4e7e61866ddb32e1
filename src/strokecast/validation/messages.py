"""Messages on the terminal: counts of reasons, warnings, and the error that stops the pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from strokecast.common.errors import UserError
from strokecast.validation.rules import RuleResult, failed

_MAX_NAMES = 3  # failing rows that a line names


def count_reasons(reasons: Iterable[Sequence[str]]) -> dict[str, int]:
    """Reason → number of rows rejected for it, given the reasons of each row."""
    return dict(Counter(name for names in reasons for name in names))


def format_counts(counts: Mapping[str, int]) -> str:
    """Reason → rows, largest count first: `3 duplicate, 1 empty`."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def format_failure(result: RuleResult) -> str:
    """A failed rule: its name, the number of failing rows, and the first of them."""
    names = ", ".join(result.examples[:_MAX_NAMES]) + (", ..." if result.count > _MAX_NAMES else "")
    return f"{result.rule.name}: {result.count:,} {result.rule.row_noun} ({names})"


def warning_lines(results: Sequence[RuleResult]) -> list[str]:
    """One line per failed rule whose action is `warn`."""
    return [
        f"{format_failure(result)}; expected: {result.rule.statement}" for result in failed(results, "warn")
    ]


def stop_error(
    results: Sequence[RuleResult], dataset: str, location: str, docs_index: str = ""
) -> UserError | None:
    """The error that stops the pipeline; None if no rule with the action `stop` failed.

    Args:
        results: results of all rules.
        dataset: `sketches` or `series`.
        location: file or folder that was read.
        docs_index: path of the Data Docs; "": there are none.
    """
    failures = failed(results, "stop")
    if not failures:
        return None
    first, others = failures[0], ", ".join(result.rule.name for result in failures[1:])
    advice = [
        first.rule.fix or f"correct them, or change quality.{dataset}.{first.rule.name}",
        f"also failed: {others}" if others else "",
        f"see {docs_index}" if docs_index else "",
    ]
    return UserError(
        format_failure(first),
        location=location,
        allowed=first.rule.statement,
        fix="; ".join(part for part in advice if part),
    )
