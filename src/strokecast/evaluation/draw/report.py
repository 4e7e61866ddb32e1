"""Writes `reports/draw/`. Shapes: N test drawings, K classes, S drawings asked for a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common import figures, summary, tables
from strokecast.evaluation.common.trainings import Roster, Training, curves, labels
from strokecast.evaluation.draw import figures as draw_figures
from strokecast.evaluation.draw import metrics as draw
from strokecast.evaluation.draw.metrics import Drawings, Made
from strokecast.params import DrawEvaluation

Floats = NDArray[np.float64]
Key = tuple[str, int]

LIKELIHOOD = ("nll", "reconstruction", "kl", "kl_latent")
KEPT = ("recognised", *LIKELIHOOD, *(f"valid_{name}" for name in LIKELIHOOD))
CURVES = {"train_loss": "Training loss", "valid_loss": "Validation loss"}


def write(
    folder: Path,
    found: Roster,
    test: Drawings,
    real_said: Sequence[str],
    made: Mapping[Key, Made],
    spec: Mapping[str, Any],
    referee: str,
    settings: DrawEvaluation,
) -> str:
    """Write all files of the task.

    Args:
        folder: an empty folder.
        found: the trainings.
        test: the N test drawings.
        real_said: what the referee says of them.
        made: by (name, seed), what each training gave.
        spec: of the data.
        referee: its name.
        settings: `evaluation.draw` of params.yaml.

    Returns:
        One line that tells the outcome.
    """
    classes: list[str] = spec["classes"]
    real = draw.recognised(real_said, [classes[label] for label in test.labels])
    share, low, high = draw.rate(real, settings.resamples, settings.level, settings.seed)
    wanted = [name for name in classes for _ in range(settings.samples)]
    right = {key: draw.recognised(one.said, wanted) for key, one in made.items() if one.said is not None}
    measured = {
        (training.name, training.seed): _one(
            folder, training, test, real_said, made, right, classes, settings
        )
        for training in found.trainings
    }
    ranked, every = _standings(found, measured, right, settings)
    about = {
        "task": "draw",
        "source": spec["source"],
        "test": len(test.strokes),
        "classes": list(classes),
        "samples": settings.samples,
        "temperature": settings.temperature,
        "referee": referee,
        **tables.tidy_all({"real_recognised": share, "real_low": low, "real_high": high}),
        "outcome": _line(ranked, share, referee),
    }
    summary.write(folder, found, ranked, every, measured, "recognised", KEPT, settings.level, about)
    _plots(folder, found, ranked, made, about)
    return str(about["outcome"])


def _line(ranked: Sequence[summary.Standing], real: float, referee: str) -> str:
    best = ranked[0]
    told = f"best {best.name} "
    if best.figures.get("recognised") is None:
        told += f"{best.figures['nll']:.3f} nats a step; no model can be asked for a class"
    else:
        told += (
            f"{100 * best.figures['recognised']:.1f} % ({100 * best.low:.1f}-{100 * best.high:.1f}) recognised "
            f"by {referee}, real drawings {100 * real:.1f} %"
        )
    return f"{told}, {summary.count_models(ranked)}"


def _one(
    folder: Path,
    training: Training,
    test: Drawings,
    real_said: Sequence[str],
    made: Mapping[Key, Made],
    right: Mapping[Key, Floats],
    classes: Sequence[str],
    settings: DrawEvaluation,
) -> dict[str, float]:
    """Files and figures of one training."""
    key = (training.name, training.seed)
    home, one = folder / "models" / training.name / f"seed-{training.seed}", made[key]
    measured = {**one.test.figures(), **one.valid.figures("valid_")}
    for name, sheet in one.sheets.items():
        drawn = draw_figures.sheet(sheet)
        figures.save(drawn, home / f"{name}.png")
        figures.save(drawn, home / f"{name}.svg")
    if one.said is None:
        return measured
    rows = draw.by_class(
        one.said, real_said, test, classes, settings.resamples, settings.level, settings.seed
    )
    tables.write_csv(home / "per_class.csv", tuple(asdict(rows[0])), map(asdict, rows))
    said = [
        {"asked": classes[at // settings.samples], "number": at % settings.samples, "said": word}
        for at, word in enumerate(one.said)
    ]
    tables.write_csv(home / "judged.csv", ("asked", "number", "said"), said)
    return {"recognised": float(right[key].mean()), **measured}


def _standings(
    found: Roster,
    measured: Mapping[Key, Mapping[str, float]],
    right: Mapping[Key, Floats],
    settings: DrawEvaluation,
) -> tuple[list[summary.Standing], list[Any]]:
    """By recognised; those that cannot be asked for a class come last, lowest nll first."""
    asked = [t for t in found.trainings if (t.name, t.seed) in right]
    ranked: list[summary.Standing] = []
    every: list[Any] = []
    if asked:
        values = {
            name: np.mean([right[name, t.seed] for t in found.of(name)], axis=0)
            for name in dict.fromkeys(training.name for training in asked)
        }
        ranked, every = summary.standings(
            replace(found, trainings=asked),
            measured,
            values,
            "recognised",
            True,
            settings.resamples,
            settings.level,
            settings.seed,
        )
    free = [name for name in found.names if name not in {standing.name for standing in ranked}]
    merged = {n: tables.mean_and_spread([measured[n, t.seed] for t in found.of(n)]) for n in free}
    nothing = float("nan")
    for name in sorted(free, key=lambda name: tables.tidy(merged[name]["nll"])):
        ranked.append(summary.Standing(name, found.of(name), merged[name], nothing, nothing, None))
    return ranked, every


def _plots(
    folder: Path,
    found: Roster,
    ranked: Sequence[summary.Standing],
    made: Mapping[Key, Made],
    about: Mapping[str, Any],
) -> None:
    """`plots/*.csv` for `dvc plots` and `figures/*.svg` for the report."""
    plots, drawn = folder / "plots", folder / "figures"
    learning = curves(found, tuple(CURVES))
    tables.write_csv(plots / "curves.csv", ("model", "seed", "epoch", *CURVES), learning)
    rows = [
        {"model": s.name, "recognised": s.figures["recognised"], "low": s.low, "high": s.high}
        for s in ranked
        if "recognised" in s.figures
    ]
    real = {"recognised": about["real_recognised"], "low": about["real_low"], "high": about["real_high"]}
    rows.append({"model": "real drawings", **real})
    tables.write_csv(plots / "models.csv", ("model", "recognised", "low", "high"), rows)
    title = f"Recognised by {about['referee']}"
    figures.save(figures.ranking(rows, "recognised", title), drawn / "models.svg")
    learned = figures.learning_curves(learning, CURVES, figures.palette(labels(found)))
    if learned is not None:
        figures.save(learned, drawn / "curves.svg")
    for standing in ranked:
        first = standing.trainings[0]
        for name, sheet in made[first.name, first.seed].sheets.items():
            figures.save(draw_figures.sheet(sheet), drawn / f"{name}-{first.name}.svg")
