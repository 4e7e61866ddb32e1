"""Writes the files that all tasks share: `metrics.json`, `metrics/`, `trainings.json`, `pairs.csv`, `summary.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common import paths
from strokecast.common.files import write_json
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.bootstrap import PairedDifference
from strokecast.evaluation.common.champion import Validation, champion_facts
from strokecast.evaluation.common.ranking import Key, RankedModel, difference_metrics, mean_costs
from strokecast.evaluation.common.trained_models import TrainedModels

METRICS_DIR = "metrics"  # in the report of a task: what `dvc metrics show` compares, a file per model
_COSTS = ("parameters", "train_seconds")
_PAIR_COLUMNS = ("a", "b", "metric", "difference", "low", "high", "level", "excludes_zero")


@dataclass(frozen=True)
class ShownMetrics:
    """Which test metrics of a task are shown where. `metrics.json` in the folder of each training has all of them.

    Attributes:
        board: metrics of the runs on the MLflow board, which are columns there. Differences to the baseline are added.
        compared: in `metrics/<model>.json`, which `dvc metrics show` prints as a line per model.
        kept: in `metrics.json`, with their spreads over seeds.
    """

    board: Sequence[str]
    compared: Sequence[str]
    kept: Sequence[str]


def write_summary(
    report_dir: Path,
    trained_models: TrainedModels,
    ranked: Sequence[RankedModel],
    pairs: Sequence[PairedDifference],
    metrics: Mapping[Key, Mapping[str, float]],
    headline: str,
    shown: ShownMetrics,
    level: float,
    facts: Mapping[str, Any],
    validation: Validation,
) -> None:
    """Write these files.

    Args:
        report_dir: folder of the task's report.
        trained_models: of the task.
        ranked: best first.
        pairs: the differences between all pairs of models.
        metrics: (name, seed) → metrics of that trained model; `trainings.json` gets all of them, those of slices and of other
            intervals apart from those of the board.
        headline: the metric that `pairs.csv` compares.
        shown: which metrics are shown where.
        level: of the intervals.
        facts: on the task and its test set, for `summary.json`.
        validation: the scores that choose the champion.
    """
    by_name = {model.name: model for model in ranked}
    all_metrics: dict[str, dict[str, float | None]] = {
        name: {**validation.of(name), **_model_metrics(by_name[name], headline, shown.kept)}
        for name in trained_models.names
    }
    write_json(report_dir / "metrics.json", all_metrics)
    for name, entry in all_metrics.items():
        difference = tuple(difference_metrics(headline, by_name[name].to_baseline))[:1]
        columns = (*validation.of(name), *shown.compared, *difference, *_COSTS)
        compared = {key: entry[key] for key in columns if entry.get(key) is not None}
        write_json(report_dir / METRICS_DIR / f"{name}.json", compared)
    trainings = {}
    for model in trained_models.finished:
        values = tables.round_finite(metrics[model.key])
        write_json(paths.model_report_dir(report_dir, model.name, model.seed) / "metrics.json", values)
        if model.id:
            trainings[model.id] = {"model": model.name, "seed": model.seed} | _split(values, headline, shown)
    write_json(report_dir / "trainings.json", trainings)
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
        for pair in pairs
    ]
    tables.write_csv(report_dir / "pairs.csv", _PAIR_COLUMNS, rows)
    summary = {
        **facts,
        "headline": headline,
        "level": level,
        "champion": champion_facts(validation, ranked, headline),
        "models": [model.summary(headline) | validation.of(model.name) for model in ranked],
        "not_shown": trained_models.excluded,
        "failed": list(trained_models.failed),
    }
    write_json(report_dir / "summary.json", summary)


def _split(values: Mapping[str, float], headline: str, shown: ShownMetrics) -> dict[str, dict[str, float]]:
    """`metrics`: those of the board; `slices`: the others."""
    on_board = {key for key in values if key in shown.board or key.startswith(f"{headline}_minus_")}
    parts: dict[str, dict[str, float]] = {"metrics": {}, "slices": {}}
    for key, value in values.items():
        parts["metrics" if key in on_board else "slices"][f"test/{key}"] = value
    return parts


def _model_metrics(model: RankedModel, headline: str, kept: Sequence[str]) -> dict[str, float]:
    """Entry of `metrics.json` for one model."""
    chosen = {k: model.metrics[k] for key in kept for k in (key, f"{key}_spread") if k in model.metrics}
    return {
        **tables.round_finite(chosen),
        **difference_metrics(headline, model.to_baseline),
        "seeds": len(model.trained),
        **mean_costs(model.trained),
    }
