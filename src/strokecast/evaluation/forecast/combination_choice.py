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

from strokecast.evaluation.common.bootstrap import block_length, bootstrap_means, paired_differences
from strokecast.evaluation.forecast.metrics import means_by_day
from strokecast.evaluation.forecast.results import origins_in
from strokecast.inference import selection
from strokecast.params import ForecastEvaluation


def preferred(
    folders: Mapping[str, Sequence[Path]],
    scores: Mapping[str, float],
    combinations: Collection[str],
    settings: ForecastEvaluation,
) -> str | None:
    """The combination that is chosen although a single model has the lowest validation MAE; None: the lowest MAE is chosen.

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
    series = np.repeat(np.arange(len(shared[0])), [len(by_day) for by_day in shared[0].values()])
    days = np.array([day for by_day in shared[0].values() for day in by_day], "datetime64[D]")
    errors_of = [np.array([error for by_day in one.values() for error in by_day.values()]) for one in shared]
    values = np.stack([means_by_day(one, days, series) for one in errors_of])
    block = block_length(origins_in(days, settings.block_days), values.shape[1])
    means = bootstrap_means(values, settings.resamples, settings.seed, block)
    [difference] = paired_differences((combination, best), values, means, settings.level)
    return None if difference.low > 0 else combination
