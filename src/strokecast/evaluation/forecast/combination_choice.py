"""Whether a combination becomes the champion of forecast instead of the model with the lowest validation error.

The lowest of many errors is lower than the model deserves (the winner's curse), and a network or boosted trees have stopped training
by these errors, too. Members and weights of a combination are held out from its validation errors (`inference/combination.py`), and
means with equal or nearly equal weights are the most reliable of all: estimated weights seldom keep what they promise (Stock and Watson,
2004, https://doi.org/10.1002/for.928; Claeskens et al., 2016, https://doi.org/10.1016/j.ijforecast.2015.12.005). So a combination is chosen
unless it is significantly worse than the lowest error: first one whose weights are equal or by inverse error, then one by least squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from strokecast.evaluation.common.bootstrap import block_length, bootstrap_means, paired_differences
from strokecast.evaluation.forecast.metrics import means_by_day
from strokecast.evaluation.forecast.results import origins_in
from strokecast.inference import selection
from strokecast.params import ForecastEvaluation

_GROUPS = (("equal", "inverse_error"), ("nnls",))  # rules of weights in the order of preference


def preferred(
    folders: Mapping[str, Sequence[Path]],
    scores: Mapping[str, float],
    rules: Mapping[str, str],
    settings: ForecastEvaluation,
) -> str | None:
    """The combination that is chosen although another model has the lowest validation MAE; None: the lowest MAE is chosen.

    Args:
        folders: model → its folders, one per seed.
        scores: model → validation MAE.
        rules: combination → the rule of its weights.
        settings: `evaluation.forecast`: resamples, confidence level, seed and days of a block.
    """
    lowest = selection.best_model(scores, higher_is_better=False)
    for group in _GROUPS:
        of_group = {name: score for name, score in scores.items() if rules.get(name) in group}
        name = selection.best_model(of_group, higher_is_better=False)
        if name is None or lowest is None:
            continue
        if name == lowest:
            return None
        if not _is_worse(folders, name, lowest, settings):
            return name
    return None


def _is_worse(
    folders: Mapping[str, Sequence[Path]], name: str, other: str, settings: ForecastEvaluation
) -> bool:
    """Whether a model is significantly worse than another one at the validation origins of both, or shares none with it."""
    errors = selection.validation_errors({one: folders[one] for one in (name, other)})
    shared = selection.shared_errors(errors[name], errors[other]) if len(errors) == 2 else None
    if shared is None:
        return True
    series = np.repeat(np.arange(len(shared[0])), [len(by_day) for by_day in shared[0].values()])
    days = np.array([day for by_day in shared[0].values() for day in by_day], "datetime64[D]")
    errors_of = [np.array([error for by_day in one.values() for error in by_day.values()]) for one in shared]
    values = np.stack([means_by_day(one, days, series) for one in errors_of])
    block = block_length(origins_in(days, settings.block_days), values.shape[1])
    means = bootstrap_means(values, settings.resamples, settings.seed, block)
    [difference] = paired_differences((name, other), values, means, settings.level)
    return difference.low > 0
