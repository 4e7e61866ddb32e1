"""Writes `reports/classify/` and `reports/watch/`. Shapes: N test sketches, K classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common import figures
from strokecast.evaluation.classify import metrics
from strokecast.evaluation.classify.figures import (
    plot_accuracy_by_length,
    plot_attention,
    plot_confusion,
    plot_reliability,
)
from strokecast.evaluation.classify.sketches import SketchAttention, SketchSplit
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.bootstrap import BootstrapSettings
from strokecast.evaluation.common.champion import read_validation
from strokecast.evaluation.common.ranking import (
    Key,
    RankedModel,
    count_models,
    differences_to_baseline,
    rank_models,
)
from strokecast.evaluation.common.ranking_figure import plot_ranking
from strokecast.evaluation.common.summary import ShownMetrics, write_summary
from strokecast.evaluation.common.trained_models import (
    TrainedModel,
    TrainedModels,
    display_labels,
    learning_curve_rows,
)
from strokecast.params import ClassifyEvaluation

Floats = NDArray[np.float64]

HEADLINE = ("accuracy", "top5", "macro_f1", "log_loss", "ece")
COMPARED = ("accuracy", "macro_f1", "log_loss", "ece")
CONFUSION_CORNER = "true \\ predicted"
CURVES = {
    "train_loss": "Training loss",
    "valid_loss": "Validation loss",
    "train_accuracy": "Training accuracy",
    "valid_accuracy": "Validation accuracy",
}
_PLOTTED_CURVES = ("valid_loss", "valid_accuracy")


def write_report(
    report_dir: Path,
    trained_models: TrainedModels,
    test: SketchSplit,
    probabilities: Mapping[Key, Floats],
    classes: Sequence[str],
    source: str,
    settings: ClassifyEvaluation,
    attention: Mapping[Key, Sequence[SketchAttention]] = MappingProxyType({}),
    task: str = "classify",
    extra_metrics: Mapping[Key, Mapping[str, float]] = MappingProxyType({}),
    attribution: str = "",
    ensemble_facts: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Write all files of a task with classes.

    Args:
        report_dir: an empty folder.
        trained_models: of the task.
        test: the N test sketches.
        probabilities: (name, seed) → float64 [N, K].
        classes: K names.
        source: of the sketches, e.g. `doodles`.
        settings: `evaluation.<task>` of `params.yaml`.
        attention: (name, seed) → sketches with attention weights, for networks that pool by attention.
        task: `classify` or `watch`.
        extra_metrics: (name, seed) → metrics that only this task has.
        attribution: of the sketches, written below every figure that shows them; "" for none.
        ensemble_facts: of the ensembles, for `summary.json`.

    Returns:
        A summary in one line.
    """
    bootstrap = BootstrapSettings(settings.resamples, settings.level, settings.seed)
    model_metrics = {
        model.key: {
            **_write_model(report_dir, model, test, probabilities[model.key], classes, settings),
            **extra_metrics.get(model.key, {}),
        }
        for model in trained_models.finished
    }
    correct = {key: _is_correct(test, values) for key, values in probabilities.items()}
    mean_correct = {
        name: np.mean([correct[model.key] for model in trained_models.by_name(name)], axis=0)
        for name in trained_models.names
    }
    ranked, pairs = rank_models(
        trained_models, model_metrics, mean_correct, "accuracy", True, bootstrap, settings.baseline
    )
    differences = differences_to_baseline(
        trained_models, correct, mean_correct, "accuracy", settings.baseline, bootstrap
    )
    for key, difference in differences.items():
        model_metrics[key] |= difference
    best = ranked[0]
    accuracy, low, high = 100 * best.metrics["accuracy"], 100 * best.low, 100 * best.high
    outcome = (
        f"best {best.name} {accuracy:.1f} % ({low:.1f}-{high:.1f}) of {len(test.ids):,} test sketches, "
        f"{count_models(ranked)}"
    )
    facts = {
        "task": task,
        "source": source,
        "test": len(test.ids),
        "classes": list(classes),
        "baseline": settings.baseline,
        "outcome": outcome,
        **ensemble_facts,
    }
    kept = (*HEADLINE, *(extra_metrics[best.trained[0].key] if extra_metrics else ()))
    write_summary(
        report_dir,
        trained_models,
        ranked,
        pairs,
        model_metrics,
        "accuracy",
        ShownMetrics(kept, COMPARED, kept),
        settings.level,
        facts,
        read_validation(trained_models, "valid_accuracy", higher_is_better=True),
    )
    _write_predictions(report_dir / "predictions.parquet", trained_models, test, probabilities, classes)
    _write_plots(report_dir, trained_models, ranked, test, probabilities, mean_correct, classes, settings)
    _write_attention(report_dir, ranked, test, probabilities, classes, attention, attribution)
    return outcome


