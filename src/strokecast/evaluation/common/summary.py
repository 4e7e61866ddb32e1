"""What both tasks report alike: `metrics.json`, `trainings.json`, `pairs.csv`, `summary.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.files import write_json
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.intervals import Pair, between, bootstrap_means, interval, pairs
from strokecast.evaluation.common.trainings import Roster, Training

Floats = NDArray[np.float64]

COSTS = ("parameters", "train_seconds", "examples_per_second")


@dataclass(frozen=True)
class Standing:
    """One model of a task: its figures over its seeds, its interval, its place against the best."""

    name: str
    trainings: Sequence[Training]
    figures: Mapping[str, float]
    low: float
    high: float
    to_best: Pair | None
    to_baseline: Pair | None = None

    def row(self, headline: str) -> dict[str, Any]:
        """For `summary.json`, from which the leaderboard is made; the interval is that of `headline`."""
        against = None
        if self.to_best is not None:
            against = tables.tidy_all(
                {"difference": self.to_best.difference, "low": self.to_best.low, "high": self.to_best.high}
            )
            against["differs"] = self.to_best.excludes_zero
        return {
            "model": self.name,
            "seeds": [training.seed for training in self.trainings],
            "training_ids": [training.id for training in self.trainings],
            **{headline: None, f"{headline}_low": None, f"{headline}_high": None},  # where it is not defined
            **tables.tidy_all({**self.figures, f"{headline}_low": self.low, f"{headline}_high": self.high}),
            **over(headline, self.to_baseline),
            **costs(self.trainings),
            "to_best": against,
        }


def over(headline: str, pair: Pair | None) -> dict[str, float]:
    """`<headline>_minus_<baseline>` with the ends of its interval, `_low` and `_high`; empty without a pair."""
    if pair is None:
        return {}
    key = f"{headline}_minus_{pair.b}"
    return tables.tidy_all({key: pair.difference, f"{key}_low": pair.low, f"{key}_high": pair.high})


def over_baseline(
    found: Roster,
    values: Mapping[tuple[str, int], Floats],
    merged: Mapping[str, Floats],
    headline: str,
    baseline: str | None,
    resamples: int,
    level: float,
    seed: int,
    block: int = 1,
) -> dict[tuple[str, int], dict[str, float]]:
    """Each training's `headline` minus that of the baseline, paired by example, with its interval.

    Args:
        found: the trainings.
        values: by (name, seed), float64 [N]: what `headline` is the mean of.
        merged: by name, the same averaged over seeds; that of the baseline is compared with.
        headline: the metric.
        baseline: a model; nothing is compared where it is None or not among the trainings.
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.
        block: examples a bootstrap block.
    """
    compared: dict[tuple[str, int], dict[str, float]] = {}
    if baseline is None or baseline not in merged:
        return compared
    for training in found.trainings:
        if training.name == baseline:
            continue
        key = (training.name, training.seed)
        both = np.stack([values[key], merged[baseline]])
        (pair,) = pairs([training.name, baseline], both, bootstrap_means(both, resamples, seed, block), level)
        compared[key] = over(headline, pair)
    return compared


def count_models(ranked: Sequence[Standing]) -> str:
    """e.g. `1 model` or `3 models`."""
    return f"{len(ranked)} {'model' if len(ranked) == 1 else 'models'}"


def costs(trainings: Sequence[Training]) -> dict[str, float]:
    """Parameters, training seconds and examples a second: means over seeds; what a run lacks is left out."""
    found: dict[str, float] = {}
    for key in COSTS:
        values = [t.run[key] for t in trainings if t.run.get(key) is not None]
        if values:
            mean = sum(values) / len(values)
            found[key] = int(mean) if key == "parameters" else tables.tidy(mean)
    return found


def standings(
    found: Roster,
    figures: Mapping[tuple[str, int], Mapping[str, float]],
    values: Mapping[str, Floats],
    headline: str,
    higher_is_better: bool,
    resamples: int,
    level: float,
    seed: int,
    block: int = 1,
    baseline: str | None = None,
) -> tuple[list[Standing], list[Pair]]:
    """Rank the models of a task by the unrounded headline, best first; of equals the one named first in `params.yaml`.

    Args:
        found: the trainings.
        figures: metrics of each training by (name, seed).
        values: by name, float64 [N]: what `headline` is the mean of, averaged over seeds, so
            that the intervals tell what another test set would change and not another seed.
        headline: the metric that ranks.
        higher_is_better: which end is best.
        resamples: of the bootstrap.
        level: of the intervals.
        seed: of the bootstrap.
        block: examples a bootstrap block.
        baseline: a model that all others are compared with, beside the best; passed over where it is not
            among the trainings.
    """
    names = found.names
    stacked = np.stack([values[name] for name in names])
    means = bootstrap_means(stacked, resamples, seed, block)
    low, high = interval(means, level)
    every = pairs(names, stacked, means, level)
    merged = {n: tables.mean_and_spread([figures[t.name, t.seed] for t in found.of(n)]) for n in names}
    sign = -1.0 if higher_is_better else 1.0
    order = sorted(names, key=lambda name: sign * float(merged[name][headline]))
    ranked = [
        Standing(
            name,
            found.of(name),
            merged[name],
            float(low[names.index(name)]),
            float(high[names.index(name)]),
            None if name == order[0] else between(every, name, order[0]),
            None if baseline not in names or name == baseline else between(every, name, str(baseline)),
        )
        for name in order
    ]
    return ranked, every


def write(
    folder: Path,
    found: Roster,
    ranked: Sequence[Standing],
    every: Sequence[Pair],
    figures: Mapping[tuple[str, int], Mapping[str, float]],
    headline: str,
    keep: Sequence[str],
    level: float,
    about: Mapping[str, Any],
) -> None:
    """Write the four files.

    Args:
        folder: of the task's report.
        found: the trainings.
        ranked: best first.
        every: the differences between all pairs.
        figures: metrics of each training by (name, seed); all of them go to `trainings.json`.
        headline: the metric that `pairs.csv` is about.
        keep: metrics that go to `metrics.json`; their spreads go with them.
        level: of the intervals.
        about: facts on the task and its test set for `summary.json`.
    """
    by_name = {standing.name: standing for standing in ranked}
    metrics = {}
    for name in found.names:
        merged = by_name[name].figures
        chosen = {k: merged[k] for key in keep for k in (key, f"{key}_spread") if k in merged}
        metrics[name] = {
            **tables.tidy_all(chosen),
            **over(headline, by_name[name].to_baseline),
            "seeds": len(by_name[name].trainings),
            **costs(by_name[name].trainings),
        }
    write_json(folder / "metrics.json", metrics)
    trainings = {
        t.id: {
            "model": t.name,
            "seed": t.seed,
            "metrics": {f"test/{k}": v for k, v in tables.tidy_all(figures[t.name, t.seed]).items()},
        }
        for t in found.trainings
    }
    write_json(folder / "trainings.json", trainings)
    rows = [
        {
            "a": pair.a,
            "b": pair.b,
            "metric": headline,
            "difference": pair.difference,
            "low": pair.low,
            "high": pair.high,
            "level": level,
            "excludes_zero": str(pair.excludes_zero).lower(),
        }
        for pair in every
    ]
    columns = ("a", "b", "metric", "difference", "low", "high", "level", "excludes_zero")
    tables.write_csv(folder / "pairs.csv", columns, rows)
    board = {
        **about,
        "headline": headline,
        "level": level,
        "models": [standing.row(headline) for standing in ranked],
    }
    write_json(folder / "summary.json", {**board, "not_shown": found.not_shown, "failed": list(found.failed)})
