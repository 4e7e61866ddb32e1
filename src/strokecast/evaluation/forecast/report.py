"""Writes `reports/forecast/`. Shapes: O origins in time order, H days ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common import figures, intervals, summary, tables
from strokecast.evaluation.common.trainings import Roster, Training, curves, labels
from strokecast.evaluation.forecast import figures as forecast_figures
from strokecast.evaluation.forecast import intervals as forecast_intervals
from strokecast.evaluation.forecast import metrics as forecast
from strokecast.evaluation.forecast import tables as forecast_tables
from strokecast.evaluation.forecast.metrics import Backtest, Forecasts, Mask
from strokecast.inference.conformal import LEVELS
from strokecast.params import ForecastEvaluation

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
Key = tuple[str, int]

CURVES = {"train_loss": "Training loss", "valid_loss": "Validation loss"}
_DRAWN = 3  # models in the figure of actual values against forecasts
_BAND = LEVELS.index(0.8)  # the interval that figures show


def write(
    folder: Path,
    found: Roster,
    test: Backtest,
    forecasts: Mapping[Key, Forecasts],
    settings: ForecastEvaluation,
) -> str:
    """Write all files of the task.

    Args:
        folder: an empty folder.
        found: the trainings.
        test: the days and origins, the same for every training.
        forecasts: by (name, seed), in the series' own unit.
        settings: `evaluation.forecast` of `params.yaml`.

    Returns:
        One line that tells the outcome.

    Raises:
        UserError: if a regime holds no origin.
    """
    masks = forecast.regime_masks(test.first_days, settings.regimes)
    parts = forecast.slices(test, masks)
    measured = {}
    for training in found.trainings:
        key = (training.name, training.seed)
        measured[key] = _one(folder, training, test, forecasts[key], parts)
    each = {key: forecast.by_origin(test, said.point) for key, said in forecasts.items()}
    errors = {name: np.mean([each[name, t.seed] for t in found.of(name)], axis=0) for name in found.names}
    drawn = (settings.resamples, settings.level, settings.seed)
    block = intervals.block_length(test.origins_in(settings.block), len(np.unique(test.first_days)))
    ranked, every = summary.standings(found, measured, errors, "mae", False, *drawn, block, settings.baseline)
    compared = summary.over_baseline(found, each, errors, "mae", settings.baseline, *drawn, block)
    for key, further in compared.items():
        measured[key] |= further
    line = _outcome(test, ranked)
    about = {
        "task": "forecast",
        "source": test.source,
        "series": test.name,
        "unit": test.unit,
        "test": len(test.first_days) // max(1, len(test.parts)),
        "possible": test.possible,
        "step": settings.step,
        "horizon": test.actual.shape[1],
        "first": str(test.first_days.min()),
        "last": str(test.first_days.max()),
        "regimes": [{**r.model_dump(), "origins": int(masks[r.name].sum())} for r in settings.regimes],
        "block": block,
        "baseline": settings.baseline,
        "short": _short(found, forecasts),
        "outcome": line,
    } | ({"several": list(test.parts)} if test.parts else {})
    keep = [
        *forecast_intervals.COLUMNS,
        *(f"{key}_regime_{name}" for name in masks for key in ("mae", "coverage_80")),
        *(f"mae_target_{name}" for name in test.further),
    ]
    summary.write(folder, found, ranked, every, measured, "mae", keep, settings.level, about)
    forecast_tables.predictions(folder / "predictions.parquet", found, test, forecasts)
    if test.parts:
        forecast_tables.series(folder / "series.csv", found, test, forecasts)
    rows = next(iter(test.rows().values()), slice(None))
    first = {s.name: forecast.taken(forecasts[s.name, s.trainings[0].seed], rows) for s in ranked}
    learning = curves(found, tuple(CURVES))
    forecast_tables.plots(folder / "plots", ranked, test.shown, first, learning, tuple(CURVES), _BAND)
    _figures(folder / "figures", found, ranked, test.shown, first, learning, settings.level)
    return line


def _outcome(test: Backtest, ranked: Sequence[summary.Standing]) -> str:
    best = ranked[0].figures
    unit = f" {test.unit}" if test.unit else ""
    told = f", MASE {best['mase']:.2f}" if np.isfinite(best["mase"]) else ""
    origins, horizon = test.shown.actual.shape
    series = f" of {len(test.parts)} series each" if test.parts else ""
    return (
        f"best {ranked[0].name} MAE {tables.figure(best['mae'])}{unit}{told}, "
        f"{100 * best['coverage_80']:.0f} % in its 80 % interval, {origins:,} origins{series} x {horizon} days, "
        f"{summary.count_models(ranked)}"
    )


def _short(found: Roster, forecasts: Mapping[Key, Forecasts]) -> dict[str, dict[str, Any]]:
    """The models whose wider intervals were calibrated on too few origins."""
    told = {}
    for name in found.names:
        said = forecasts[name, found.of(name)[0].seed]
        if said.short:
            told[name] = {"origins": said.calibrated, "levels": list(said.short)}
    return told


def _one(
    folder: Path, training: Training, test: Backtest, mine: Forecasts, parts: Mapping[str, Mapping[str, Mask]]
) -> dict[str, float]:
    """Files and figures of one training."""
    home = folder / "models" / training.name / f"seed-{training.seed}"
    measured: dict[str, float] = {}
    for table, rows in parts.items():
        told = {name: forecast_intervals.measure(test, mine, mask) for name, mask in rows.items()}
        columns = (table, "forecasts", *forecast_intervals.COLUMNS)
        lines = [{table: name, "forecasts": int(rows[name].sum()), **row} for name, row in told.items()]
        tables.write_csv(home / f"by_{table}.csv", columns, lines)
        if table == "regime":
            measured |= told.pop("all")
        for name, row in told.items():
            kept = ("mae", "mase", "crps", "coverage_80", "width_80") if table == "regime" else ("mae",)
            measured |= {f"{key}_{table}_{name}": row[key] for key in kept}
    for name, actual in test.further.items():
        if name in mine.further:
            measured[f"mae_target_{name}"] = float(np.abs(mine.further[name] - actual).mean())
    forecast_tables.forecasts(home / "forecast.csv", test, mine)
    title = f"{training.name}: MAE {tables.figure(measured['mae'])} {test.unit}".rstrip()
    styles = figures.palette({training.name: [training.name]})
    first = next(iter(test.rows().values()), slice(None))
    shown = {training.name: forecast.taken(mine, first)}
    figure = forecast_figures.actual_and_forecasts(test.shown, shown, styles, title, _BAND)
    figures.save(figure, home / "forecast.png")
    return measured


def _figures(
    drawn: Path,
    found: Roster,
    ranked: Sequence[summary.Standing],
    test: Backtest,
    first: Mapping[str, Forecasts],
    learning: Sequence[Mapping[str, Any]],
    level: float,
) -> None:
    """`figures/*.svg` for the report; `first` holds the forecasts of each model's first seed."""
    styles = figures.palette(labels(found))
    learned = figures.learning_curves(learning, CURVES, styles)
    if learned is not None:
        figures.save(learned, drawn / "curves.svg")
    rows = [{"model": s.name, "mae": s.figures["mae"], "low": s.low, "high": s.high} for s in ranked]
    title = f"Test MAE{f' in {test.unit}' if test.unit else ''} with {100 * level:g} % intervals"
    figures.save(figures.ranking(rows, "mae", title), drawn / "models.svg")
    days = forecast_tables.by_day(ranked, test)
    figures.save(forecast_figures.by_day(days, styles, test.unit), drawn / "by_day.svg")
    covered = forecast_tables.coverage(ranked)
    figures.save(forecast_figures.coverage(covered, styles), drawn / "coverage.svg")
    best = ranked[0].name
    figures.save(forecast_figures.fan(test, first[best], styles[best], best, _BAND), drawn / "fan.svg")
    names = [standing.name for standing in ranked]
    shown = {name: first[name] for name in names[:_DRAWN]}
    title = "Actual values and forecasts" + (f" of the best {len(shown)}" if len(names) > len(shown) else "")
    figure = forecast_figures.actual_and_forecasts(test, shown, styles, title)
    figures.save(figure, drawn / "forecast.svg")