def _is_correct(test: SketchSplit, probabilities: Floats) -> Floats:
    return (probabilities.argmax(axis=1) == test.labels).astype(np.float64)


def _model_dir(report_dir: Path, model: TrainedModel) -> Path:
    return report_dir / "models" / model.name / f"seed-{model.seed}"


def _write_model(
    report_dir: Path,
    model: TrainedModel,
    test: SketchSplit,
    probabilities: Floats,
    classes: Sequence[str],
    settings: ClassifyEvaluation,
) -> dict[str, float]:
    """Write the tables and figures of one trained model; returns its metrics."""
    model_dir = _model_dir(report_dir, model)
    headline = metrics.headline_metrics(test.labels, probabilities, settings.calibration_bins)
    groups = metrics.accuracy_by_length(_is_correct(test, probabilities), test.lengths, settings.length_edges)
    by_length = {f"accuracy_length_{group.name.replace('+', '-up')}": group.accuracy for group in groups}
    counts = metrics.confusion_counts(test.labels, probabilities.argmax(axis=1), len(classes))
    bins = metrics.calibration_bins(test.labels, probabilities, settings.calibration_bins)
    confusion = [
        {CONFUSION_CORNER: name, **dict(zip(classes, row, strict=True))}
        for name, row in zip(classes, counts, strict=True)
    ]
    tables.write_csv(model_dir / "confusion.csv", (CONFUSION_CORNER, *classes), confusion)
    per_class = metrics.class_metrics(test.labels, probabilities, classes)
    columns: tuple[str, ...] = ("name", "precision", "recall", "f1", "support")
    tables.write_csv(model_dir / "per_class.csv", columns, map(asdict, per_class))
    columns = ("points", "count", "accuracy")
    tables.write_csv(model_dir / "by_length.csv", columns, map(_length_row, groups))
    columns = ("low", "high", "count", "confidence", "accuracy")
    tables.write_csv(model_dir / "calibration.csv", columns, map(asdict, bins))
    title = f"{model.name}: {100 * headline['accuracy']:.1f} % of {len(test.ids):,} test sketches"
    figures.save(plot_confusion(counts, classes, title), model_dir / "confusion.png")
    reliability = plot_reliability(bins, headline["ece"], f"{model.name}: calibration")
    figures.save(reliability, model_dir / "reliability.png")
    return {**headline, **by_length}


def _length_row(group: metrics.LengthGroup) -> dict[str, Any]:
    return {"points": group.name, "count": group.count, "accuracy": group.accuracy}


