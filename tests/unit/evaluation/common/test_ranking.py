"""Ranking of the models of a task."""

import numpy as np

from strokecast.evaluation.common.bootstrap import BootstrapSettings
from strokecast.evaluation.common.ranking import rank_models


def test_models_are_ranked_before_their_metrics_are_rounded(forecast_inputs):
    """Six digits are written: these two metrics are equal there, and the later one is better."""
    trained_models = forecast_inputs.trained_models
    names = trained_models.names
    metrics = {
        model.key: {"mae": 1.00000002 if model.name == names[0] else 1.00000001}
        for model in trained_models.finished
    }
    values = {name: np.full(8, 1.0) for name in names}
    ranked, _ = rank_models(trained_models, metrics, values, "mae", False, BootstrapSettings(10, 0.95, 1))
    assert ranked[-1].name == names[0]
    assert ranked[0].name == names[1]
    assert ranked[0].summary("mae")["mae"] == ranked[-1].summary("mae")["mae"]
