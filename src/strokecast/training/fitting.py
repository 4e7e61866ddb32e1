"""Models without a network, from processed data to a model folder. TensorFlow is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.common.files import write_json
from strokecast.features.records import spec as specs
from strokecast.inference import selection
from strokecast.params import ForecastRecipe
from strokecast.training import guards, model_files
from strokecast.training.job import TrainingJob


def fit_estimator(
    job: TrainingJob, processed: Path, folder: Path, *, calibrate: bool = True
) -> dict[str, Any]:
    """Write a fitted model.npz, an empty history.csv, validation.json, config.json and spec.json to `folder`.

    Forecasters also get the files of `training/calibration.py`.

    Args:
        job: the training.
        processed: `data/processed/<task>`.
        folder: existing folder.
        calibrate: see `run.train`.

    Returns:
        The training's part of run.json, as in `run.train_network`.

    Raises:
        UserError: if a class has no training drawing, or the data is damaged.
        TrainingError: if memory runs out.
    """
    spec = specs.load(processed, job.task)
    estimator, facts = job.architecture.build(job.config, spec), {}
    if job.task == "forecast":
        from strokecast.inference import backtest
        from strokecast.training import calibration, forecasters

        seconds, speed = forecasters.fit_regression(estimator, processed, spec, job.seed, job.location)
        if calibrate:
            forecast = backtest.regression_forecaster(estimator, spec)
            correct = job.corrects_online
            facts = calibration.write(
                folder, forecast, processed, spec, 0, None, job.location, correct=correct
            )
    else:
        from strokecast.training import estimators

        seconds, speed, accuracy = estimators.fit(estimator, processed, spec, job.location)
        selection.write_accuracy(folder, accuracy)
    with guards.disk(folder / "model.npz"):
        estimator.save(folder)
    model_files.write_history(folder, "history.csv", model_files.columns(job.task), ())
    model_files.write_config_and_spec(folder, job, processed)
    return _facts_without_network("estimator", estimator.parameters, seconds, speed) | facts


def fit_rule(job: TrainingJob, processed: Path, folder: Path, *, calibrate: bool = True) -> dict[str, Any]:
    """Write model.json, an empty history.csv, config.json, spec.json and the files of `training/calibration.py` to `folder`.

    A slow rule is calibrated on at most `calibration_origins` of the recipe, and not corrected. Nor are seasonal naive
    forecasts, because other models are compared with them.

    Args:
        job: the training.
        processed: `data/processed/forecast`.
        folder: existing folder.
        calibrate: see `run.train`.

    Returns:
        The training's part of run.json, as in `run.train_network`.

    Raises:
        UserError: if there are too few days for the rule.
    """
    from strokecast.features.timeseries import series_spec
    from strokecast.inference import backtest
    from strokecast.models.statistical.seasonal_naive import SeasonalNaive
    from strokecast.training import calibration, forecasters

    spec, location = specs.load(processed, job.task), job.location
    series_names = series_spec.names(spec)
    rules = {series: job.architecture.build(job.config, spec) for series in series_names}
    timed = [
        forecasters.fit_statistical(rules[series], processed, spec, location, series)
        for series in series_names
    ]
    shared = forecasters.fit_shared(rules, processed, spec)
    seconds, speed = sum(taken for taken, _ in timed), min(rate for _, rate in timed)
    rule = rules[series_names[0]]
    origins = job.recipe.calibration_origins if isinstance(job.recipe, ForecastRecipe) else None
    facts = {"remark": rule.remark} if rule.remark else {}
    if calibrate:
        forecast = backtest.statistical_forecasters(rules, spec, location)
        max_origins = origins if rule.slow else None
        correct = job.corrects_online and not rule.slow and not isinstance(rule, SeasonalNaive)
        facts |= calibration.write(
            folder, forecast, processed, spec, rule.min_history, max_origins, location, correct=correct
        )
    one_series = series_names == (series_spec.SINGLE,)
    stored = {
        "task": job.task,
        "name": job.name,
        "config": job.config.model_dump(mode="json"),
        "specification": rule.specification
        if one_series
        else {series: rules[series].specification for series in series_names},
        "min_history": rule.min_history,
    }
    if shared is not None:
        stored["shared"] = shared
    write_json(folder / "model.json", stored)
    model_files.write_history(folder, "history.csv", model_files.columns(job.task), ())
    model_files.write_config_and_spec(folder, job, processed)
    return _facts_without_network("rule", 0, seconds, speed) | facts


def _facts_without_network(kind: str, parameters: int, seconds: float, speed: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "parameters": parameters,
        "train_seconds": round(seconds, 3),
        "best_epoch": None,
        "examples_per_second": round(speed, 1),
        "device": "cpu",
    }
