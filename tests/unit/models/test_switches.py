"""Every key of every architecture's config changes what is built."""

import json
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest

from strokecast.models import registry
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
    "forecast": {"task": "forecast", "window": 21, "horizon": 9, "channels": ["y"]},
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
    (task, name, key) for task, name in FITTED for key in registry.get(task, name).config.model_fields
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


@pytest.mark.parametrize(("task", "name", "key"), KEYS + FITTED_KEYS)
def test_each_key_says_what_it_is(task: str, name: str, key: str) -> None:
    field = registry.get(task, name).config.model_fields[key]
    assert field.description
    assert field.metadata or get_origin(field.annotation) is Literal or field.annotation is bool, (
        "no range is stated"
    )
