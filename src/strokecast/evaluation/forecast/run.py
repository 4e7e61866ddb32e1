"""Evaluates the forecasters."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from strokecast.common import paths
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.evaluation.forecast.adaptation import adapt_intervals
from strokecast.evaluation.forecast.combinations import add_combinations
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.evaluation.forecast.refit import Refitter
from strokecast.evaluation.forecast.report import write_report
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import selection
from strokecast.inference import networks
from strokecast.params import ForecastEvaluation, Params


def evaluate(
    report_dir: Path, trained_models: TrainedModels, processed: Path, spec: Mapping[str, Any], params: Params
) -> str:
    """Write `reports/forecast/`; returns a summary in one line."""
    settings = params.evaluation.forecast
    with tempfile.TemporaryDirectory() as work_dir:
        refitter = None
        if settings.refits:
            features = selection.as_chosen(params.features.forecast, spec.get("selection"))
            params = params.model_copy(
                update={"features": params.features.model_copy(update={"forecast": features})}
            )
            refitter = Refitter(params, paths.VALIDATED / "series", Path(work_dir))
        test, forecasts = forecast_test_split(
            trained_models,
            processed,
            cast(ForecastSpec, spec),
            settings,
            refitter,
        )
    combined = add_combinations(
        report_dir,
        trained_models,
        test,
        forecasts,
        processed,
        cast(ForecastSpec, spec),
        settings.combinations,
    )
    all_forecasts = combined.forecasts
    if settings.intervals == "adaptive":
        all_forecasts = adapt_intervals(
            combined.trained_models, test, all_forecasts, cast(ForecastSpec, spec)
        )
    facts = {**combined.facts, "refits": refit_days(trained_models, settings)}
    return write_report(report_dir, combined.trained_models, test, all_forecasts, settings, facts)


def refit_days(trained_models: TrainedModels, settings: ForecastEvaluation) -> dict[str, int]:
    """Model → days after which it is fitted again as origins move on, by `refit_every` or by itself; others are missing."""
    days = {}
    for name in trained_models.names:
        model = trained_models.by_name(name)[0]
        every = settings.refit_every_by_model.get(name, settings.refit_every)
        if every is None and model.kind == "rule":
            every = networks.load_statistical(model.folder).refit_every
        if every is not None:
            days[name] = int(every)
    return days
