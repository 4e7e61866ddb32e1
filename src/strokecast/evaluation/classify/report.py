"""Writes `reports/classify/` and `reports/watch/`. Shapes: N test sketches, K classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.classify import figures as classify_figures
from strokecast.evaluation.classify import metrics as classify
from strokecast.evaluation.classify.metrics import Attended, Sketches
from strokecast.evaluation.common import figures, summary, tables
from strokecast.evaluation.common.trainings import Roster, Training, curves, labels
from strokecast.params import ClassifyEvaluation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, int]

HEADLINE = ("accuracy", "top5", "macro_f1", "log_loss", "ece")
CORNER = "true \\ predicted"
CURVES = {
    "train_loss": "Training loss",
    "valid_loss": "Validation loss",
    "train_accuracy": "Training accuracy",
    "valid_accuracy": "Validation accuracy",
}


def write(
    folder: Path,
    found: Roster,
    test: Sketches,
    probabilities: Mapping[Key, Floats],
    classes: Sequence[str],
    source: str,
    settings: ClassifyEvaluation,
    attended: Mapping[Key, Sequence[Attended]] = MappingProxyType({}),
    task: str = "classify",
    further: Mapping[Key, Mapping[str, float]] = MappingProxyType({}),
) -> str:
    """Write all files of a task with classes.

    Args:
        folder: an empty folder.
        found: the trainings.
        test: the N test sketches.
        probabilities: by (name, seed), float64 [N, K].
        classes: K names.
        source: of the sketches, e.g. `doodles`.
        settings: `evaluation.<task>` of `params.yaml`.
        attended: by (name, seed), of networks pooled by attention: sketches with the weights of their points.
        task: `classify` or `watch`.
        further: by (name, seed), figures that this task has beside those of every classifier.

    Returns:
        One line that tells the outcome.
    """
    measured = {}
    for training in found.trainings:
        key = (training.name, training.seed)
        measured[key] = _one(folder, training, test, probabilities[key], classes, settings)
        measured[key] |= further.get(key, {})
    each = {key: _correct(test, mine) for key, mine in probabilities.items()}
    correct = {name: np.mean([each[name, t.seed] for t in found.of(name)], axis=0) for name in found.names}
    drawn = (settings.resamples, settings.level, settings.seed)
    ranked, every = summary.standings(
        found, measured, correct, "accuracy", True, *drawn, baseline=settings.baseline
    )
    compared = summary.over_baseline(found, each, correct, "accuracy", settings.baseline, *drawn)
    for key, further_figures in compared.items():
        measured[key] |= further_figures
    best = ranked[0]
    accuracy, low, high = 100 * best.figures["accuracy"], 100 * best.low, 100 * best.high
    line = (
        f"best {best.name} {accuracy:.1f} % ({low:.1f}-{high:.1f}) of {len(test.ids):,} test sketches, "
        f"{summary.count_models(ranked)}"
    )
    about = {
        "task": task,
        "source": source,
        "test": len(test.ids),
        "classes": list(classes),
        "baseline": settings.baseline,
        "outcome": line,
    }
    keep = (*HEADLINE, *(further[best.name, best.trainings[0].seed] if further else ()))
    summary.write(folder, found, ranked, every, measured, "accuracy", keep, settings.level, about)
    _predictions(folder / "predictions.parquet", found, test, probabilities, classes)
    _plots(folder, found, ranked, test, probabilities, correct, classes, settings)
    _attention(folder, ranked, test, probabilities, classes, attended)
    return line


def _correct(test: Sketches, probabilities: Floats) -> Floats:
    return (probabilities.argmax(axis=1) == test.labels).astype(np.float64)


def _one(
    folder: Path,
    training: Training,
    test: Sketches,
    probabilities: Floats,
    classes: Sequence[str],
    settings: ClassifyEvaluation,
) -> dict[str, float]:
    """Files and figures of one training."""
    home = folder / "models" / training.name / f"seed-{training.seed}"
    measured = classify.headline(test.labels, probabilities, settings.calibration_bins)
    groups = classify.by_length(_correct(test, probabilities), test.lengths, settings.length_edges)
    measured |= {f"accuracy_length_{group.name.replace('+', '-up')}": group.accuracy for group in groups}
    counts = classify.confusion(test.labels, probabilities.argmax(axis=1), len(classes))
    table = classify.calibration(test.labels, probabilities, settings.calibration_bins)
    crossed = [
        {CORNER: n, **dict(zip(classes, row, strict=True))} for n, row in zip(classes, counts, strict=True)
    ]
    tables.write_csv(home / "confusion.csv", (CORNER, *classes), crossed)
    rows = classify.per_class(test.labels, probabilities, classes)
    columns: tuple[str, ...] = ("name", "precision", "recall", "f1", "support")
    tables.write_csv(home / "per_class.csv", columns, map(asdict, rows))
    columns = ("points", "count", "accuracy")
    tables.write_csv(home / "by_length.csv", columns, [_length_row(group) for group in groups])
    columns = ("low", "high", "count", "confidence", "accuracy")
    tables.write_csv(home / "calibration.csv", columns, map(asdict, table))
    title = f"{training.name}: {100 * measured['accuracy']:.1f} % of {len(test.ids):,} test sketches"
    figures.save(classify_figures.confusion(counts, classes, title), home / "confusion.png")
    reliability = classify_figures.reliability(
        table, measured["ece"], f"{training.name}: how far to trust it"
    )
    figures.save(reliability, home / "reliability.png")
    return measured


def _length_row(group: classify.Group) -> dict[str, Any]:
    return {"points": group.name, "count": group.count, "accuracy": group.accuracy}


def _predictions(
    path: Path, found: Roster, test: Sketches, probabilities: Mapping[Key, Floats], classes: Sequence[str]
) -> None:
    """One row a training and sketch: what was predicted, how surely, and the rank of the true class."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(classes, pa.string())
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
    models = pa.array(found.names, pa.string())
    with pq.ParquetWriter(path, schema) as writer:
        for training in found.trainings:
            mine = probabilities[training.name, training.seed]
            n = len(test.ids)
            true = np.take_along_axis(mine, test.labels[:, None], axis=1)[:, 0]
            columns = [
                pa.DictionaryArray.from_arrays(
                    np.full(n, found.names.index(training.name), np.int32), models
                ),
                pa.array(np.full(n, training.seed, np.int64)),
                ids,
                pa.array(test.lengths.astype(np.int32)),
                pa.DictionaryArray.from_arrays(test.labels.astype(np.int32), names),
                pa.DictionaryArray.from_arrays(mine.argmax(axis=1).astype(np.int32), names),
                pa.array(mine.max(axis=1).round(5).astype(np.float32)),
                pa.array(true.round(5).astype(np.float32)),
                pa.array(classify.ranks(test.labels, mine).astype(np.int32)),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _plots(
    folder: Path,
    found: Roster,
    ranked: Sequence[summary.Standing],
    test: Sketches,
    probabilities: Mapping[Key, Floats],
    correct: Mapping[str, Floats],
    classes: Sequence[str],
    settings: ClassifyEvaluation,
) -> None:
    """`plots/*.csv` for `dvc plots` and `figures/*.svg` for the report."""
    plots, drawn = folder / "plots", folder / "figures"
    names = [standing.name for standing in ranked]
    learning = curves(found, tuple(CURVES))
    tables.write_csv(plots / "curves.csv", ("model", "seed", "epoch", *CURVES), learning)
    lengths = [
        {"model": name, **_length_row(group)}
        for name in names
        for group in classify.by_length(correct[name], test.lengths, settings.length_edges)
        if group.count
    ]
    tables.write_csv(plots / "by_length.csv", ("model", "points", "count", "accuracy"), lengths)
    rows = [
        {"model": s.name, "accuracy": s.figures["accuracy"], "low": s.low, "high": s.high} for s in ranked
    ]
    tables.write_csv(plots / "models.csv", ("model", "accuracy", "low", "high"), rows)
    best = ranked[0].trainings[0]
    predicted = probabilities[best.name, best.seed].argmax(axis=1)
    pairs = [
        {"actual": classes[a], "predicted": classes[p]} for a, p in zip(test.labels, predicted, strict=True)
    ]
    tables.write_csv(plots / "confusion.csv", ("actual", "predicted"), pairs)
    styles = figures.palette(labels(found))
    shown = {key: CURVES[key] for key in ("valid_loss", "valid_accuracy")}
    learned = figures.learning_curves(learning, shown, styles)
    if learned is not None:
        figures.save(learned, drawn / "curves.svg")
    title = f"Test accuracy with {100 * settings.level:g} % intervals"
    figures.save(figures.ranking(rows, "accuracy", title), drawn / "models.svg")
    figures.save(classify_figures.by_length(lengths, styles), drawn / "by_length.svg")
    counts = classify.confusion(test.labels, predicted, len(classes))
    figures.save(
        classify_figures.confusion(counts, classes, f"Confusion of {best.name}"), drawn / "confusion.svg"
    )


def _attention(
    folder: Path,
    ranked: Sequence[summary.Standing],
    test: Sketches,
    probabilities: Mapping[Key, Floats],
    classes: Sequence[str],
    attended: Mapping[Key, Sequence[Attended]],
) -> None:
    """`attention.png` of each training that has attention; that of the best model also for the report."""
    best = True
    for training in (training for standing in ranked for training in standing.trainings):
        key = (training.name, training.seed)
        if key not in attended:
            continue
        drawn = []
        for seen in attended[key]:
            true, said = test.labels[seen.row], probabilities[key][seen.row].argmax()
            drawn.append((seen, classes[true] + ("" if said == true else f" (said: {classes[said]})")))
        figure = classify_figures.attention(drawn, f"{training.name}: what its attention rests on")
        figures.save(figure, folder / "models" / training.name / f"seed-{training.seed}" / "attention.png")
        if best:
            figures.save(figure, folder / "figures" / "attention.svg")
            best = False
