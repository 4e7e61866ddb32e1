"""The summary at the top of the page: per task which model is best, whether that is significant, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.board.report.headlines import Headline, headline_of, milliseconds
from strokecast.evaluation.common import tables

_MAX_LISTED = 5


@dataclass(frozen=True)
class TaskOverview:
    """The facts of one task in words.

    Attributes:
        task: its name.
        best: the best model on test.
        score: its score with the interval and the name of the metric.
        significance: which models are not significantly worse.
        cost: of the best model.
        champion: which model validation chose.
        cheapest: the cheapest of the models that are not significantly worse; "" if the best one is the cheapest.
    """

    task: str
    best: str
    score: str
    significance: str
    cost: str
    champion: str
    cheapest: str


def task_overview(summary: Summary) -> TaskOverview:
    """The overview of a task that has evaluated models."""
    headline, models = headline_of(summary), summary["models"]
    best = models[0]
    compared = [
        model for model in models[1:] if model["to_best"] is not None
    ]  # None: the metric is undefined
    ties = [model for model in compared if not model["to_best"]["differs"]]
    cheapest = min([best, *ties], key=lambda model: model.get("train_seconds", float("inf")))
    return TaskOverview(
        summary["task"],
        best["model"],
        _score(best, headline, summary["level"]),
        _significance(compared, ties, summary["level"]),
        _cost(best, headline),
        _champion(summary, headline),
        "" if cheapest is best else f"{cheapest['model']}: {_cost(cheapest, headline)}",
    )


def _score(model: Mapping[str, Any], headline: Headline, level: float) -> str:
    if model[headline.key] is None:
        return f"{headline.label} undefined"
    value, low, high = (
        headline.format_value(model[key])
        for key in (headline.key, f"{headline.key}_low", f"{headline.key}_high")
    )
    name = headline.label.replace(" (%)", "")
    return f"{name} {value} ({100 * level:g} % interval {low} to {high})"


def _significance(compared: list[Mapping[str, Any]], ties: list[Mapping[str, Any]], level: float) -> str:
    if not compared:
        return "the only model with this metric"
    criterion = f"paired {100 * level:g} % interval"
    if not ties:
        return f"significantly better than every other model ({criterion})"
    listed = ", ".join(model["model"] for model in ties[:_MAX_LISTED])
    more = f" and {len(ties) - _MAX_LISTED} more" if len(ties) > _MAX_LISTED else ""
    return f"not significantly better than {listed}{more} ({criterion})"


def _cost(model: Mapping[str, Any], headline: Headline) -> str:
    facts = []
    if "train_seconds" in model:
        facts.append(f"{tables.format_number(model['train_seconds'])} s training")
    if "parameters" in model:
        facts.append(f"{model['parameters']:,} parameters")
    time = milliseconds(model)
    if time is not None:
        facts.append(f"{tables.format_number(time)} ms per {headline.example}")
    return ", ".join(facts) or "unknown"


def _champion(summary: Summary, headline: Headline) -> str:
    champion = summary["champion"]
    if champion is None:
        return "none: no model has a validation score"
    if champion.get("test") is None:
        return str(champion["model"])
    return f"{champion['model']} ({headline.format_value(champion['test'])} on test, rank {champion['rank']})"
