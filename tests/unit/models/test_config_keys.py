"""Every key of every architecture's config has an effect and a description."""

import functools
import json
from types import SimpleNamespace
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
import pytest

from strokecast.models.common import registry
from strokecast.params import TASKS

SPECS = {
    "classify": {"task": "classify", "classes": [f"c{i}" for i in range(5)]},
    "draw": {"task": "draw", "classes": [f"c{i}" for i in range(5)]},
    "watch": {
        "task": "watch",
        "classes": [f"c{i}" for i in range(5)],
        "frames": 6,
        "height": 56,  # divisible into patches of 7 and of 8
        "width": 56,
        "steps_per_frame": 16,
    },
    "forecast": {
        "task": "forecast",
        "input_size": 21,
        "horizon": 9,
        "targets": ["y"],
        "past_covariates": [],
        "future": ["weekday", "lag_364"],
        "channels": ["y", "weekday", "lag_364"],
        "residual": {"chosen": "last_week"},  # what `residual: auto` stands for
    },
}


def architectures(kind: str, *tasks: str) -> list[tuple[str, str]]:
    """(task, name) of each architecture of a kind."""
    return [
        (task, name)
        for task in tasks or TASKS
        for name in registry.names(task)
        if registry.get(task, name).kind == kind
    ]


def keys(kind: str, *tasks: str) -> list[tuple[str, str, str]]:
    """(task, name, key) of each key of their configs."""
    return [
        (task, name, key)
        for task, name in architectures(kind, *tasks)
        for key in registry.get(task, name).config.model_fields
    ]


NETWORK_KEYS = keys("network")
CLASSIFIER_KEYS = keys("estimator", "classify")
REGRESSION_KEYS = keys("estimator", "forecast")
POOLED = ("calendar_ridge", "lightgbm")  # need years of days
STATISTICAL_KEYS = keys("rule")
# `quantiles` and `pool_series` change no forecast of one series alone: tests/unit/models/pooled/test_pooled_forecaster.py;
# `foundation` needs a pretrained model: tests/unit/models/statistical/test_foundation.py.
SINGLE_SERIES_KEYS = [
    (task, name, key)
    for task, name, key in STATISTICAL_KEYS
    if name != "foundation" and (name, key) not in {("lightgbm", "quantiles"), ("lightgbm", "pool_series")}
]
# Values that differ from what `auto` takes, or by enough to change a forecast.
OTHER_VALUES = {"seasons": [7, 21]}
OTHER_VALUES_POOLED = {"transform": "none", "seasons": True, "leaves": 2, "rows": 3000}


def build_graph(task: str, name: str, config: Any) -> str:
    model = registry.get(task, name).build(config, SPECS[task])
    return json.dumps([model.get_config(), model.count_params()], sort_keys=True, default=str)


@functools.cache
def reference_graph(task: str, name: str) -> str:
    """Graph of the testing config."""
    return build_graph(task, name, registry.get(task, name).testing)


def other_value(value: Any, field: Any) -> Any:
    """A valid value that differs from `value`."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return next(choice for choice in get_args(annotation) if choice != value)
    if get_origin(annotation) is Union:  # "auto" or a value
        return True
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple) and all(isinstance(item, float) for item in value):  # quantile levels
        return value[1:-1] or (0.5,)
    if isinstance(value, tuple):
        return value[::-1] if value[::-1] != value else (value[0] + 1, *value[1:])
    if isinstance(value, float):
        return value / 2 if value else 0.25
    assert isinstance(value, int), f"add here how to vary a {type(value).__name__}"
    return value + next((rule.multiple_of for rule in field.metadata if hasattr(rule, "multiple_of")), 1)


def changed_config(task: str, name: str, key: str, **values: Any) -> Any:
    """The testing config with another value of `key` (or with `values`)."""
    architecture = registry.get(task, name)
    value = other_value(getattr(architecture.testing, key), architecture.config.model_fields[key])
    return registry.config(task, name, {**architecture.testing.model_dump(), key: value, **values})


@pytest.mark.parametrize(("task", "name"), architectures("network"))
def test_equal_configs_give_equal_graphs(task: str, name: str) -> None:
    assert build_graph(task, name, registry.get(task, name).testing) == reference_graph(task, name)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name", "key"), NETWORK_KEYS)
def test_each_key_changes_the_graph(task: str, name: str, key: str) -> None:
    assert build_graph(task, name, changed_config(task, name, key)) != reference_graph(task, name)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "name", "key"), SINGLE_SERIES_KEYS)
def test_each_key_changes_the_forecast_of_a_statistical_forecaster(task: str, name: str, key: str) -> None:
    days = 1260 if name in POOLED else 126
    weekly = np.tile([0, 1, 2, 2, 1, -4, -5], days // 7)
    values = 50 + np.cumsum(np.random.default_rng(1).normal(0.3, 1, days)) + weekly
    if name in POOLED:
        values += 20 * np.sin(np.arange(days) * 2 * np.pi / 365.25) + 50

    history = SimpleNamespace(values=values, next_days=np.datetime64("2020-06-01") + np.arange(9))

    def forecast(config: Any) -> Any:
        model = registry.get(task, name).build(config, SPECS[task])
        model.fit(history)
        return model.predict(history)

    others = OTHER_VALUES_POOLED if name in POOLED else OTHER_VALUES
    changed = changed_config(task, name, key, **({key: others[key]} if key in others else {}))
    assert np.abs(forecast(changed) - forecast(registry.get(task, name).testing)).max() > 1e-6


@pytest.mark.parametrize(("task", "name", "key"), REGRESSION_KEYS)
def test_each_key_changes_the_forecast_of_a_regression(task: str, name: str, key: str) -> None:
    rng = np.random.default_rng(1)
    past = rng.normal(size=(60, 21, 3)).astype(np.float32)
    inputs = {"past": past, "future": rng.normal(size=(60, 9, 2)).astype(np.float32)}
    target = (past[:, -9:, :1] + rng.normal(0, 0.3, (60, 9, 1))).astype(np.float32)

    def forecast(config: Any) -> Any:
        model = registry.get(task, name).build(config, SPECS[task])
        model.fit(inputs, target, seed=1)
        return model.predict(inputs)

    changed = changed_config(task, name, key)
    assert np.abs(forecast(changed) - forecast(registry.get(task, name).testing)).max() > 1e-6


@pytest.mark.parametrize(("task", "name", "key"), CLASSIFIER_KEYS)
def test_each_key_changes_the_probabilities_of_an_estimator(task: str, name: str, key: str) -> None:
    rng = np.random.default_rng(1)
    strokes = rng.normal(size=(40, 12, 3)).astype(np.float32)
    length, label = np.full(40, 12), np.arange(40) % 5

    def probabilities(config: Any) -> Any:
        estimator = registry.get(task, name).build(config, SPECS[task])
        estimator.fit([(strokes, length, label)])
        return estimator.predict_proba(strokes[:, ::-1], length)

    changed = changed_config(task, name, key)
    assert np.abs(probabilities(changed) - probabilities(registry.get(task, name).testing)).max() > 1e-6


@pytest.mark.parametrize(
    ("task", "name", "key"), NETWORK_KEYS + CLASSIFIER_KEYS + REGRESSION_KEYS + STATISTICAL_KEYS
)
def test_each_key_has_a_description_and_a_range(task: str, name: str, key: str) -> None:
    field = registry.get(task, name).config.model_fields[key]
    assert field.description
    choices = (Literal, Union)
    assert field.metadata or get_origin(field.annotation) in choices or field.annotation is bool, (
        "no range is stated"
    )
