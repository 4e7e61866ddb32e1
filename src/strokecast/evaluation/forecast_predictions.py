"""What every forecaster says of the test split: the one place that opens it.

Networks read the same windowed records that training reads; rules read the days before each origin.
TensorFlow is imported only where a network is among them.
Shapes: O origins, H days ahead, T days of the whole series.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.errors import UserError
from strokecast.evaluation.forecast import Backtest, origins, seasonal_scale
from strokecast.evaluation.predictions import finite
from strokecast.evaluation.trainings import Roster, Training, check_data
from strokecast.features import prediction, windows
from strokecast.features.spec import SPLITS
from strokecast.models import inference
from strokecast.stage import progress

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


def collect(
    found: Roster, processed: Path, spec: Mapping[str, Any], step: int
) -> tuple[Backtest, dict[tuple[str, int], Floats]]:
    """The test days with their rolling origins, and by (name, seed) the forecasts float64 [O, H].

    All are in the series' own unit, and networks and rules are asked at the same origins: every
    `step`-th day of the test split on which a whole forecast still fits.

    Raises:
        UserError: if a training saw other data, cannot be read, needs more history than there
            is at the first origin, or predicts what is no number.
    """
    check_data(found.trainings, spec["digest"])
    days, values, train, first_test = _series(processed)
    horizon = int(spec["horizon"])
    positions = origins(first_test, len(days), int(spec["window"]), horizon, step)
    forecasts = {}
    for training in progress(found.trainings, "forecasting", len(found.trainings), "training"):
        if training.kind == "rule":
            made = _by_rule(training, values, days, positions, horizon)
        else:
            made = _by_network(training, processed, spec, days[positions])
        forecasts[training.name, training.seed] = finite(made, training)
    _, actual = windows.cut(values, positions, 0, horizon)
    test = Backtest(
        name=spec["name"],
        unit=spec["unit"],
        source=spec["source"],
        days=days[first_test:],
        values=values[first_test:],
        first_days=days[positions],
        actual=np.asarray(actual, np.float64),
        scale=seasonal_scale(train),
    )
    return test, forecasts


def _series(processed: Path) -> tuple[Days, Floats, Floats, int]:
    """All days and values [T], the training values, and the position of the first test day."""
    import pyarrow.parquet as pq

    tables = [pq.read_table(processed / split / "series.parquet") for split in SPLITS]
    days = np.concatenate([np.asarray(table["ds"].to_pylist(), "datetime64[D]") for table in tables])
    parts = [table["y"].to_numpy().astype(np.float64) for table in tables]
    return days, np.concatenate(parts), parts[0], len(parts[0]) + len(parts[1])


def _by_rule(
    training: Training, values: Floats, days: Days, positions: NDArray[np.int64], horizon: int
) -> Floats:
    rule = inference.load_rule(training.folder)
    first = int(positions[0])
    if rule.min_history > first:
        raise UserError(
            f"needs {rule.min_history} days of history, the first test forecast ({days[first]}) has {first}",
            where=f"params.yaml: models.forecast.{training.name}",
            fix="say enabled: false, move features.forecast.test_from later, or give a longer series",
        )
    return np.stack([rule.predict(values[:position], horizon) for position in positions])


def _by_network(training: Training, processed: Path, spec: Mapping[str, Any], first_days: Days) -> Floats:
    network = inference.load_network(training.folder)
    numbers, _, made = prediction.forecast(network, processed, spec, "test")
    row_of = {int(number): row for row, number in enumerate(numbers)}
    wanted = [int(number) for number in first_days.astype(np.int64)]
    missing = [str(day) for day, number in zip(first_days, wanted, strict=True) if number not in row_of]
    if missing:
        raise UserError(f"no test window starts on {missing[0]}", where=str(processed), fix="run `dvc repro`")
    return np.asarray(made[[row_of[number] for number in wanted]], np.float64)
