"""Ranks the models of a task and compares them in pairs: with the best one and with the baseline.

Shapes: N test examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common import tables
from strokecast.evaluation.common.bootstrap import (
    BootstrapSettings,
    PairedDifference,
    bootstrap_means,
    bootstrap_means_of_each,
    difference_between,
    paired_differences,
    percentile_interval,
)
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels

Floats = NDArray[np.float64]
Key = tuple[str, int]
"""Name and seed of a trained model."""

COSTS = ("parameters", "train_seconds", "examples_per_second")


@dataclass(frozen=True)
class RankedModel:
    """One model of a task with its metrics over all seeds.

    Attributes:
        name: of the model.
        trained: its trained models, one per seed.
        metrics: mean over seeds and, with several seeds, `<metric>_spread`.
        low, high: interval of the metric that ranks.
        to_best: this model minus the best one; None for the best one.
        to_baseline: this model minus the baseline; None without a baseline.
    """

    name: str
    trained: Sequence[TrainedModel]
    metrics: Mapping[str, float]
    low: float
    high: float
    to_best: PairedDifference | None
    to_baseline: PairedDifference | None = None

    def summary(self, headline: str) -> dict[str, Any]:
        """Entry of `summary.json`, from which the leaderboard is made; the interval is that of `headline`."""
        to_best = None
        if self.to_best is not None:
            to_best = tables.round_finite(
                {"difference": self.to_best.difference, "low": self.to_best.low, "high": self.to_best.high}
            )
            to_best["differs"] = self.to_best.excludes_zero
        interval = {f"{headline}_low": self.low, f"{headline}_high": self.high}
        return {
            "model": self.name,
            "seeds": [model.seed for model in self.trained],
            "training_ids": [model.id for model in self.trained if model.id],
            **dict.fromkeys((headline, *interval)),  # null if undefined
            **tables.round_finite({**self.metrics, **interval}),
            **difference_metrics(headline, self.to_baseline),
            **mean_costs(self.trained),
            "to_best": to_best,
        }


def difference_metrics(headline: str, pair: PairedDifference | None) -> dict[str, float]:
    """`<headline>_minus_<baseline>` with the ends of its interval, `_low` and `_high`; empty without a pair."""
    if pair is None:
        return {}
    key = f"{headline}_minus_{pair.b}"
    return tables.round_finite({key: pair.difference, f"{key}_low": pair.low, f"{key}_high": pair.high})


def differences_to_baseline(
    trained_models: TrainedModels,
    values: Mapping[Key, Floats],
    mean_values: Mapping[str, Floats],
    headline: str,
    baseline: str | None,
    settings: BootstrapSettings,
) -> dict[Key, dict[str, float]]:
    """Per trained model `headline` minus that of the baseline, paired by example, with its interval.

    Args:
        trained_models: of the task.
        values: (name, seed) → float64 [N] whose mean is `headline`.
        mean_values: name → the same averaged over seeds; all are compared with that of the baseline.
        headline: name of the metric.
        baseline: name of a model. The result is empty if it is None or not among the trained models.
        settings: of the bootstrap.
    """
    if baseline is None or baseline not in mean_values:
        return {}
    compared = [model for model in trained_models.finished if model.name != baseline]
    stacked = [np.stack([values[model.key], mean_values[baseline]]) for model in compared]
    means = bootstrap_means_of_each(stacked, settings.resamples, settings.seed, settings.block)
    differences = {}
    for model, pair_values, pair_means in zip(compared, stacked, means, strict=True):
        (pair,) = paired_differences([model.name, baseline], pair_values, pair_means, settings.level)
        differences[model.key] = difference_metrics(headline, pair)
    return differences


def count_models(ranked: Sequence[RankedModel]) -> str:
    """The number of models with its noun, e.g. `1 model` or `3 models`."""
    return f"{len(ranked)} {'model' if len(ranked) == 1 else 'models'}"


def mean_costs(trained: Sequence[TrainedModel]) -> dict[str, float]:
    """Parameters, training seconds and examples per second, averaged over seeds.

    A cost that no `run.json` has is left out.
    """
    costs: dict[str, float] = {}
    for key in COSTS:
        values = [model.run[key] for model in trained if model.run.get(key) is not None]
        if values:
            mean = sum(values) / len(values)
            costs[key] = int(mean) if key == "parameters" else tables.round_significant(mean)
    return costs


def rank_models(
    trained_models: TrainedModels,
    metrics: Mapping[Key, Mapping[str, float]],
    values: Mapping[str, Floats],
    headline: str,
    higher_is_better: bool,
    settings: BootstrapSettings,
    baseline: str | None = None,
) -> tuple[list[RankedModel], list[PairedDifference]]:
    """Rank the models of a task by the unrounded headline metric, best first.

    Ties keep the order of `params.yaml`.

    Args:
        trained_models: of the task.
        metrics: (name, seed) → metrics of that trained model.
        values: name → float64 [N] whose mean is `headline`, averaged over seeds. The intervals
            therefore describe the variation between test sets and not between seeds.
        headline: name of the metric that ranks.
        higher_is_better: direction of the metric.
        settings: of the bootstrap.
        baseline: name of a model that all others are compared with; ignored if it is not among the
            trained models.

    Returns:
        The ranked models, and the differences between all pairs of models.
    """
    names = trained_models.names
    stacked = np.stack([values[name] for name in names])
    means = bootstrap_means(stacked, settings.resamples, settings.seed, settings.block)
    low, high = percentile_interval(means, settings.level)
    pairs = paired_differences(names, stacked, means, settings.level)
    merged = {
        name: tables.mean_and_spread([metrics[model.key] for model in trained_models.by_name(name)])
        for name in names
    }
    sign = -1.0 if higher_is_better else 1.0
    order = sorted(names, key=lambda name: sign * float(merged[name][headline]))
    has_baseline = baseline in names
    ranked = [
        RankedModel(
            name,
            trained_models.by_name(name),
            merged[name],
            float(low[names.index(name)]),
            float(high[names.index(name)]),
            None if name == order[0] else difference_between(pairs, name, order[0]),
            difference_between(pairs, name, str(baseline)) if has_baseline and name != baseline else None,
        )
        for name in order
    ]
    return ranked, pairs
