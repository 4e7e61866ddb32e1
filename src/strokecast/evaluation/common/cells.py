"""What the boards of all tasks are made of: figures with their spread, costs, and sentences on what is chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strokecast.evaluation.common import tables

Facts = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """One task's table as text, best model first.

    Attributes:
        title: of the table.
        about: what was measured on what.
        header: column names with units.
        rows: cells.
        notes: sentences below the table.
        facts: the `summary.json` it is made from.
    """

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    facts: Facts


def notes(facts: Facts, tell: Callable[[float], str]) -> list[str]:
    """On seeds, and on which differences are more than chance."""
    models = facts["models"]
    told = []
    if facts.get("failed"):
        told.append(f"Not shown, as the training failed: {', '.join(facts['failed'])}.")
    if all(len(row["seeds"]) == 1 for row in models):
        told.append("One seed: no spread is known.")
    else:
        single = [row["model"] for row in models if len(row["seeds"]) == 1]
        told.append(
            "Mean ± standard deviation over seeds"
            + (f"; one seed only: {', '.join(single)}." if single else ".")
        )
    best = models[0]["model"]
    for row in models[1:]:
        against = row["to_best"]
        if against is None:
            continue  # the figure that ranks is not defined for it
        verdict = "differs from" if against["differs"] else "cannot be told apart from"
        ends = f"{tell(against['low'])} to {tell(against['high'])}"
        told.append(
            f"{row['model']} {verdict} {best}: {tell(against['difference'])} "
            f"(paired {100 * facts['level']:g} % interval {ends})."
        )
    return told


def has_baseline(facts: Facts) -> bool:
    """Whether the model that all others are compared with was judged."""
    return any(row["model"] == facts["baseline"] for row in facts["models"])


def over(row: Row, headline: str, baseline: str, tell: Callable[[float], str]) -> str:
    """`headline` minus the baseline's, with its interval; `-` for the baseline itself."""
    key = f"{headline}_minus_{baseline}"
    if key not in row:
        return "-"
    value, low, high = (tell(row[end]) for end in (key, f"{key}_low", f"{key}_high"))
    return f"{value} ({low} to {high})"


def on_baseline(
    facts: Facts, headline: str, tell: Callable[[float], str], higher_is_better: bool = True
) -> list[str]:
    """Which models are no better than the baseline, as far as the test set tells."""
    baseline = facts["baseline"]
    if baseline is None:
        return []
    if not has_baseline(facts):
        return [f"No comparison with {baseline}, which is not among the models judged."]
    key = f"{headline}_minus_{baseline}"
    others = [row for row in facts["models"] if row["model"] != baseline]
    if higher_is_better:
        short = [row for row in others if row[f"{key}_low"] <= 0]
    else:
        short = [row for row in others if row[f"{key}_high"] >= 0]
    level = f"paired {100 * facts['level']:g} % interval {'above' if higher_is_better else 'below'} 0"
    if short:
        named = ", ".join(f"{row['model']} ({over(row, headline, baseline, tell)})" for row in short)
        return [f"Not better than {baseline} by a {level}: {named}."]
    return [f"Every other model is better than {baseline} by a {level}."] if others else []


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+.1f} points"


def signed(value: float) -> str:
    """A difference in its own unit, with its sign."""
    return tables.figure(value) if value < 0 else f"+{tables.figure(value)}"


def with_spread(row: Row, key: str, form: str, factor: float = 1.0) -> str:
    """A figure times `factor`, and its spread over seeds where there are several; `-` where it is not defined."""
    if row.get(key) is None:
        return "-"
    text = form.format(factor * row[key])
    spread = row.get(f"{key}_spread")
    return text if spread is None else f"{text} ± {form.format(factor * spread)}"


def share(row: Row, key: str) -> str:
    """A share in percent, with its spread."""
    return with_spread(row, key, "{:.1f}", 100.0)


def value(row: Row, key: str) -> str:
    """A figure with as many digits as say something, with its spread."""
    if row.get(key) is None:
        return "-"
    spread = row.get(f"{key}_spread")
    return (
        tables.figure(row[key]) if spread is None else f"{tables.figure(row[key])} ± {tables.figure(spread)}"
    )


def costs(row: Row) -> list[str]:
    """Parameters, training seconds, examples a second, seeds; `-` where there is none (a rule)."""
    cells = [f"{row['parameters']:,}" if "parameters" in row else "-"]
    cells.append(f"{row['train_seconds']:,.1f}" if "train_seconds" in row else "-")
    cells.append(f"{row['examples_per_second']:,.0f}" if "examples_per_second" in row else "-")
    return [*cells, str(len(row["seeds"]))]
