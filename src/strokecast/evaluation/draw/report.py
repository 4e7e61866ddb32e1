"""Writes `reports/draw/`. Shapes: N test drawings, K classes, S generated drawings per class."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common import figures
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.bootstrap import BootstrapSettings, PairedDifference
from strokecast.evaluation.common.champion import Validation
from strokecast.evaluation.common.ranking import Key, RankedModel, count_models, rank_models
from strokecast.evaluation.common.ranking_figure import plot_ranking
from strokecast.evaluation.common.summary import ShownMetrics, write_summary
from strokecast.evaluation.common.trained_models import (
    TrainedModel,
    TrainedModels,
    display_labels,
    learning_curve_rows,
)
from strokecast.evaluation.draw.figures import plot_grid
from strokecast.evaluation.draw.metrics import (
    GenerationResult,
    RealDrawings,
    class_metrics,
    is_recognised,
    mean_with_interval,
)
from strokecast.features.records.spec import DrawSpec
from strokecast.params import DrawEvaluation

Floats = NDArray[np.float64]

LIKELIHOOD = ("nll", "reconstruction", "kl", "kl_latent")
COMPARED = ("recognised", "nll")
KEPT = ("recognised", *LIKELIHOOD, *(f"valid_{name}" for name in LIKELIHOOD))
CURVES = {"train_loss": "Training loss", "valid_loss": "Validation loss"}


def write_report(
    report_dir: Path,
    trained_models: TrainedModels,
    test: RealDrawings,
    real_predicted: Sequence[str],
    results: Mapping[Key, GenerationResult],
    spec: DrawSpec,
    judge: str,
    settings: DrawEvaluation,
    attribution: str = "",
) -> str:
    """Write all files of the task.

    Args:
        report_dir: an empty folder.
        trained_models: of draw.
        test: the N test drawings.
        real_predicted: the judge's class per test drawing.
        results: (name, seed) → result of that trained model.
        spec: of draw's data.
        judge: name of the judge.
        settings: `evaluation.draw` of params.yaml.
        attribution: of the real drawings, written below every grid that shows them; "" for none.

    Returns:
        A summary in one line.
    """
    bootstrap = BootstrapSettings(settings.resamples, settings.level, settings.seed)
    classes = spec["classes"]
    real = is_recognised(real_predicted, [classes[label] for label in test.labels])
    real_share, real_low, real_high = mean_with_interval(real, bootstrap)
    expected = [name for name in classes for _ in range(settings.samples)]
    recognised = {
        key: is_recognised(result.predicted, expected)
        for key, result in results.items()
        if result.predicted is not None
    }
    model_metrics = {}
    for model in trained_models.finished:
        result = results[model.key]
        model_metrics[model.key] = _likelihood_metrics(result)
        if model.key in recognised:
            share = {"recognised": float(recognised[model.key].mean())}
            model_metrics[model.key] = share | model_metrics[model.key]
        _write_model(report_dir, model, result, test, real_predicted, classes, settings, attribution)
    ranked, pairs = _rank(trained_models, model_metrics, recognised, bootstrap)
    outcome = _outcome(ranked, real_share, judge)
    facts = {
        "task": "draw",
        "source": spec["source"],
        "test": len(test.strokes),
        "classes": list(classes),
        "samples": settings.samples,
        "temperature": settings.temperature,
        "judge": judge,
        **tables.round_finite({"real_recognised": real_share, "real_low": real_low, "real_high": real_high}),
        "outcome": outcome,
    }
    write_summary(
        report_dir,
        trained_models,
        ranked,
        pairs,
        model_metrics,
        "recognised",
        ShownMetrics(KEPT, COMPARED, KEPT),
        settings.level,
        facts,
        _validation(trained_models, model_metrics),
    )
    _write_plots(report_dir, trained_models, ranked, results, facts)
    return outcome


def _validation(trained_models: TrainedModels, metrics: Mapping[Key, Mapping[str, float]]) -> Validation:
    """The negative log-likelihood of validation drawings chooses: which drawings are recognised is known by test alone."""
    by_model = {
        name: float(np.mean([metrics[model.key]["valid_nll"] for model in trained_models.by_name(name)]))
        for name in trained_models.names
    }
    return Validation("valid_nll", by_model, higher_is_better=False)


def _likelihood_metrics(result: GenerationResult) -> dict[str, float]:
    return {**result.test.metrics(), **result.valid.metrics("valid_")}


def _outcome(ranked: Sequence[RankedModel], real_share: float, judge: str) -> str:
    best = ranked[0]
    if best.metrics.get("recognised") is None:
        score = f"{best.metrics['nll']:.3f} nats per step; every model is unconditional"
    else:
        score = (
            f"{100 * best.metrics['recognised']:.1f} % ({100 * best.low:.1f}-{100 * best.high:.1f}) recognised "
            f"by {judge}, real drawings {100 * real_share:.1f} %"
        )
    return f"best {best.name} {score}, {count_models(ranked)}"


def _model_dir(report_dir: Path, model: TrainedModel) -> Path:
    return report_dir / "models" / model.name / f"seed-{model.seed}"


def _write_model(
    report_dir: Path,
    model: TrainedModel,
    result: GenerationResult,
    test: RealDrawings,
    real_predicted: Sequence[str],
    classes: Sequence[str],
    settings: DrawEvaluation,
    attribution: str,
) -> None:
    """Write the grids and tables of one trained model."""
    model_dir = _model_dir(report_dir, model)
    for name, grid in result.grids.items():
        figure = plot_grid(grid, attribution)
        figures.save(figure, model_dir / f"{name}.svg")
        figures.save(figure, model_dir / f"{name}.png")
    if result.predicted is None:
        return
    bootstrap = BootstrapSettings(settings.resamples, settings.level, settings.seed)
    per_class = class_metrics(result.predicted, real_predicted, test, classes, bootstrap)
    tables.write_csv(model_dir / "per_class.csv", tuple(asdict(per_class[0])), map(asdict, per_class))
    rows = [
        {
            "class": classes[at // settings.samples],
            "number": at % settings.samples,
            "predicted": predicted,
        }
        for at, predicted in enumerate(result.predicted)
    ]
    tables.write_csv(model_dir / "judge_predictions.csv", ("class", "number", "predicted"), rows)


def _rank(
    trained_models: TrainedModels,
    metrics: Mapping[Key, Mapping[str, float]],
    recognised: Mapping[Key, Floats],
    bootstrap: BootstrapSettings,
) -> tuple[list[RankedModel], list[PairedDifference]]:
    """Rank conditional models by `recognised`; unconditional ones follow, lowest `nll` first."""
    conditional = [model for model in trained_models.finished if model.key in recognised]
    ranked: list[RankedModel] = []
    pairs: list[PairedDifference] = []
    if conditional:
        mean_recognised = {
            name: np.mean([recognised[model.key] for model in trained_models.by_name(name)], axis=0)
            for name in dict.fromkeys(model.name for model in conditional)
        }
        ranked, pairs = rank_models(
            replace(trained_models, finished=conditional),
            metrics,
            mean_recognised,
            "recognised",
            True,
            bootstrap,
        )
    conditional_names = {model.name for model in ranked}
    merged = {
        name: tables.mean_and_spread([metrics[model.key] for model in trained_models.by_name(name)])
        for name in trained_models.names
        if name not in conditional_names
    }
    nan = float("nan")
    for name in sorted(merged, key=lambda name: tables.round_significant(merged[name]["nll"])):
        ranked.append(RankedModel(name, trained_models.by_name(name), merged[name], nan, nan, None))
    return ranked, pairs


def _write_plots(
    report_dir: Path,
    trained_models: TrainedModels,
    ranked: Sequence[RankedModel],
    results: Mapping[Key, GenerationResult],
    facts: Mapping[str, Any],
) -> None:
    """Write `plots/*.csv` for `dvc plots` and `figures/*.svg`, static pictures for slides and papers."""
    plots_dir, figures_dir = report_dir / "plots", report_dir / "figures"
    curves = learning_curve_rows(trained_models, tuple(CURVES))
    tables.write_csv(plots_dir / "curves.csv", ("model", "seed", "epoch", *CURVES), curves)
    rows = [
        {"model": model.name, "recognised": model.metrics["recognised"], "low": model.low, "high": model.high}
        for model in ranked
        if "recognised" in model.metrics
    ]
    real = {"recognised": facts["real_recognised"], "low": facts["real_low"], "high": facts["real_high"]}
    rows.append({"model": "real drawings", **real})
    tables.write_csv(plots_dir / "models.csv", ("model", "recognised", "low", "high"), rows)
    figures.save(
        plot_ranking(rows, "recognised", f"Recognised by {facts['judge']}"), figures_dir / "models.svg"
    )
    figure = figures.learning_curves(curves, CURVES, figures.line_styles(display_labels(trained_models)))
    if figure is not None:
        figures.save(figure, figures_dir / "curves.svg")
    for ranked_model in ranked:
        model = ranked_model.trained[0]
        for name in results[model.key].grids:
            source = _model_dir(report_dir, model) / f"{name}.svg"
            shutil.copyfile(source, figures_dir / f"{name}-{model.name}.svg")
