"""Keys and values of a run made from names that users choose: MLflow takes them, and nothing is lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strokecast.common import names
from strokecast.tracking import run_record

NAMES = st.text(min_size=1, max_size=200).filter(lambda name: not names.problem(name))
ODD_NAMES = (
    "visits, in %",
    "O'Brien",
    "a/b",
    "..",
    "a $_$ b",
    "<b>&",
    "x_x0025_",
    "\u6f22\u5b57",
    "\U0001f600",
    '"\\',
)


def decode(key: str) -> str:
    return re.sub(r"_x([0-9A-F]{4,6})_", lambda match: chr(int(match[1], 16)), key)


def check_by_mlflow(params: dict[str, str], metrics: list[str]) -> None:
    from mlflow.utils import validation

    for key, value in params.items():
        validation._validate_param(key, value)
        assert len(value) <= run_record.MAX_PARAM_LENGTH
    for key in metrics:
        validation._validate_metric(key, 1.0, 0, 0)


def named_spec(name: str, other: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A spec in which names of the user stand wherever they can."""
    transform = {"kind": "none", "power": 0.0, "mean": 1.0, "std": 1.0}
    return {
        **spec,
        "name": f"series: {name}",
        "unit": name,
        "classes": [name, other],
        "class_counts": {name: 1, other: 2},
        "targets": [name],
        "past_covariates": [other],
        "channels": [name, other, f"series: {name}"],
        "transforms": {name: transform, other: transform},
        "series": {name: {"name": name, "transforms": {name: transform}}},
        "series_ids": [name, other],
    }


@settings(max_examples=60, deadline=None)
@given(NAMES, NAMES)
def test_any_name_is_a_value_of_a_param_and_no_key(specs: dict[str, Any], name: str, other: str) -> None:
    spec = named_spec(name, other, specs["forecast"])
    config = {"task": "forecast", "name": "gru", "seed": 1, "config": {"units": 8}}
    params = run_record.params(config, spec, "network")
    check_by_mlflow(params, [])
    plain = run_record.params(config, named_spec("a", "b", specs["forecast"]), "network")
    assert list(params) == list(plain)
    assert json.loads(params["features.class_counts"]) == spec["class_counts"]
    assert json.loads(params["features.transforms"]) == spec["transforms"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_list_of_names_can_be_read_back(specs: dict[str, Any], name: str) -> None:
    config = {"task": "classify", "name": "gru", "seed": 1}
    params = run_record.params(config, specs["classify"] | {"classes": [name, "b"]}, "network")
    text = params["features.classes"]
    assert (json.loads(text) if "," in name else text.split(", ")) == [name, "b"]


@settings(max_examples=200, deadline=None)
@given(NAMES)
def test_the_metric_of_a_column_has_a_key_that_shows_its_name(name: str) -> None:
    key = run_record.metric_key(f"test/mae_target_{name}")
    check_by_mlflow({}, [key])
    if len(key) < 250:
        assert decode(key) == f"test/mae_target_{name}"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_columns_have_distinct_metrics(name: str) -> None:
    keys = {
        run_record.metric_key(f"test/mae_target_{one}") for one in (name, name + "_", name * 100, name * 101)
    }
    check_by_mlflow({}, list(keys))
    assert len(keys) == 4
    assert all(key.startswith("test/mae_target_") for key in keys)


def test_ordinary_metrics_keep_their_names() -> None:
    for key in (
        "test/mae",
        "test/accuracy_length_1-25",
        "test/mae_minus_seasonal_naive_364_low",
        "test/mae_target_rail x",
    ):
        assert run_record.metric_key(key) == key
