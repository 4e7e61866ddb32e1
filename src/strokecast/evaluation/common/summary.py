"""Writes the files that all tasks share: `metrics.json`, `trainings.json`, `pairs.csv`, `summary.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common.files import write_json
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.bootstrap import PairedDifference
from strokecast.evaluation.common.champion import Validation, champion_facts
from strokecast.evaluation.common.ranking import Key, RankedModel, difference_metrics, mean_costs
from strokecast.evaluation.common.trained_models import TrainedModels

_PAIR_COLUMNS = ("a", "b", "metric", "difference", "low", "high", "level", "excludes_zero")


def write_summary(
    report_dir: Path,
    trained_models: TrainedModels,
    ranked: Sequence[RankedModel],
    pairs: Sequence[PairedDifference],
    metrics: Mapping[Key, Mapping[str, float]],
    headline: str,
    kept: Sequence[str],
    level: float,
    facts: Mapping[str, Any],
    validation: Validation,
) -> None:
    """Write the four files.

    Args:
        report_dir: folder of the task's report.
        trained_models: of the task.
        ranked: best first.
        pairs: the differences between all pairs of models.
        metrics: (name, seed) → metrics of that trained model; `trainings.json` gets all of them.
        headline: the metric that `pairs.csv` compares.
        kept: metrics that `metrics.json` gets, with their spreads.
        level: of the intervals.
        facts: on the task and its test set, for `summary.json`.
        validation: the scores that choose the champion.
    """
    by_name = {model.name: model for model in ranked}
    write_json(
        report_dir / "metrics.json",
        {
            name: validation.of(name) | _model_metrics(by_name[name], headline, kept)
            for name in trained_models.names
        },
    )
    trainings = {
        model.id: {
            "model": model.name,
            "seed": model.seed,
            "metrics": {f"test/{k}": v for k, v in tables.round_finite(metrics[model.key]).items()},
        }
        for model in trained_models.finished
        if model.id
    }
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


def _model_metrics(model: RankedModel, headline: str, kept: Sequence[str]) -> dict[str, float]:
    """Entry of `metrics.json` for one model."""
    chosen = {k: model.metrics[k] for key in kept for k in (key, f"{key}_spread") if k in model.metrics}
    return {
        **tables.round_finite(chosen),
        **difference_metrics(headline, model.to_baseline),
        "seeds": len(model.trained),
        **mean_costs(model.trained),
    }
