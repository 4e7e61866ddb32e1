"""Writes `reports/forecast/`. Shapes: O origins in time order, H days ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation import figures, forecast, forecast_figures, intervals, summary, tables
from strokecast.evaluation.forecast import Backtest
from strokecast.evaluation.trainings import Roster, Training, curves, labels
from strokecast.params import ForecastEvaluation

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
Key = tuple[str, int]

HEADLINE = ("mae", "rmse", "mase", "smape", "bias")
CURVES = {"train_loss": "Training loss", "valid_loss": "Validation loss"}
_DRAWN = 3  # models in the figure of actual values against forecasts


def write(
    folder: Path, found: Roster, test: Backtest, forecasts: Mapping[Key, Floats], settings: ForecastEvaluation
) -> str:
    """Write all files of the task.

    Args:
        folder: an empty folder.
        found: the trainings.
        test: the days and origins, the same for every training.
        forecasts: by (name, seed), float64 [O, H] in the series' own unit.
        settings: `evaluation.forecast` of `params.yaml`.

    Returns:
        One line that tells the outcome.

    Raises:
        UserError: if a regime holds no origin.
    """
    masks = forecast.regime_masks(test.first_days, settings.regimes)
    measured = {}
    for training in found.trainings:
        key = (training.name, training.seed)
        measured[key] = _one(folder, training, test, forecasts[key], masks)
    errors = {
        name: np.mean(
            [forecast.absolute_error(test.actual, forecasts[name, t.seed]) for t in found.of(name)], axis=0
        )
        for name in found.names
    }
    block = intervals.block_length(-(-settings.block // settings.step), len(test.first_days))
    ranked, every = summary.standings(
        found, measured, errors, "mae", False, settings.resamples, settings.level, settings.seed, block
    )
    horizon = test.actual.shape[1]
    best = ranked[0].figures
    unit = f" {test.unit}" if test.unit else ""
    told = f", MASE {best['mase']:.2f}" if np.isfinite(best["mase"]) else ""
    line = (
        f"best {ranked[0].name} MAE {tables.figure(best['mae'])}{unit}{told}, "
        f"{len(test.first_days):,} origins x {horizon} days, {summary.count_models(ranked)}"
    )
    about = {
        "task": "forecast",
        "source": test.source,
        "series": test.name,
        "unit": test.unit,
        "test": len(test.first_days),
        "step": settings.step,
        "horizon": horizon,
        "first": str(test.first_days[0]),
        "last": str(test.first_days[-1]),
        "regimes": [{**r.model_dump(), "origins": int(masks[r.name].sum())} for r in settings.regimes],
        "block": block,
        "outcome": line,
    }
    keep = (*HEADLINE, *(f"mae_regime_{name}" for name in masks))
    summary.write(folder, found, ranked, every, measured, "mae", keep, settings.level, about)
    _predictions(folder / "predictions.parquet", found, test, forecasts)
    _plots(folder, found, ranked, test, forecasts, measured, settings.level)
    return line


def _one(
    folder: Path, training: Training, test: Backtest, mine: Floats, masks: Mapping[str, NDArray[np.bool_]]
) -> dict[str, float]:
    """Files and figures of one training."""
    home = folder / "models" / training.name / f"seed-{training.seed}"
    measured = forecast.metrics(test.actual, mine, test.scale)
    ahead = forecast.by_day(test.actual, mine, test.scale)
    measured |= {f"mae_day_{day}": row["mae"] for day, row in enumerate(ahead, start=1)}
    spans = {"all": np.ones(len(test.first_days), bool), **masks}
    regimes = []
    for name, mask in spans.items():
        row = forecast.metrics(test.actual[mask], mine[mask], test.scale)
        regimes.append({"regime": name, "origins": int(mask.sum()), **row})
        if name in masks:
            measured |= {f"mae_regime_{name}": row["mae"], f"mase_regime_{name}": row["mase"]}
    days = [{"day": day, **row} for day, row in enumerate(ahead, start=1)]
    tables.write_csv(home / "by_day.csv", ("day", *HEADLINE), days)
    tables.write_csv(home / "by_regime.csv", ("regime", "origins", *HEADLINE), regimes)
    rows = [
        {"origin": first, "ds": first + ahead, "day": ahead + 1, "actual": float(a), "forecast": float(f)}
        for first, truth, guess in zip(test.first_days, test.actual, mine, strict=True)
        for ahead, (a, f) in enumerate(zip(truth, guess, strict=True))
    ]
    tables.write_csv(home / "forecast.csv", ("origin", "ds", "day", "actual", "forecast"), rows)
    title = f"{training.name}: MAE {tables.figure(measured['mae'])} {test.unit}".rstrip()
    styles = figures.palette({training.name: [training.name]})
    figure = forecast_figures.actual_and_forecasts(
        test.days, test.values, test.first_days, {training.name: mine}, styles, test.label, title
    )
    figures.save(figure, home / "forecast.png")
    return measured


def _predictions(path: Path, found: Roster, test: Backtest, forecasts: Mapping[Key, Floats]) -> None:
    """One row a training, origin and day ahead."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, horizon = test.actual.shape
    schema = pa.schema(
        [
            ("model", pa.dictionary(pa.int32(), pa.string())),
            ("seed", pa.int64()),
            ("origin", pa.date32()),
            ("ds", pa.date32()),
            ("day", pa.int32()),
            ("actual", pa.float64()),
            ("forecast", pa.float64()),
        ]
    )
    origin = np.repeat(test.first_days, horizon)
    ahead = np.tile(np.arange(horizon), count)
    models = pa.array(found.names, pa.string())
    tidy = np.vectorize(tables.tidy)
    with pq.ParquetWriter(path, schema) as writer:
        for training in found.trainings:
            mine = forecasts[training.name, training.seed]
            index = np.full(mine.size, found.names.index(training.name), np.int32)
            columns = [
                pa.DictionaryArray.from_arrays(index, models),
                pa.array(np.full(mine.size, training.seed, np.int64)),
                pa.array(origin, pa.date32()),
                pa.array(origin + ahead, pa.date32()),
                pa.array((ahead + 1).astype(np.int32)),
                pa.array(test.actual.ravel()),
                pa.array(tidy(mine.ravel())),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _plots(
    folder: Path,
    found: Roster,
    ranked: Sequence[summary.Standing],
    test: Backtest,
    forecasts: Mapping[Key, Floats],
    measured: Mapping[Key, Mapping[str, float]],
    level: float,
) -> None:
    """`plots/*.csv` for `dvc plots` and `figures/*.svg` for the report."""
    plots, drawn = folder / "plots", folder / "figures"
    names = [standing.name for standing in ranked]
    learning = curves(found, tuple(CURVES))
    tables.write_csv(plots / "curves.csv", ("model", "seed", "epoch", *CURVES), learning)
    horizon = test.actual.shape[1]
    days = [
        {"model": standing.name, "day": day, "mae": standing.figures[f"mae_day_{day}"]}
        for standing in ranked
        for day in range(1, horizon + 1)
    ]
    tables.write_csv(plots / "by_day.csv", ("model", "day", "mae"), days)
    rows = [{"model": s.name, "mae": s.figures["mae"], "low": s.low, "high": s.high} for s in ranked]
    tables.write_csv(plots / "models.csv", ("model", "mae", "low", "high"), rows)
    first_day: list[dict[str, Any]] = [
        {"ds": day, "model": "actual", "y": float(y)} for day, y in zip(test.days, test.values, strict=True)
    ]
    first = {s.name: forecasts[s.name, s.trainings[0].seed] for s in ranked}
    first_day += [
        {"ds": day, "model": name, "y": float(y)}
        for name, mine in first.items()
        for day, y in zip(test.first_days, mine[:, 0], strict=True)
    ]
    tables.write_csv(plots / "forecasts.csv", ("ds", "model", "y"), first_day)
    styles = figures.palette(labels(found))
    learned = figures.learning_curves(learning, CURVES, styles)
    if learned is not None:
        figures.save(learned, drawn / "curves.svg")
    title = f"Test MAE{f' in {test.unit}' if test.unit else ''} with {100 * level:g} % intervals"
    figures.save(figures.ranking(rows, "mae", title), drawn / "models.svg")
    figures.save(forecast_figures.by_day(days, styles, test.unit), drawn / "by_day.svg")
    shown = {name: first[name] for name in names[:_DRAWN]}
    title = "Actual values and forecasts" + (f" of the best {len(shown)}" if len(names) > len(shown) else "")
    figure = forecast_figures.actual_and_forecasts(
        test.days, test.values, test.first_days, shown, styles, test.label, title
    )
    figures.save(figure, drawn / "forecast.svg")
