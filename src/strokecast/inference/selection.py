"""Chooses the best model of a task by its errors on the validation split, before any test data is read.

Every training stores its validation score in `validation.json`. Forecasters store one error per origin. A slow statistical
model has fewer origins than a network: its error is that of the best model with all origins, times the ratio of their errors at the
origins that both have. Networks and boosted trees also stop training by their validation loss, so their scores are somewhat optimistic
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
    """The validation score of each model: accuracy, or the mean absolute error as if all had the same origins.

    Args:
        folders: model → its folders, one per seed. The score is the mean over seeds.

    Returns:
        Model → score. A model without `validation.json` has none. A forecaster that shares no origin with the best one of those
        with the most origins is scored at its own.
    """
    stored = _stored(folders)
    scores = {name: float(np.mean([one["value"] for one in seeds])) for name, seeds in stored.items()}
    errors = _errors(stored)
    return scores | relative_scores(errors)


def relative_scores(errors: Mapping[str, Errors]) -> dict[str, float]:
    """The mean absolute error of each forecaster as if all had the same origins.

    The error of one with fewer origins is that of the best one of those with the most, times the ratio of their errors at the
    origins that both have, or that at its own origins if they share none.

    Args:
        errors: model → its errors, at least one.
    """
    if not errors:
        return {}
    largest = max(map(_count, errors.values()))
    scores = {name: _mean(own) for name, own in errors.items()}
    reference = min((name for name, own in errors.items() if _count(own) == largest), key=scores.__getitem__)
    best = scores[reference]
    for name, own in errors.items():
        shared = shared_errors(own, errors[reference])
        if shared is not None and (base := _mean(shared[1])) > 0:
            scores[name] = best * _mean(shared[0]) / base
    return scores


def validation_errors(folders: Mapping[str, Sequence[Path]]) -> dict[str, Errors]:
    """The validation errors of each forecaster, the mean over its seeds; models without them are missing.

    Args:
        folders: model → its folders, one per seed.
    """
    return _errors(_stored(folders))


def shared_errors(first: Errors, second: Errors) -> tuple[Errors, Errors] | None:
    """Both at the origins that both have, days rising; None if a series has no such origin or one of them lacks it."""
    if set(first) != set(second):
        return None
    days = {series: sorted(set(first[series]) & set(second[series])) for series in first}
    if not all(days.values()):
        return None
    at_first, at_second = (
        {series: {day: errors[series][day] for day in days[series]} for series in days}
        for errors in (first, second)
    )
    return at_first, at_second


def best_model(scores: Mapping[str, float], higher_is_better: bool) -> str | None:
    """The model with the best finite score, the first of equals; None if there is none."""
    finite = {name: score for name, score in scores.items() if np.isfinite(score)}
    if not finite:
        return None
    return max(finite, key=finite.__getitem__) if higher_is_better else min(finite, key=finite.__getitem__)


def _stored(folders: Mapping[str, Sequence[Path]]) -> dict[str, list[Any]]:
    """Model → the contents of the `validation.json` of its seeds; a model that lacks one is missing."""
    return {
        name: [read_json(folder / VALIDATION_SCORE) for folder in seeds]
        for name, seeds in folders.items()
        if seeds and all((folder / VALIDATION_SCORE).is_file() for folder in seeds)
    }


def _errors(stored: Mapping[str, Sequence[Any]]) -> dict[str, Errors]:
    """Model → the mean of its seeds' errors; a model with a seed that has none is missing."""
    return {
        name: {
            series: {day: float(np.mean([one["errors"][series][day] for one in seeds])) for day in by_day}
            for series, by_day in seeds[0]["errors"].items()
        }
        for name, seeds in stored.items()
        if all("errors" in one for one in seeds)
    }


def _count(errors: Errors) -> int:
    """The number of origins of all series."""
    return sum(map(len, errors.values()))


def _mean(errors: Errors) -> float:
    """The mean over series of the mean over origins."""
    return float(np.mean([np.mean(list(by_day.values())) for by_day in errors.values()]))
