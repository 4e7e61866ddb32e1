"""Names the champion of a task: the model that validation scores choose, before test data is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.evaluation.common import tables
from strokecast.evaluation.common.ranking import RankedModel
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.inference import selection


@dataclass(frozen=True)
class Validation:
    """The validation scores of the models of a task.

    Attributes:
        metric: name of the score, such as `valid_accuracy`.
        scores: model → score; a model without one is missing.
        higher_is_better: direction of the score.
        combination: the combination that is chosen although another model has a better score; None: the best score is chosen.
    """

    metric: str
    scores: Mapping[str, float]
    higher_is_better: bool
    combination: str | None = None

    def of(self, name: str) -> dict[str, float | None]:
        """The score of a model under the name of the metric; None if it has none."""
        score = self.scores.get(name)
        return {self.metric: None if score is None else tables.round_significant(score)}


def read_validation(trained_models: TrainedModels, metric: str, higher_is_better: bool) -> Validation:
    """The scores that the trainings have stored (`inference/selection.py`)."""
    return Validation(metric, selection.validation_scores(folders(trained_models)), higher_is_better)


def folders(trained_models: TrainedModels) -> dict[str, list[Path]]:
    """Model → the folders of its trainings."""
    return {name: [model.folder for model in trained_models.by_name(name)] for name in trained_models.names}


def champion_facts(
    validation: Validation, ranked: Sequence[RankedModel], headline: str
) -> dict[str, Any] | None:
    """What validation chose, what that model reached on test, and what the best in hindsight reached.

    Args:
        validation: scores of the models.
        ranked: by `headline`, best first.
        headline: the test metric that ranks.

    Returns:
        `model`, `metric` and `value` of the choice; `rank` and `test` of it; `best` and `best_test`, the first of the
        ranking; `leader` and `leader_value`, the model with the best score, if a combination is chosen instead. None if no
        model has a validation score.
    """
    best = selection.best_model(
        {model.name: validation.scores[model.name] for model in ranked if model.name in validation.scores},
        validation.higher_is_better,
    )
    if best is None:
        return None
    name, leader = best, {}
    if validation.combination is not None:
        name = validation.combination
        leader = {"leader": best, "leader_value": tables.round_significant(validation.scores[best])}
    rank, model = next((at, one) for at, one in enumerate(ranked, start=1) if one.name == name)
    tests = tables.round_finite(
        {
            key: one.metrics[headline]
            for key, one in (("test", model), ("best_test", ranked[0]))
            if headline in one.metrics
        }
    )
    return {
        "model": name,
        "metric": validation.metric,
        "value": tables.round_significant(validation.scores[name]),
        "rank": rank,
        "best": ranked[0].name,
        **tests,
        **leader,
    }
