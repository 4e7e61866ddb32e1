"""Adds the ensembles of `params.yaml` to the trained classifiers: their probabilities are weighted means of the members' own.

Members and weights are chosen on the validation split (`inference/ensemble.py`). No member reads a test drawing again.

Shapes: N drawings, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common import tables
from strokecast.evaluation.common.combined_run import SEED, combined_run
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels
from strokecast.inference import (
    class_probabilities,
    combination_folder,
    ensemble,
    selection,
    stored_ensemble,
)
from strokecast.params import Ensemble

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WithEnsembles:
    """The models of a task with their ensembles.

    Attributes:
        trained_models: the trained models, then the ensembles.
        weights: ensemble → member → weight above 0.
        facts: for `summary.json`: `combinations` (members and weights) and `left_out` (name → reason).
    """

    trained_models: TrainedModels
    weights: Mapping[str, Mapping[str, float]]
    facts: Mapping[str, Any]

    def combine(self, probabilities: Mapping[Key, Floats]) -> dict[Key, Floats]:
        """Probabilities of the trained models, (name, seed) → float64 [N, K], with those of the ensembles."""
        combined = dict(probabilities)
        for name, weights in self.weights.items():
            by_member = {
                member: [probabilities[model.key] for model in self.trained_models.by_name(member)]
                for member in weights
            }
            combined[name, SEED] = combination_folder.weighted_mean(weights, by_member)
        return combined


def add_ensembles(
    report_dir: Path,
    trained_models: TrainedModels,
    processed: Path,
    spec: Any,
    settings: Mapping[str, Ensemble],
) -> WithEnsembles:
    """Choose, weigh and store each ensemble in `report_dir`/combinations.

    Args:
        report_dir: folder of the report.
        trained_models: of classify or watch.
        processed: `data/processed/<task>`, of which the validation split is read.
        spec: its spec.json.
        settings: name → ensemble, of `params.yaml`.

    Raises:
        UserError: if a member or the validation split cannot be read.
    """
    validation = _Validation(trained_models, processed, spec)
    added: list[TrainedModel] = []
    all_weights: dict[str, dict[str, float]] = {}
    facts: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name, one in settings.items():
        members = trained_models.names if one.members == "all" else list(one.members)
        failed = [member for member in members if member not in trained_models.names]
        if failed:
            left_out[name] = f"the training of {', '.join(failed)} failed"
            continue
        if len(members) < max(2, one.top or 0):
            left_out[name] = f"{len(members)} {'model is' if len(members) == 1 else 'models are'} too few"
            continue
        members = validation.best(members, one.top)
        labels, probabilities = validation.predict(members)
        fitted = ensemble.fit_weights(probabilities, labels, one.weights)
        held_out = ensemble.held_out_probabilities(probabilities, labels, one.weights)
        weights = {m: float(weight) for m, weight in zip(members, fitted, strict=True) if weight >= 1e-4}
        weights = {member: weight / sum(weights.values()) for member, weight in weights.items()}
        folder = report_dir / combination_folder.FOLDER / name
        folder.mkdir(parents=True)
        trainings = {
            member: {model.seed: model.id for model in trained_models.by_name(member)} for member in weights
        }
        accuracy = float((held_out.argmax(axis=1) == labels).mean())
        stored_ensemble.write(folder, weights, trainings, processed / "spec.json", accuracy)
        added.append(TrainedModel(name, SEED, folder, combined_run(weights, trained_models)))
        all_weights[name] = weights
        facts[name] = {
            "rule": one.weights,
            "top": one.top,
            "drawings": len(labels),
            "weights": {
                "": {member: tables.round_significant(weights.get(member, 0.0)) for member in members}
            },
        }
    models = replace(trained_models, finished=[*trained_models.finished, *added])
    return WithEnsembles(
        models, all_weights, {"combinations": facts, "left_out": left_out} if settings else {}
    )


class _Validation:
    """The validation scores and probabilities of the trained models; each model is run once, and only if it is a member."""

    def __init__(self, trained_models: TrainedModels, processed: Path, spec: Any) -> None:
        self._models, self._processed, self._spec = trained_models, processed, spec
        self._labels: NDArray[np.int64] = np.array([], np.int64)
        self._probabilities: dict[str, Floats] = {}

    def best(self, members: list[str], top: int | None) -> list[str]:
        """The `top` members with the highest stored validation accuracy, in the order of `members`; None: all."""
        folders = {name: [model.folder for model in self._models.by_name(name)] for name in members}
        scores = selection.validation_scores(folders)
        chosen = sorted(members, key=lambda name: -scores.get(name, 0.0))[:top]
        return [name for name in members if name in chosen]

    def predict(self, members: list[str]) -> tuple[NDArray[np.int64], Floats]:
        """Labels int64 [N] and the members' probabilities, means over their seeds, float64 [M, N, K]."""
        for name in members:
            if name not in self._probabilities:
                seeds = []
                for model in self._models.by_name(name):
                    _, self._labels, values = class_probabilities.predict_split(
                        model.folder, self._processed, self._spec, "valid"
                    )
                    seeds.append(values)
                self._probabilities[name] = np.mean(seeds, axis=0)
        return self._labels, np.stack([self._probabilities[name] for name in members])
