"""Writes `reports/forecast/`. Shapes: O origins in time order, H days ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common import figures
from strokecast.evaluation.common.bootstrap import BootstrapSettings, block_length
from strokecast.evaluation.common.champion import folders, read_validation
from strokecast.evaluation.common.ranking import (
    Key,
    RankedModel,
    count_models,
    differences_to_baseline,
    rank_models,
)
from strokecast.evaluation.common.ranking_figure import plot_ranking
from strokecast.evaluation.common.summary import ShownMetrics, write_summary
from strokecast.evaluation.common.tables import format_number, write_csv
from strokecast.evaluation.common.trained_models import (
    TrainedModel,
    TrainedModels,
    display_labels,
    learning_curve_rows,
)
from strokecast.evaluation.forecast import combination_choice, tables, validation_choice
from strokecast.evaluation.forecast.figures import (
    plot_coverage,
    plot_error_by_day,
    plot_fan,
    plot_forecasts,
)
from strokecast.evaluation.forecast.metrics import POINT_METRICS, bootstrap_errors
from strokecast.evaluation.forecast.probabilistic_metrics import COLUMNS, UNCERTAINTY, forecast_metrics
from strokecast.evaluation.forecast.published import published_facts
from strokecast.evaluation.forecast.results import Backtest, Forecasts, Mask
from strokecast.evaluation.forecast.subsets import regime_masks, subset_masks
from strokecast.inference.conformal import LEVELS
from strokecast.params import ForecastEvaluation

CURVES = {"train_loss": "Training loss", "valid_loss": "Validation loss"}
COMPARED = ("mae", "mase", "crps", "coverage_80")
_REGIME_METRICS = ("mae", "mase", "crps", "coverage_80", "width_80")
_MODELS_IN_FIGURE = 3  # of actual values and forecasts
_BAND = LEVELS.index(0.8)  # interval that figures show


def write_report(
    report_dir: Path,
    trained_models: TrainedModels,
    test: Backtest,
    forecasts: Mapping[Key, Forecasts],
    settings: ForecastEvaluation,
    combination_facts: Mapping[str, Any] | None = None,
) -> str:
    """Write all files of the task.

    Args:
        report_dir: an empty folder.
        trained_models: of forecast, with the combinations.
        test: the test days and origins, the same for every model.
        forecasts: (name, seed) → forecasts in the unit of the series.
        settings: `evaluation.forecast` of `params.yaml`.
        combination_facts: of the combinations, for `summary.json`; None: there are none.

    Returns:
        A summary in one line.

    Raises:
        UserError: if a regime contains no origin.
    """
    regimes = regime_masks(test.first_days, settings.regimes)
    masks = subset_masks(test, regimes)
    model_metrics = {
        model.key: _write_model(report_dir, model, test, forecasts[model.key], masks)
        for model in trained_models.finished
    }
    errors = {key: bootstrap_errors(test, values.point) for key, values in forecasts.items()}
    mean_errors = {
        name: np.mean([errors[model.key] for model in trained_models.by_name(name)], axis=0)
        for name in trained_models.names
    }
    block = block_length(test.origins_in(settings.block_days), len(np.unique(test.first_days)))
    bootstrap = BootstrapSettings(settings.resamples, settings.level, settings.seed, block)
    ranked, pairs = rank_models(
        trained_models, model_metrics, mean_errors, "mae", False, bootstrap, settings.baseline
    )
    differences = differences_to_baseline(
        trained_models, errors, mean_errors, "mae", settings.baseline, bootstrap
    )
    for key, difference in differences.items():
        model_metrics[key] |= difference
    outcome = _outcome(test, ranked)
    facts = {
        "task": "forecast",
        "source": test.source,
        "series": test.name,
        "unit": test.unit,
        "test": len(test.first_days) // max(1, len(test.series)),
        "possible_origins": test.possible_origins,
        "step_size": test.actual.shape[1] if settings.step_size == "horizon" else settings.step_size,
        "horizon": test.actual.shape[1],
        "mase": {"season": settings.mase_season, "scale": settings.mase_scale},
        "quantile_levels": list(settings.quantile_levels),
        "first": str(test.first_days.min()),
        "last": str(test.first_days.max()),
        "regimes": [{**r.model_dump(), "origins": int(regimes[r.name].sum())} for r in settings.regimes],
        "block_origins": block,
        "baseline": settings.baseline,
        "unattainable_intervals": _unattainable(trained_models, forecasts),
        "intervals": settings.intervals,
        "levels": _levels(trained_models),
        "outcome": outcome,
        "validation_choice": validation_choice.facts(),
        **(combination_facts or {}),
    }
    published = published_facts(test, settings)
    if published is not None:
        facts["published"] = published
    if test.series:
        facts["series_ids"] = list(test.series)
    kept = [
        *COLUMNS,
        *(f"{key}_regime_{name}" for name in regimes for key in ("mae", "coverage_80")),
        *(f"mae_target_{name}" for name in test.extra_targets),
    ]
    on_board = [
        *POINT_METRICS,
        *UNCERTAINTY,
        *(f"mae_day_{day}" for day in (1, test.actual.shape[1])),
        *(f"mae_target_{name}" for name in test.extra_targets),
    ]
    validation = read_validation(trained_models, "valid_mae", higher_is_better=False)
    rules = {name: one["rule"] for name, one in facts.get("combinations", {}).items()}
    chosen = combination_choice.preferred(folders(trained_models), validation.scores, rules, settings)
    validation = replace(validation, combination=chosen)
    write_summary(
        report_dir,
        trained_models,
        ranked,
        pairs,
        model_metrics,
        "mae",
        ShownMetrics(on_board, COMPARED, kept),
        settings.level,
        facts,
        validation,
    )
    tables.write_predictions(report_dir / "predictions.parquet", trained_models, test, forecasts)
    if test.series:
        tables.write_series_metrics(report_dir / "series.csv", trained_models, test, forecasts)
    shown = test.first_series
    first_seed = {model.name: forecasts[model.trained[0].key].select(test.first_rows) for model in ranked}
    curves = learning_curve_rows(trained_models, tuple(CURVES))
    tables.write_plot_data(report_dir / "plots", ranked, shown, first_seed, curves, tuple(CURVES), _BAND)
    _write_figures(report_dir / "figures", trained_models, ranked, shown, first_seed, curves, settings.level)
    return outcome


def _outcome(test: Backtest, ranked: Sequence[RankedModel]) -> str:
    best = ranked[0].metrics
    unit = f" {test.unit}" if test.unit else ""
    mase = f", MASE {best['mase']:.2f}" if np.isfinite(best["mase"]) else ""
    origins, horizon = test.first_series.actual.shape
    series = f" of {len(test.series)} series each" if test.series else ""
    return (
        f"best {ranked[0].name} MAE {format_number(best['mae'])}{unit}{mase}, "
        f"{100 * best['coverage_80']:.0f} % in its 80 % interval, {origins:,} origins{series} x {horizon} days, "
        f"{count_models(ranked)}"
    )


def _unattainable(
    trained_models: TrainedModels, forecasts: Mapping[Key, Forecasts]
) -> dict[str, dict[str, Any]]:
    """The models with too few calibration origins for some of their intervals, by their first seed."""
    models = {}
    for name in trained_models.names:
        first = forecasts[trained_models.by_name(name)[0].key]
        if first.unattainable_levels:
            models[name] = {
                "origins": first.calibration_origins,
                "levels": list(first.unattainable_levels),
            }
    return models


def _levels(trained_models: TrainedModels) -> dict[str, dict[str, Any]]:
    """Training → its `residual` and online `correction`; trainings with neither are missing."""
    labels = display_labels(trained_models)
    levels: dict[str, dict[str, Any]] = {}
    for name in trained_models.names:
        for label, model in zip(labels[name], trained_models.by_name(name), strict=True):
            facts = {key: model.run[key] for key in ("residual", "correction") if key in model.run}
            if facts.get("correction") or facts.get("residual", "none") != "none":
                levels[label] = facts
    return levels


def _write_model(
    report_dir: Path,
    model: TrainedModel,
    test: Backtest,
    forecasts: Forecasts,
    masks: Mapping[str, Mapping[str, Mask]],
) -> dict[str, float]:
    """Write the tables and figures of one trained model; returns its metrics."""
    model_dir = report_dir / "models" / model.name / f"seed-{model.seed}"
    metrics: dict[str, float] = {}
    for dimension, subsets in masks.items():
        by_subset = {name: forecast_metrics(test, forecasts, mask) for name, mask in subsets.items()}
        rows = [
            {dimension: name, "forecasts": int(subsets[name].sum()), **row} for name, row in by_subset.items()
        ]
        write_csv(model_dir / f"by_{dimension}.csv", (dimension, "forecasts", *COLUMNS), rows)
        if dimension == "regime":
            metrics |= by_subset.pop("all")
        kept = _REGIME_METRICS if dimension == "regime" else ("mae",)
        for name, row in by_subset.items():
            metrics |= {f"{key}_{dimension}_{name}": row[key] for key in kept}
    for name, actual in test.extra_targets.items():
        if name in forecasts.extra_targets:
            metrics[f"mae_target_{name}"] = float(np.abs(forecasts.extra_targets[name] - actual).mean())
    tables.write_model_forecasts(model_dir / "forecast.csv", test, forecasts)
    title = f"{model.name}: MAE {format_number(metrics['mae'])} {test.short_unit}".rstrip()
    styles = figures.line_styles({model.name: [model.name]})
    shown = {model.name: forecasts.select(test.first_rows)}
    figure = plot_forecasts(test.first_series, shown, styles, title, _BAND)
    figures.save(figure, model_dir / "forecast.png")
    return metrics


def _write_figures(
    figures_dir: Path,
    trained_models: TrainedModels,
    ranked: Sequence[RankedModel],
    test: Backtest,
    first_seed: Mapping[str, Forecasts],
    curves: Sequence[Mapping[str, Any]],
    level: float,
) -> None:
    """Write `figures/*.svg`, static pictures for slides and papers.

    `first_seed` has the forecasts of each model's first seed.
    """
    styles = figures.line_styles(display_labels(trained_models))
    learning_curves = figures.learning_curves(curves, CURVES, styles)
    if learning_curves is not None:
        figures.save(learning_curves, figures_dir / "curves.svg")
    title = f"Test MAE{f' in {test.short_unit}' if test.unit else ''} with {100 * level:g} % intervals"
    figures.save(plot_ranking(tables.ranking(ranked), "mae", title), figures_dir / "models.svg")
    days = tables.error_by_day(ranked, test)
    figures.save(plot_error_by_day(days, styles, test.short_unit), figures_dir / "by_day.svg")
    figures.save(plot_coverage(tables.interval_coverage(ranked), styles), figures_dir / "coverage.svg")
    best = ranked[0].name
    fan = plot_fan(test, first_seed[best], styles[best], best, _BAND)
    figures.save(fan, figures_dir / "fan.svg")
    shown = {model.name: first_seed[model.name] for model in ranked[:_MODELS_IN_FIGURE]}
    title = "Actual values and forecasts"
    if len(ranked) > len(shown):
        title += f" of the best {len(shown)}"
    figures.save(plot_forecasts(test, shown, styles, title), figures_dir / "forecast.svg")
