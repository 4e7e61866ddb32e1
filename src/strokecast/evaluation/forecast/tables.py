"""Tables of the forecast task: predictions, metrics per series, and the data of `dvc plots`.

Shapes: O origins in time order, H days ahead, L interval levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common import tables
from strokecast.evaluation.common.ranking import Key, RankedModel
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.evaluation.forecast.probabilistic_metrics import COLUMNS, forecast_metrics
from strokecast.evaluation.forecast.results import Backtest, Forecasts
from strokecast.inference.conformal import LEVELS

Floats = NDArray[np.float64]


def interval_bounds(forecasts: Forecasts) -> dict[str, Floats]:
    """Ends of the intervals float64 [O, H] by column: `lo-50`, `hi-50`, ..."""
    bounds: dict[str, Floats] = {}
    for level, low, high in zip(forecasts.levels, forecasts.low, forecasts.high, strict=True):
        bounds |= {f"lo-{round(100 * level)}": low, f"hi-{round(100 * level)}": high}
    return bounds


def write_model_forecasts(path: Path, test: Backtest, forecasts: Forecasts) -> None:
    """Write one row per origin and day ahead of one trained model."""
    bounds = interval_bounds(forecasts)
    series_ids = test.series_ids()
    rows = [
        {
            **({"unique_id": series_ids[origin]} if series_ids else {}),
            "origin": first,
            "ds": first + ahead,
            "day": ahead + 1,
            "actual": float(test.actual[origin, ahead]),
            "forecast": float(forecasts.point[origin, ahead]),
            **{name: float(bound[origin, ahead]) for name, bound in bounds.items()},
        }
        for origin, first in enumerate(test.first_days)
        for ahead in range(test.actual.shape[1])
    ]
    id_columns = ("unique_id",) if series_ids else ()
    tables.write_csv(path, (*id_columns, "origin", "ds", "day", "actual", "forecast", *bounds), rows)


def write_series_metrics(
    path: Path, trained_models: TrainedModels, test: Backtest, forecasts: Mapping[Key, Forecasts]
) -> None:
    """Write one row per model and series, means over seeds; models in the order of `params.yaml`."""
    rows = []
    for name in trained_models.names:
        for series_id, at in test.series_rows().items():
            part = test.series[series_id]
            everything = np.ones(part.actual.shape, bool)
            per_seed = [
                forecast_metrics(part, forecasts[model.key].select(at), everything)
                for model in trained_models.by_name(name)
            ]
            means = {
                key: float(np.mean([metrics[key] for metrics in per_seed]))
                for key in COLUMNS
                if key in per_seed[0]
            }
            rows.append({"model": name, "unique_id": series_id, "origins": len(part.first_days), **means})
    tables.write_csv(path, ("model", "unique_id", "origins", *COLUMNS), rows)


def write_predictions(
    path: Path, trained_models: TrainedModels, test: Backtest, forecasts: Mapping[Key, Forecasts]
) -> None:
    """Write one row per trained model, origin and day ahead."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, horizon = test.actual.shape
    bound_names = list(interval_bounds(next(iter(forecasts.values()))))
    schema = pa.schema(
        [
            ("model", pa.dictionary(pa.int32(), pa.string())),
            ("seed", pa.int64()),
            ("origin", pa.date32()),
            ("ds", pa.date32()),
            ("day", pa.int32()),
            *((("unique_id", pa.string()),) if test.series else ()),
            ("actual", pa.float64()),
            ("forecast", pa.float64()),
            *((name, pa.float64()) for name in bound_names),
        ]
    )
    origin = np.repeat(test.first_days, horizon)
    ahead = np.tile(np.arange(horizon), count)
    names = trained_models.names
    model_names = pa.array(names, pa.string())
    round_significant = np.vectorize(tables.round_significant)
    with pq.ParquetWriter(path, schema) as writer:
        for model in trained_models.finished:
            point = forecasts[model.key].point.ravel()
            bounds = interval_bounds(forecasts[model.key])
            index = np.full(point.size, names.index(model.name), np.int32)
            columns = [
                pa.DictionaryArray.from_arrays(index, model_names),
                pa.array(np.full(point.size, model.seed, np.int64)),
                pa.array(origin, pa.date32()),
                pa.array(origin + ahead, pa.date32()),
                pa.array((ahead + 1).astype(np.int32)),
                *((pa.array(np.repeat(test.series_ids(), horizon)),) if test.series else ()),
                pa.array(test.actual.ravel()),
                pa.array(round_significant(point)),
                *(pa.array(round_significant(bounds[name].ravel())) for name in bound_names),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def error_by_day(ranked: Sequence[RankedModel], test: Backtest) -> list[dict[str, Any]]:
    """MAE by day ahead, best model first."""
    return [
        {"model": model.name, "day": day, "mae": model.metrics[f"mae_day_{day}"]}
        for model in ranked
        for day in range(1, test.actual.shape[1] + 1)
    ]


def interval_coverage(ranked: Sequence[RankedModel]) -> list[dict[str, Any]]:
    """Coverage of each calibrated interval next to its level, in percent."""
    return [
        {
            "model": model.name,
            "nominal": percent,
            "coverage": 100 * model.metrics[f"coverage_{percent}"],
            "width": model.metrics[f"width_{percent}"],
        }
        for model in ranked
        for percent in (round(100 * level) for level in LEVELS)
    ]


def ranking(ranked: Sequence[RankedModel]) -> list[dict[str, Any]]:
    """MAE with its interval, best model first."""
    return [
        {"model": model.name, "mae": model.metrics["mae"], "low": model.low, "high": model.high}
        for model in ranked
    ]


def write_plot_data(
    plots_dir: Path,
    ranked: Sequence[RankedModel],
    test: Backtest,
    first_seed: Mapping[str, Forecasts],
    curves: Sequence[Mapping[str, Any]],
    losses: Sequence[str],
    band: int,
) -> None:
    """Write the CSV files of `dvc plots`.

    Args:
        plots_dir: their folder.
        ranked: best first.
        test: the test days.
        first_seed: name → forecasts of the model's first seed.
        curves: the rows of curves.csv.
        losses: its columns.
        band: index of the interval level that is shown for the best model.
    """
    tables.write_csv(plots_dir / "curves.csv", ("model", "seed", "epoch", *losses), curves)
    tables.write_csv(plots_dir / "by_day.csv", ("model", "day", "mae"), error_by_day(ranked, test))
    columns = ("model", "nominal", "coverage", "width")
    tables.write_csv(plots_dir / "coverage.csv", columns, interval_coverage(ranked))
    tables.write_csv(plots_dir / "models.csv", ("model", "mae", "low", "high"), ranking(ranked))
    actual = [
        {"ds": day, "model": "actual", "y": float(y)} for day, y in zip(test.days, test.values, strict=True)
    ]
    points = {name: forecasts.point for name, forecasts in first_seed.items()}
    tables.write_csv(plots_dir / "forecasts.csv", ("ds", "model", "y"), actual + _one_day_ahead(test, points))
    name = ranked[0].name
    best = first_seed[name]
    percent = round(100 * best.levels[band])
    lines = {name: best.point, f"lo-{percent}": best.low[band], f"hi-{percent}": best.high[band]}
    tables.write_csv(plots_dir / "fan.csv", ("ds", "model", "y"), actual + _one_day_ahead(test, lines))


def _one_day_ahead(test: Backtest, lines: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """The first day ahead of each line float64 [O, H] as rows of a long table."""
    return [
        {"ds": day, "model": name, "y": float(y)}
        for name, values in lines.items()
        for day, y in zip(test.first_days, values[:, 0], strict=True)
    ]
