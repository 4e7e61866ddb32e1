"""A combination of trained forecasters in a folder of its own: `reports/forecast/combinations/<name>/`.

The folder holds combination.json (members, trainings and weights), the spec.json of the members, and calibration.json,
validation.json and validation_forecasts.npz like the folder of a training. The members stay in `models/forecast/`.

Shapes: O origins, H days of the horizon, D targets, Q quantile levels.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import spec as specs
from strokecast.inference import backtest, combination_folder, conformal, selection, validation_forecasts
from strokecast.inference.combination import CombinedSeries
from strokecast.models.common import model_folder, registry

Floats = NDArray[np.float64]


def write(
    folder: Path,
    by_series: Mapping[str, CombinedSeries],
    trainings: Mapping[str, Mapping[int, str]],
    spec_path: Path,
) -> None:
    """Write the folder of a combination.

    Args:
        folder: exists and is empty.
        by_series: series → the combination; {"": combination} for models of one series.
        trainings: member → seed → training_id; members without weight are left out.
        spec_path: the spec.json of the members' data.
    """
    used = {member for combined in by_series.values() for member in combined.weights}
    held_out = {name: combined.held_out for name, combined in by_series.items()}
    weights = {name: combined.weights for name, combined in by_series.items()}
    levels = next(iter(held_out.values())).quantile_levels
    trainings = {member: seeds for member, seeds in trainings.items() if member in used}
    combination_folder.write_members(folder, weights, trainings, quantile_levels=list(levels))
    shutil.copyfile(spec_path, folder / "spec.json")
    calibrations = {
        name: conformal.fit(one.actual, one.point, one.quantiles, one.quantile_levels)
        for name, one in held_out.items()
    }
    conformal.write_calibrations(folder, calibrations)
    selection.write_errors(folder, {name: one.errors() for name, one in held_out.items()})
    validation_forecasts.write(folder, held_out)


def load(folder: Path, models: Path | None = None) -> backtest.LoadedForecaster:
    """Load the members of a combination, which forecasts the first target alone (D = 1).

    Args:
        folder: of the combination.
        models: folder that holds `forecast/<name>/seed-<n>/`; None: as `combination_folder.models_of`.

    Raises:
        UserError: if a file is missing or cannot be read, or a member was trained again since the evaluation.
    """
    stored = model_folder.read(folder, combination_folder.FILE, ("members", "weights", "quantile_levels"))
    members: dict[str, list[backtest.ForecastFn]] = {}
    kinds, min_history = set(), 0
    for member, member_dir in combination_folder.member_dirs(folder, "forecast", models):
        kind = registry.get("forecast", member).kind
        kinds.add(kind)
        spec = specs.load(member_dir, "forecast")
        min_history = max(min_history, backtest.min_history(member_dir, spec))
        training = backtest.load_forecaster(kind, member_dir, spec, str(member_dir))
        members.setdefault(member, []).append(training)
    forecast = forecaster(members, stored["weights"], tuple(stored["quantile_levels"]))
    return backtest.LoadedForecaster(forecast, min_history, kinds != {"rule"})


def forecaster(
    members: Mapping[str, Sequence[backtest.ForecastFn]],
    weights: Mapping[str, Mapping[str, float]],
    quantile_levels: tuple[float, ...],
) -> backtest.BatchForecaster:
    """The forecasts of a combination: of its first target (D = 1).

    Args:
        members: member → its trainings.
        weights: series → member → weight.
        quantile_levels: that all members forecast, rising; () for point forecasts.
    """

    def forecast(requests: Sequence[backtest.Request]) -> list[backtest.Forecast]:
        parts: list[dict[str, list[backtest.Forecast]]] = [{} for _ in requests]
        for member, forecasters in members.items():
            rows = [row for row, (series, _) in enumerate(requests) if member in weights[series.name]]
            own = [requests[row] for row in rows]
            by_training = [backtest.forecast_many(one, own) for one in forecasters] if own else []
            for row, *forecasts in zip(rows, *by_training, strict=True):
                parts[row][member] = forecasts
        return [
            combine(series.name, by_member) for (series, _), by_member in zip(requests, parts, strict=True)
        ]

    def combine(series: str, parts: Mapping[str, Sequence[backtest.Forecast]]) -> backtest.Forecast:
        own = weights[series]
        points = {member: [part.point[..., :1] for part in parts[member]] for member in own}
        point = combination_folder.weighted_mean(own, points)
        if not quantile_levels:
            return backtest.Forecast(point)
        quantiles: dict[str, list[Any]] = {
            member: [part.quantiles for part in parts[member]] for member in own
        }
        return backtest.Forecast(point, combination_folder.weighted_mean(own, quantiles), quantile_levels)

    return backtest.BatchForecaster(forecast)
