"""`searches/<study>.json`: what a search tried and found. The report page and git keep it; the database is not needed for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from strokecast.common import files, paths
from strokecast.tuning import space
from strokecast.tuning.objective import Metric
from strokecast.tuning.sampler import FAILURE, counts
from strokecast.tuning.search import Search

_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def path(study: str) -> Path:
    """File of a study."""
    return paths.SEARCHES / f"{study}.json"


def write(search: Search, task: str, model: str, metric: Metric, dimensions: space.Space) -> None:
    """Write the file of a search that has a complete trial.

    Args:
        search: the search.
        task: of the model.
        model: its name.
        metric: of the trials' scores.
        dimensions: the search space.
    """
    study = search.study
    contents = {
        "study": study.study_name,
        "task": task,
        "model": model,
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        "space": space.to_json(dimensions),
        "setup": {key: value for key, value in study.user_attrs["setup"].items() if key != "space"},
        "best": study.best_trial.number,
        "default": default_trial(search),
        "importances": importances(study),
        "trials": [
            _trial(trial, search.values(trial))
            for trial in study.get_trials(deepcopy=False)
            if counts(trial) and trial.state in _STATES
        ],
    }
    target = path(study.study_name)
    target.parent.mkdir(exist_ok=True)
    files.write_json(target, contents)


def default_trial(search: Search) -> int | None:
    """The number of the complete trial with the settings of params.yaml; None: there is none."""
    for trial in search.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if search.values(trial) == search.first:
            return trial.number
    return None


def importances(study: Study) -> dict[str, float]:
    """The share of the score's variance that each key explains (functional ANOVA), the largest first; {}: not known.

    Source: Hutter, Hoos and Leyton-Brown, 2014, https://proceedings.mlr.press/v32/hutter14.html
    """
    try:
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        shares: Mapping[str, float] = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):  # fewer than two complete trials, or equal scores
        return {}
    return {key: round(share, 4) for key, share in shares.items()}


def _trial(trial: FrozenTrial, values: Mapping[str, Any]) -> dict[str, Any]:
    state, duration = _STATES[trial.state], trial.duration
    score = trial.value
    if state == "pruned" and trial.intermediate_values:
        score = trial.intermediate_values[max(trial.intermediate_values)]
    return {
        "number": trial.number,
        "state": state,
        "score": None if score is None else float(f"{score:.6g}"),
        "seconds": round(duration.total_seconds(), 1) if duration else None,
        "values": dict(values),
        **({"reason": trial.user_attrs[FAILURE]} if FAILURE in trial.user_attrs else {}),
    }
