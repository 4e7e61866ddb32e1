"""Metrics of the task draw."""

import numpy as np
import pytest

from strokecast.evaluation.common.bootstrap import BootstrapSettings
from strokecast.evaluation.draw.metrics import (
    Likelihood,
    RealDrawings,
    class_metrics,
    mean_with_interval,
)

SETTINGS = BootstrapSettings(resamples=100, level=0.95, seed=0)


def test_the_nll_is_the_sum_of_both_terms():
    likelihood = Likelihood(np.array([1.0, 3.0]), np.array([0.5, 0.0]), np.array([0.1, 0.3]))
    assert likelihood.metrics("valid_") == {
        "valid_nll": 2.25,
        "valid_reconstruction": 2.0,
        "valid_kl": 0.25,
        "valid_kl_latent": pytest.approx(0.2),
    }


def test_the_interval_contains_the_mean_and_narrows_with_more_values():
    settings = BootstrapSettings(resamples=500, level=0.95, seed=0)
    few, many = np.repeat([0.0, 1.0], 10), np.repeat([0.0, 1.0], 1000)
    share, low, high = mean_with_interval(few, settings)
    assert (share, low < 0.5 < high) == (0.5, True)
    _, narrow_low, narrow_high = mean_with_interval(many, settings)
    assert low < narrow_low < narrow_high < high
    assert mean_with_interval(np.ones(5), SETTINGS) == (1.0, 1.0, 1.0)


def test_metrics_per_class(real, draw_spec):
    classes = draw_spec["classes"]
    predicted = ["ant"] * 4 + ["bed", "ant", "ant", "bed"] + ["ant"] * 4
    real_predicted = ["ant" if label == 0 else "bed" for label in real.labels]
    ant, bed, tower = class_metrics(predicted, real_predicted, real, classes, SETTINGS)
    assert (ant.samples, ant.recognised, ant.low, ant.high, ant.most_common_error) == (4, 1.0, 1.0, 1.0, "")
    assert (bed.recognised, bed.most_common_error, bed.real, bed.real_recognised) == (0.5, "ant", 5, 1.0)
    assert (tower.recognised, tower.most_common_error, tower.real_recognised) == (0.0, "ant", 0.0)
    two = RealDrawings(real.labels[:2], real.strokes[:2])
    rows = class_metrics(predicted, real_predicted[:2], two, classes, SETTINGS)
    assert np.isnan(rows[2].real_recognised)
