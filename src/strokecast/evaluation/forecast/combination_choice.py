"""Whether a combination becomes the champion of forecast instead of the single model with the lowest validation error.

The lowest of many errors is lower than the model deserves (the winner's curse), and a network or boosted trees have stopped training
by these errors, too. Members and weights of a combination are held out from its validation errors (`inference/combination.py`). So the
combination with the lowest error is chosen, unless it is significantly worse than the best single model on validation origins. That
combinations are hard to beat is the most stable finding of forecasting competitions (Makridakis, Spiliotis and Assimakopoulos, 2020, "The
M4 Competition", https://doi.org/10.1016/j.ijforecast.2019.04.014).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common.bootstrap import block_length, bootstrap_means, paired_differences
from strokecast.inference import selection
from strokecast.params import ForecastEvaluation


def preferred(
    folders: Mapping[str, Sequence[Path]],
    scores: Mapping[str, float],
    combinations: Collection[str],
    settings: ForecastEvaluation,
) -> str | None:
    """The combination that is chosen instead of the best single model; None if the best score or a single model is chosen.

    Args:
        folders: model → its folders, one per seed.
        scores: model → validation MAE.
        combinations: the models that are combinations.
        settings: `evaluation.forecast`: resamples, confidence level, seed and days of a block.
    """
    best = selection.best_model(scores, higher_is_better=False)
    combination = selection.best_model(
        {name: score for name, score in scores.items() if name in combinations}, higher_is_better=False
    )
    if best is None or combination is None or best in combinations:
        return None
    errors = selection.validation_errors({name: folders[name] for name in (combination, best)})
    shared = selection.shared_errors(errors[combination], errors[best]) if len(errors) == 2 else None
    if shared is None:
        return None
    values = np.stack([_by_day(one) for one in shared])
    days = np.array(sorted({day for by_day in shared[0].values() for day in by_day}), "datetime64[D]")
    spacing = (days[-1] - days[0]).astype(int) / max(1, len(days) - 1)
    block = block_length(round(settings.block_days / max(1.0, spacing)), len(days))
    means = bootstrap_means(values, settings.resamples, settings.seed, block)
    [difference] = paired_differences((combination, best), values, means, settings.level)
    return None if difference.low > 0 else combination


def _by_day(errors: selection.Errors) -> NDArray[np.float64]:
    """float64 [N], days rising: the mean over the series that have the day."""
    values: dict[str, list[float]] = {}
    for by_day in errors.values():
        for day, error in by_day.items():
            values.setdefault(day, []).append(error)
    return np.array([np.mean(values[day]) for day in sorted(values)])
