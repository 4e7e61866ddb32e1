"""The search space of a model, and the YAML file that changes it."""

import pytest

from strokecast.common.errors import UserError
from strokecast.models.common.search_space import Choices, Range
from strokecast.tuning import space


def test_a_network_has_the_keys_of_its_architecture_and_of_its_recipe():
    assert {"config.units", "training.learning_rate"} <= set(space.load("classify", "gru"))
    assert set(space.load("classify", "logistic")) == {"config.l2"}


def test_a_file_replaces_adds_and_removes_keys(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "config: {units: [16, 32], layers: null, dropout: {low: 0, high: 1}}\n"
        "training: {learning_rate: {low: 0.001, high: 0.01, log: true}}\n"
    )
    found = space.load("classify", "gru", path)
    assert found["config.units"] == Choices((16, 32))
    assert found["config.dropout"] == Range(0.0, 1.0)
    assert not found["config.dropout"].is_integer
    assert found["training.learning_rate"] == Range(0.001, 0.01, log=True)
    assert "config.layers" not in found
    only = space.load("classify", "gru", path, ("config.units", "training.batch_size"))
    assert space.grid(only) == [
        {"config.units": units, "training.batch_size": size} for units in (16, 32) for size in (32, 64, 128)
    ]
    assert space.nested({"config.units": 8, "training.epochs": 2}) == {
        "config": {"units": 8},
        "training": {"epochs": 2},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {}", "unknown section 'models'"),
        ("config: 3", "is not a mapping"),
        ("config: {units: 8}", "space.yaml: config.units: is not a range"),
        ("config: {units: []}", "is not a range"),
        ("config: {units: {low: 8, high: 8}}", "is not a range"),
        ("config: {units: {low: 0, high: 8, log: true}}", "is not a range"),
        ("config: {units: {low: 1, high: 8, step: 2}}", "is not a range"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(tmp_path, text, message):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        space.load("classify", "gru", path)


@pytest.mark.parametrize(
    ("name", "only", "message"),
    [
        ("seasonal_naive_7", (), "has no search space"),
        ("gru", ("config.unit",), "'config.unit' has no range.*did you mean 'config.units'"),
        ("grux", (), "unknown architecture 'grux'"),
    ],
)
def test_a_model_or_key_without_a_range_is_one_line(name, only, message):
    with pytest.raises(UserError, match=message):
        space.load("forecast", name, None, only)
