"""Adds the combinations of `params.yaml` to the trained models: their forecasts are weighted means of the members' own.

No model runs for this. Members and weights are chosen on validation origins (`inference/combination.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strokecast.evaluation.common import tables
from strokecast.evaluation.common.combined_run import SEED, combined_run
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels
from strokecast.evaluation.forecast.predictions import calibrate
from strokecast.evaluation.forecast.results import Backtest, Forecasts, concatenate_forecasts
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.inference import (
    backtest,
    combination,
    combination_folder,
    stored_combination,
    validation_forecasts,
)
from strokecast.inference.combination import CombinedSeries
from strokecast.inference.validation_forecasts import ValidationForecasts
from strokecast.params import Combination


@dataclass(frozen=True)
class WithCombinations:
    """The models of a task with their combinations.

    Attributes:
        trained_models: the trained models, then the combinations.
        forecasts: (name, seed) → test forecasts of all of them.
        facts: for `summary.json`: `combinations` (members and weights) and `left_out` (name → reason).
    """

    trained_models: TrainedModels
    forecasts: Mapping[Key, Forecasts]
    facts: Mapping[str, Any]


def add_combinations(
    report_dir: Path,
    trained_models: TrainedModels,
    test: Backtest,
    forecasts: Mapping[Key, Forecasts],
    processed: Path,
    spec: ForecastSpec,
    settings: Mapping[str, Combination],
) -> WithCombinations:
    """Weigh, calibrate and store each combination in `report_dir`/combinations, and combine the test forecasts.

    Args:
        report_dir: folder of the report.
        trained_models: of forecast.
        test: the test days and origins.
        forecasts: (name, seed) → test forecasts of the trained models.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        settings: name → combination, of `params.yaml`.

    Raises:
        UserError: if the validation forecasts of a member cannot be read.
    """
    stored = _read_validation(trained_models) if settings else {}
    added: list[TrainedModel] = []
    all_forecasts, weights, left_out = dict(forecasts), {}, {}
    for name, one in settings.items():
        members = trained_models.names if one.members == "all" else list(one.members)
        if len(members) < max(2, one.top or 0):
            left_out[name] = f"{len(members)} {'model is' if len(members) == 1 else 'models are'} too few"
            continue
        failed = [member for member in members if member not in stored]
        if failed:
            left_out[name] = f"the training of {', '.join(failed)} failed"
            continue
        by_series = {
            series: combination.combine({member: stored[member][series] for member in members}, one)
            for series in series_spec.names(spec)
        }
        combined = {series: value for series, value in by_series.items() if value is not None}
        if len(combined) < len(by_series):
            left_out[name] = "its members share no validation origin"
            continue
        combined = combination.with_same_levels(combined)
        folder = report_dir / combination_folder.FOLDER / name
        folder.mkdir(parents=True)
        trainings = {
            member: {model.seed: model.id for model in trained_models.by_name(member)} for member in members
        }
        stored_combination.write(folder, combined, trainings, processed / "spec.json")
        used = {member for series in combined.values() for member in series.weights}
        model = TrainedModel(name, SEED, folder, combined_run(used, trained_models))
        added.append(model)
        all_forecasts[model.key] = _combine_test(folder, combined, trained_models, test, forecasts, spec)
        weights[name] = _describe(one, combined)
    return WithCombinations(
        replace(trained_models, finished=[*trained_models.finished, *added]),
        all_forecasts,
        {"combinations": weights, "left_out": left_out},
    )


def _read_validation(trained_models: TrainedModels) -> dict[str, dict[str, ValidationForecasts]]:
    """Model → series → its validation forecasts, averaged over seeds."""
    stored = {}
    for name in trained_models.names:
        seeds = [validation_forecasts.load(model.folder) for model in trained_models.by_name(name)]
        stored[name] = {
            series: combination.mean_over_seeds([seed[series] for seed in seeds]) for series in seeds[0]
        }
    return stored


def _combine_test(
    folder: Path,
    by_series: Mapping[str, CombinedSeries],
    trained_models: TrainedModels,
    test: Backtest,
    forecasts: Mapping[Key, Forecasts],
    spec: ForecastSpec,
) -> Forecasts:
    """The test forecasts of a combination, with the intervals that `folder`/calibration.json asks for."""
    rows = test.rows_by_series()
    parts, between = [], {}
    for series, combined in by_series.items():
        own: dict[str, list[Forecasts]] = {
            member: [forecasts[model.key].select(rows[series]) for model in trained_models.by_name(member)]
            for member in combined.weights
        }
        point = combination_folder.weighted_mean(
            combined.weights, {member: [seed.point for seed in seeds] for member, seeds in own.items()}
        )
        levels, quantiles = combined.held_out.quantile_levels, None
        if levels:
            quantiles = combination_folder.weighted_mean(
                combined.weights,
                {
                    member: [seed.quantiles for seed in seeds if seed.quantiles is not None]
                    for member, seeds in own.items()
                },
            )
        forecast = backtest.Forecast(point[..., None], quantiles, levels)
        parts.append(calibrate(folder, forecast, series_spec.for_series(spec, series), series))
        if all(series in seed.between for seeds in own.values() for seed in seeds):
            means = {
                member: combination.mean_over_seeds([seed.between[series] for seed in seeds])
                for member, seeds in own.items()
            }
            others = combination.weigh(means, combined.weights)
            if others is not None:
                between[series] = others if levels else replace(others, quantiles=None, quantile_levels=())
    return replace(concatenate_forecasts(parts), between=between)


def _describe(settings: Combination, by_series: Mapping[str, CombinedSeries]) -> dict[str, Any]:
    """Rule, number of validation origins, and series → member → weight, which is 0 for a member that did not help."""
    origins: Sequence[int] = [len(combined.held_out.days) for combined in by_series.values()]
    return {
        "rule": settings.weights,
        "top": settings.top,
        "origins": min(origins),
        "weights": {
            series: {member: tables.round_significant(weight) for member, weight in combined.weights.items()}
            | dict.fromkeys(combined.without_weight, 0.0)
            for series, combined in by_series.items()
        },
    }
