"""Forecasts as files: `predictions.parquet`, `forecast.csv` and what `dvc plots` draws.

Shapes: O origins in time order, H days ahead, L interval levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.evaluation.common import summary, tables
from strokecast.evaluation.common.trainings import Roster
from strokecast.evaluation.forecast.intervals import COLUMNS, measure
from strokecast.evaluation.forecast.metrics import Backtest, Forecasts, taken
from strokecast.inference.conformal import LEVELS

Floats = NDArray[np.float64]


def ends(said: Forecasts) -> dict[str, Floats]:
    """The intervals' ends float64 [O, H] by column: `lo-50`, `hi-50`, ..."""
    found: dict[str, Floats] = {}
    for level, low, high in zip(said.levels, said.low, said.high, strict=True):
        found |= {f"lo-{round(100 * level)}": low, f"hi-{round(100 * level)}": high}
    return found


def forecasts(path: Path, test: Backtest, said: Forecasts) -> None:
    """One row an origin and day ahead of one training."""
    bounds = ends(said)
    names = _names(test)
    rows = [
        {
            **({"unique_id": names[origin]} if test.parts else {}),
            "origin": first,
            "ds": first + ahead,
            "day": ahead + 1,
            "actual": float(test.actual[origin, ahead]),
            "forecast": float(said.point[origin, ahead]),
            **{name: float(end[origin, ahead]) for name, end in bounds.items()},
        }
        for origin, first in enumerate(test.first_days)
        for ahead in range(test.actual.shape[1])
    ]
    several = ("unique_id",) if test.parts else ()
    tables.write_csv(path, (*several, "origin", "ds", "day", "actual", "forecast", *bounds), rows)


def _names(test: Backtest) -> list[str]:
    """The series of each origin; [] where there is but one."""
    return [name for name, part in test.parts.items() for _ in part.first_days]


def series(path: Path, found: Roster, test: Backtest, made: Mapping[tuple[str, int], Forecasts]) -> None:
    """One row a model and series, means over seeds; models in the order of `params.yaml`."""
    rows = []
    for name in found.names:
        for one, at in test.rows().items():
            part = test.parts[one]
            whole = np.ones(part.actual.shape, bool)
            each = [
                measure(part, taken(made[training.name, training.seed], at), whole)
                for training in found.of(name)
            ]
            means = {key: float(np.mean([told[key] for told in each])) for key in COLUMNS if key in each[0]}
            rows.append({"model": name, "unique_id": one, "origins": len(part.first_days), **means})
    tables.write_csv(path, ("model", "unique_id", "origins", *COLUMNS), rows)


def predictions(path: Path, found: Roster, test: Backtest, made: Mapping[tuple[str, int], Forecasts]) -> None:
    """One row a training, origin and day ahead."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, horizon = test.actual.shape
    bounds = list(ends(next(iter(made.values()))))
    schema = pa.schema(
        [
            ("model", pa.dictionary(pa.int32(), pa.string())),
            ("seed", pa.int64()),
            ("origin", pa.date32()),
            ("ds", pa.date32()),
            ("day", pa.int32()),
            *((("unique_id", pa.string()),) if test.parts else ()),
            ("actual", pa.float64()),
            ("forecast", pa.float64()),
            *((name, pa.float64()) for name in bounds),
        ]
    )
    origin = np.repeat(test.first_days, horizon)
    ahead = np.tile(np.arange(horizon), count)
    models = pa.array(found.names, pa.string())
    tidy = np.vectorize(tables.tidy)
    with pq.ParquetWriter(path, schema) as writer:
        for training in found.trainings:
            mine = made[training.name, training.seed]
            size, reach = mine.point.size, ends(mine)
            index = np.full(size, found.names.index(training.name), np.int32)
            columns = [
                pa.DictionaryArray.from_arrays(index, models),
                pa.array(np.full(size, training.seed, np.int64)),
                pa.array(origin, pa.date32()),
                pa.array(origin + ahead, pa.date32()),
                pa.array((ahead + 1).astype(np.int32)),
                *((pa.array(np.repeat(_names(test), horizon)),) if test.parts else ()),
                pa.array(test.actual.ravel()),
                pa.array(tidy(mine.point.ravel())),
                *(pa.array(tidy(reach[name].ravel())) for name in bounds),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def by_day(ranked: Sequence[summary.Standing], test: Backtest) -> list[dict[str, Any]]:
    """MAE by day ahead, best model first."""
    return [
        {"model": standing.name, "day": day, "mae": standing.figures[f"mae_day_{day}"]}
        for standing in ranked
        for day in range(1, test.actual.shape[1] + 1)
    ]


def coverage(ranked: Sequence[summary.Standing]) -> list[dict[str, Any]]:
    """Share of values within each calibrated interval, beside the level it promises, in percent."""
    return [
        {
            "model": standing.name,
            "nominal": percent,
            "coverage": 100 * standing.figures[f"coverage_{percent}"],
            "width": standing.figures[f"width_{percent}"],
        }
        for standing in ranked
        for percent in (round(100 * level) for level in LEVELS)
    ]


def plots(
    folder: Path,
    ranked: Sequence[summary.Standing],
    test: Backtest,
    first: Mapping[str, Forecasts],
    learning: Sequence[Mapping[str, Any]],
    losses: Sequence[str],
    band: int,
) -> None:
    """`plots/*.csv` for `dvc plots`.

    Args:
        folder: they go to.
        ranked: best first.
        test: the test days.
        first: the forecasts of each model's first seed.
        learning: the rows of curves.csv.
        losses: its columns.
        band: which of the L levels the best model is shown with.
    """
    tables.write_csv(folder / "curves.csv", ("model", "seed", "epoch", *losses), learning)
    tables.write_csv(folder / "by_day.csv", ("model", "day", "mae"), by_day(ranked, test))
    tables.write_csv(folder / "coverage.csv", ("model", "nominal", "coverage", "width"), coverage(ranked))
    rows = [{"model": s.name, "mae": s.figures["mae"], "low": s.low, "high": s.high} for s in ranked]
    tables.write_csv(folder / "models.csv", ("model", "mae", "low", "high"), rows)
    actual = [
        {"ds": day, "model": "actual", "y": float(y)} for day, y in zip(test.days, test.values, strict=True)
    ]
    each = {name: said.point for name, said in first.items()}
    tables.write_csv(folder / "forecasts.csv", ("ds", "model", "y"), actual + _first_days(test, each))
    name, best = ranked[0].name, first[ranked[0].name]
    percent = round(100 * best.levels[band])
    shown = {name: best.point, f"lo-{percent}": best.low[band], f"hi-{percent}": best.high[band]}
    tables.write_csv(folder / "fan.csv", ("ds", "model", "y"), actual + _first_days(test, shown))


def _first_days(test: Backtest, values: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """The first day ahead of each line float64 [O, H] as rows of a long table."""
    return [
        {"ds": day, "model": name, "y": float(y)}
        for name, mine in values.items()
        for day, y in zip(test.first_days, mine[:, 0], strict=True)
    ]
