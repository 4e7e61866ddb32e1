"""Chooses the best model of a task by its errors on the validation split, before any test data is read.

Every training stores its validation score in `validation.json`. Forecasters store one error per origin: a slow statistical
model is evaluated at fewer origins than a network, and models are compared only at origins that all of them share.
Networks and boosted trees also stop training by their validation loss, so their scores are somewhat optimistic
(Cawley and Talbot, 2010, "On over-fitting in model selection"); the leaderboard shows both scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common.files import read_json, write_json
from strokecast.common.paths import VALIDATION_SCORE

Errors = Mapping[str, Mapping[str, float]]
"""Series → first forecast day (YYYY-MM-DD) → mean absolute error over the horizon, in the unit of the series."""


def write_accuracy(folder: Path, accuracy: float) -> None:
    """Write `folder`/validation.json of a classifier: its share of correct validation drawings, 0 to 1."""
    write_json(folder / VALIDATION_SCORE, {"metric": "accuracy", "value": round(float(accuracy), 6)})


def write_errors(folder: Path, errors: Errors) -> None:
    """Write `folder`/validation.json of a forecaster: its errors by series and validation origin."""
    rounded = {
        series: {day: float(f"{error:.6g}") for day, error in by_day.items()}
        for series, by_day in errors.items()
    }
    write_json(
        folder / VALIDATION_SCORE,
        {"metric": "mae", "value": float(f"{_mean(errors):.6g}"), "errors": rounded},
    )


def validation_scores(folders: Mapping[str, Sequence[Path]]) -> dict[str, float]:
    """The validation score of each model: accuracy, or the mean absolute error at the origins that all models share.

    Args:
        folders: model → its folders, one per seed. The score is the mean over seeds.

    Returns:
        Model → score. A model without `validation.json` has none. Forecasters that share no origin with the others
        of the task are compared by the errors at all of their own origins.
    """
    stored = {
        name: [read_json(folder / VALIDATION_SCORE) for folder in seeds]
        for name, seeds in folders.items()
        if seeds and all((folder / VALIDATION_SCORE).is_file() for folder in seeds)
    }
    with_errors = [contents for seeds in stored.values() for contents in seeds if "errors" in contents]
    shared = _shared_origins([contents["errors"] for contents in with_errors])
    return {
        name: float(np.mean([_score(contents, shared) for contents in seeds]))
        for name, seeds in stored.items()
    }


def best_model(scores: Mapping[str, float], higher_is_better: bool) -> str | None:
    """The model with the best finite score, the first of equals; None if there is none."""
    finite = {name: score for name, score in scores.items() if np.isfinite(score)}
    if not finite:
        return None
    return max(finite, key=finite.__getitem__) if higher_is_better else min(finite, key=finite.__getitem__)


def _score(contents: Mapping[str, Any], shared: Mapping[str, frozenset[str]]) -> float:
    if "errors" not in contents or not shared or not all(shared.values()):
        return float(contents["value"])
    return _mean(
        {
            series: {day: error for day, error in by_day.items() if day in shared[series]}
            for series, by_day in contents["errors"].items()
        }
    )


def _shared_origins(errors: Sequence[Errors]) -> dict[str, frozenset[str]]:
    """Series → the origins that all models have; empty if the models forecast different series."""
    if not errors or any(set(one) != set(errors[0]) for one in errors):
        return {}
    return {
        series: frozenset.intersection(*(frozenset(one[series]) for one in errors)) for series in errors[0]
    }


def _mean(errors: Errors) -> float:
    """The mean over series of the mean over origins."""
    return float(np.mean([np.mean(list(by_day.values())) for by_day in errors.values()]))
