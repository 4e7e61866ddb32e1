"""Every key of every architecture's config changes what is built."""

import json
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin

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
        "height": 56,  # patches of 7 and of 8 fit
        "width": 56,
        "steps_per_frame": 16,
    },
    "forecast": {
        "task": "forecast",
        "window": 21,
        "horizon": 9,
        "targets": ["y"],
        "covariates": [],
        "future": ["weekday", "lag_364"],
        "channels": ["y", "weekday", "lag_364"],
    },
}
NETWORKS = [
    (task, name)
    for task in TASKS
    for name in registry.names(task)
    if registry.get(task, name).kind == "network"
]
FITTED = [
    (task, name)
    for task in TASKS
    for name in registry.names(task)
    if registry.get(task, name).kind == "estimator"
]
KEYS = [(task, name, key) for task, name in NETWORKS for key in registry.get(task, name).config.model_fields]
FITTED_KEYS = [
    (task, name, key)
    for task, name in FITTED
    if task == "classify"
    for key in registry.get(task, name).config.model_fields
]
REGRESSION_KEYS = [
    (task, name, key)
    for task, name in FITTED
    if task == "forecast"
    for key in registry.get(task, name).config.model_fields
]
RULE_KEYS = [
    (task, name, key)
    for task in TASKS
    for name in registry.names(task)
    if registry.get(task, name).kind == "rule"
    for key in registry.get(task, name).config.model_fields
]


def graph(task: str, name: str, config: Any) -> str:
    model = registry.get(task, name).build(config, SPECS[task])
    return json.dumps([model.get_config(), model.count_params()], sort_keys=True, default=str)


def other(value: Any, field: Any) -> Any:
    """A legal value that differs from `value`."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return next(choice for choice in get_args(annotation) if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple) and all(isinstance(part, float) for part in value):  # levels of quantiles
        return value[1:-1] or (0.5,)
    if isinstance(value, tuple):
        return value[::-1] if value[::-1] != value else (value[0] + 1, *value[1:])
    if isinstance(value, float):
        return value / 2 if value else 0.25
    assert isinstance(value, int), f"say here how to vary a {type(value).__name__}"
    return value + next((rule.multiple_of for rule in field.metadata if hasattr(rule, "multiple_of")), 1)


@pytest.mark.parametrize(("task", "name"), NETWORKS)
def test_equal_configs_give_equal_graphs(task: str, name: str) -> None:
    testing = registry.get(task, name).testing
    assert graph(task, name, testing) == graph(task, name, testing)


@pytest.mark.parametrize(("task", "name", "key"), KEYS)
def test_each_key_changes_the_graph(task: str, name: str, key: str) -> None:
    architecture = registry.get(task, name)
    value = other(getattr(architecture.testing, key), architecture.config.model_fields[key])
    changed = registry.config(task, name, {**architecture.testing.model_dump(), key: value})
    assert graph(task, name, changed) != graph(task, name, architecture.testing)


@pytest.mark.parametrize(("task", "name", "key"), RULE_KEYS)
def test_each_key_changes_what_a_rule_says(task: str, name: str, key: str) -> None:
    architecture = registry.get(task, name)
    values = (
        50 + np.cumsum(np.random.default_rng(1).normal(0.3, 1, 126)) + np.tile([0, 1, 2, 2, 1, -4, -5], 18)
    )

    def forecast(config: Any) -> Any:
        rule = architecture.build(config, SPECS[task])
        rule.find(values)
        return rule.predict(SimpleNamespace(values=values, next_days=np.arange(9)))

    value = other(getattr(architecture.testing, key), architecture.config.model_fields[key])
    value = [7, 21] if key == "seasons" else value
    changed = registry.config(task, name, {**architecture.testing.model_dump(), key: value})
    assert np.abs(forecast(changed) - forecast(architecture.testing)).max() > 1e-6


@pytest.mark.parametrize(("task", "name", "key"), REGRESSION_KEYS)
def test_each_key_changes_what_a_regression_says(task: str, name: str, key: str) -> None:
    architecture, spec = registry.get(task, name), SPECS[task]
    rng = np.random.default_rng(1)
    past = rng.normal(size=(60, 21, 3)).astype(np.float32)
    inputs = {"past": past, "future": rng.normal(size=(60, 9, 2)).astype(np.float32)}
    target = (past[:, -9:, :1] + rng.normal(0, 0.3, (60, 9, 1))).astype(np.float32)

    def forecast(config: Any) -> Any:
        model = architecture.build(config, spec)
        model.fit(inputs, target, seed=1)
        return model.predict(inputs)

    value = other(getattr(architecture.testing, key), architecture.config.model_fields[key])
    changed = registry.config(task, name, {**architecture.testing.model_dump(), key: value})
    assert np.abs(forecast(changed) - forecast(architecture.testing)).max() > 1e-6


@pytest.mark.parametrize(("task", "name", "key"), FITTED_KEYS)
def test_each_key_changes_what_is_fitted(task: str, name: str, key: str) -> None:
    architecture = registry.get(task, name)
    rng = np.random.default_rng(1)
    strokes = rng.normal(size=(40, 12, 3)).astype(np.float32)
    length, label = np.full(40, 12), np.arange(40) % 5

    def chances(config: Any) -> Any:
        estimator = architecture.build(config, SPECS[task])
        estimator.fit([(strokes, length, label)])
        return estimator.predict(strokes[:, ::-1], length)

    value = other(getattr(architecture.testing, key), architecture.config.model_fields[key])
    changed = registry.config(task, name, {**architecture.testing.model_dump(), key: value})
    assert np.abs(chances(changed) - chances(architecture.testing)).max() > 1e-6


@pytest.mark.parametrize(("task", "name", "key"), KEYS + FITTED_KEYS + REGRESSION_KEYS + RULE_KEYS)
def test_each_key_says_what_it_is(task: str, name: str, key: str) -> None:
    field = registry.get(task, name).config.model_fields[key]
    assert field.description
    assert field.metadata or get_origin(field.annotation) is Literal or field.annotation is bool, (
        "no range is stated"
    )
