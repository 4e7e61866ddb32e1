"""Messages on the terminal: counts of reasons, warnings, and the error that stops the pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality, SketchQuality, Strict
from strokecast.params.base import AUTO
from strokecast.validation.rules import Rule, RuleResult, failed

_MAX_NAMES = 3  # failing rows that a line names
_QUALITY: Mapping[str, type[Strict]] = {"sketches": SketchQuality, "series": SeriesQuality}


def count_reasons(reasons: Iterable[Sequence[str]]) -> dict[str, int]:
    """Reason → number of rows rejected for it, given the reasons of each row."""
    return dict(Counter(name for names in reasons for name in names))


def format_counts(counts: Mapping[str, int]) -> str:
    """Reason → rows, largest count first: `3 duplicate, 1 empty`."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def format_failure(result: RuleResult) -> str:
    """A failed rule: its name, the number of failing rows, and the first of them or their summary."""
    names = ", ".join(result.examples[:_MAX_NAMES]) + (", ..." if result.count > _MAX_NAMES else "")
    names = result.rule.summary or names
    return f"{result.rule.name}: {result.count:,} {result.rule.row_noun} ({names})"


def warning_lines(results: Sequence[RuleResult], dataset: str = "") -> list[str]:
    """One line per failed rule whose action is `warn`.

    Args:
        results: results of all rules.
        dataset: `sketches` or `series`; "": the actions are not those of params.yaml.
    """
    lines = []
    for result in failed(results, "warn"):
        rule = result.rule
        actions = legal_actions(rule, dataset)
        clauses = [
            format_failure(result),
            f"expected: {rule.statement}",
            rule.fix,
            f"quality.{dataset}.{rule.name} is warn, choose one of {', '.join(actions)}" if actions else "",
        ]
        lines.append("; ".join(clause for clause in clauses if clause))
    return lines


def legal_actions(rule: Rule, dataset: str) -> tuple[str, ...]:
    """The actions that `quality.<dataset>.<rule>` can have; empty if it has no choice."""
    field = _QUALITY[dataset].model_fields.get(rule.name) if dataset else None
    if field is None or not rule.is_configurable:
        return ()
    actions = tuple(action for action in get_args(field.annotation) if action != AUTO)
    return actions if len(actions) > 1 else ()


def stop_error(
    results: Sequence[RuleResult], dataset: str, location: str, docs_index: str = ""
) -> UserError | None:
    """The error that stops the pipeline; None if no rule with the action `stop` failed.

    Args:
        results: results of all rules.
        dataset: `sketches` or `series`; "": the actions are not those of params.yaml.
        location: file or folder that was read.
        docs_index: path of the Data Docs; "": there are none.
    """
    failures = failed(results, "stop")
    if not failures:
        return None
    first, others = failures[0], ", ".join(result.rule.name for result in failures[1:])
    alternatives = " or ".join(action for action in legal_actions(first.rule, dataset) if action != "stop")
    key = f", or set quality.{dataset}.{first.rule.name} to {alternatives}" if alternatives else ""
    if "quarantine" in alternatives and first.rule.leaves_gap:
        key += " (quarantine leaves a gap, see quality.series.max_gap)"
    advice = [
        (first.rule.fix or "correct them") + key,
        f"also failed: {others}" if others else "",
        f"see {docs_index}" if docs_index else "",
    ]
    return UserError(
        format_failure(first),
        location=location,
        allowed=first.rule.statement,
        fix="; ".join(part for part in advice if part),
    )
