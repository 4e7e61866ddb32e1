"""Evaluation of global models, which learned several series."""

import json

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels
from strokecast.evaluation.forecast.predictions import forecast_test_split
from strokecast.evaluation.forecast.probabilistic_metrics import forecast_metrics
from strokecast.evaluation.forecast.refit import Refitter
from strokecast.evaluation.forecast.report import write_report
from strokecast.params import ForecastEvaluation, Params


@pytest.fixture
def trained_models(several_series):
    """One global model of each kind."""
    digest = several_series.spec["digest"]
    models = [
        TrainedModel(
            name,
            1,
            several_series.model_dir(name),
            {"dataset": {"digest": digest}, "kind": kind, "training_id": name},
        )
        for name, kind in several_series.kinds.items()
    ]
    return TrainedModels(models, (), ())


@pytest.mark.usefixtures("without_figures")
def test_metrics_are_means_over_series(several_series, trained_models, tmp_path):
    spec, processed = several_series.spec, several_series.processed
    test, forecasts = forecast_test_split(trained_models, processed, spec, ForecastEvaluation(max_origins=5))
    assert list(test.series) == list(several_series.days)
    naive = forecasts["seasonal_naive_7", 1]
    per_series = [
        forecast_metrics(part, naive.select(test.series_rows()[name]), np.ones(part.actual.shape, bool))
        for name, part in test.series.items()
    ]
    metrics = forecast_metrics(test, naive, np.ones(test.actual.shape, bool))
    for key in ("mae", "mase", "smape", "coverage_80"):
        assert metrics[key] == pytest.approx(np.mean([one[key] for one in per_series]))
    by_hand = [
        several_series.values(name)[np.flatnonzero(several_series.dates(name) == first)[0] + np.arange(-7, 0)]
        for name, part in test.series.items()
        for first in part.first_days
    ]
    assert naive.point.ravel() == pytest.approx(np.concatenate(by_hand))

    folder = tmp_path / "report"
    folder.mkdir()
    outcome = write_report(folder, trained_models, test, forecasts, ForecastEvaluation(resamples=100))
    assert "5 origins of 3 series each" in outcome
    table = pd.read_csv(folder / "series.csv").set_index(["model", "unique_id"])
    written = json.loads((folder / "metrics.json").read_text())
    for name in several_series.kinds:
        for key in ("mae", "mase", "smape"):
            assert table.loc[name][key].mean() == pytest.approx(written[name][key], rel=1e-5)
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert predictions.groupby(["model", "unique_id"], observed=True).size().tolist() == [35] * 9


def test_refits_of_global_models_are_an_error(several_series, trained_models, tmp_path):
    refitter = Refitter(Params(), several_series.root / "validated", tmp_path)
    with pytest.raises(UserError, match="cannot be refitted"):
        forecast_test_split(
            trained_models, several_series.processed, several_series.spec, ForecastEvaluation(), refitter
        )