def _write_predictions(
    path: Path,
    trained_models: TrainedModels,
    test: SketchSplit,
    probabilities: Mapping[Key, Floats],
    classes: Sequence[str],
) -> None:
    """One row per trained model and sketch: predicted class, confidence, rank of the true class."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    class_names = pa.array(classes, pa.string())
    schema = pa.schema(
        [
            ("model", pa.dictionary(pa.int32(), pa.string())),
            ("seed", pa.int64()),
            ("id", pa.string()),
            ("length", pa.int32()),
            ("label", pa.dictionary(pa.int32(), pa.string())),
            ("predicted", pa.dictionary(pa.int32(), pa.string())),
            ("confidence", pa.float32()),
            ("probability", pa.float32()),
            ("rank", pa.int32()),
        ]
    )
    ids = pa.array(test.ids, pa.string())
    names = trained_models.names
    model_names = pa.array(names, pa.string())
    n = len(test.ids)
    with pq.ParquetWriter(path, schema) as writer:
        for model in trained_models.finished:
            values = probabilities[model.key]
            true = np.take_along_axis(values, test.labels[:, None], axis=1)[:, 0]
            index = np.full(n, names.index(model.name), np.int32)
            columns = [
                pa.DictionaryArray.from_arrays(index, model_names),
                pa.array(np.full(n, model.seed, np.int64)),
                ids,
                pa.array(test.lengths.astype(np.int32)),
                pa.DictionaryArray.from_arrays(test.labels.astype(np.int32), class_names),
                pa.DictionaryArray.from_arrays(values.argmax(axis=1).astype(np.int32), class_names),
                pa.array(values.max(axis=1).round(5).astype(np.float32)),
                pa.array(true.round(5).astype(np.float32)),
                pa.array(metrics.ranks(test.labels, values).astype(np.int32)),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _write_plots(
    report_dir: Path,
    trained_models: TrainedModels,
    ranked: Sequence[RankedModel],
    test: SketchSplit,
    probabilities: Mapping[Key, Floats],
    mean_correct: Mapping[str, Floats],
    classes: Sequence[str],
    settings: ClassifyEvaluation,
) -> None:
    """Write `plots/*.csv` for `dvc plots` and `figures/*.svg`, static pictures for slides and papers."""
    plots_dir, figures_dir = report_dir / "plots", report_dir / "figures"
    curves = learning_curve_rows(trained_models, tuple(CURVES))
    tables.write_csv(plots_dir / "curves.csv", ("model", "seed", "epoch", *CURVES), curves)
    by_length = [
        {"model": model.name, **_length_row(group)}
        for model in ranked
        for group in metrics.accuracy_by_length(mean_correct[model.name], test.lengths, settings.length_edges)
        if group.count
    ]
    tables.write_csv(plots_dir / "by_length.csv", ("model", "points", "count", "accuracy"), by_length)
    ranking = [
        {"model": model.name, "accuracy": model.metrics["accuracy"], "low": model.low, "high": model.high}
        for model in ranked
    ]
    tables.write_csv(plots_dir / "models.csv", ("model", "accuracy", "low", "high"), ranking)
    best = ranked[0].trained[0]
    predicted = probabilities[best.key].argmax(axis=1)
    pairs = [
        {"actual": classes[a], "predicted": classes[p]} for a, p in zip(test.labels, predicted, strict=True)
    ]
    tables.write_csv(plots_dir / "confusion.csv", ("actual", "predicted"), pairs)
    styles = figures.line_styles(display_labels(trained_models))
    figure = figures.learning_curves(curves, {key: CURVES[key] for key in _PLOTTED_CURVES}, styles)
    if figure is not None:
        figures.save(figure, figures_dir / "curves.svg")
    title = f"Test accuracy with {100 * settings.level:g} % intervals"
    figures.save(plot_ranking(ranking, "accuracy", title), figures_dir / "models.svg")
    figures.save(plot_accuracy_by_length(by_length, styles), figures_dir / "by_length.svg")
    counts = metrics.confusion_counts(test.labels, predicted, len(classes))
    figures.save(plot_confusion(counts, classes, f"Confusion of {best.name}"), figures_dir / "confusion.svg")


def _write_attention(
    report_dir: Path,
    ranked: Sequence[RankedModel],
    test: SketchSplit,
    probabilities: Mapping[Key, Floats],
    classes: Sequence[str],
    attention: Mapping[Key, Sequence[SketchAttention]],
    attribution: str,
) -> None:
    """Write `attention.png` per trained model with attention; the report page shows that of the best one."""
    is_best = True
    labels, _ = figures.tick_labels(classes)
    for model in (model for ranked_model in ranked for model in ranked_model.trained):
        if model.key not in attention:
            continue
        captioned = []
        for example in attention[model.key]:
            true = test.labels[example.row]
            predicted = probabilities[model.key][example.row].argmax()
            suffix = "" if predicted == true else f" (predicted: {labels[predicted]})"
            captioned.append((example, labels[true] + suffix))
        figure = plot_attention(captioned, f"{model.name}: attention weights", attribution)
        figures.save(figure, _model_dir(report_dir, model) / "attention.png")
        if is_best:
            figures.save(figure, report_dir / "figures" / "attention.svg")
            is_best = False
