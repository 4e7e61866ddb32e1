"""The registry of architectures, and the checks of their configs."""

import json
import subprocess
import sys

import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.common.config import Config
from strokecast.params import TASKS
from strokecast.params.training import RECIPES


def test_an_unknown_architecture_lists_the_choices() -> None:
    with pytest.raises(
        UserError, match=r"models\.classify\.lstn: unknown architecture 'lstn'; choose one of .*, gru, .*lstm"
    ):
        registry.get("classify", "lstn")
    with pytest.raises(
        UserError, match="unknown task 'paint'; choose one of classify, watch, draw, forecast"
    ):
        registry.get("paint", "lstm")


@pytest.mark.parametrize(
    ("task", "name", "values", "line"),
    [
        ("classify", "gru", {"unit": 3}, r"models\.classify\.gru\.config\.unit: unknown key 'unit'; choose one of units, .*did you mean 'units'"),
        ("classify", "gru", {"units": 0}, r"models\.classify\.gru\.config\.units: 0 is not valid; allowed: integer from 1 to 4096"),
        ("classify", "lstm", {"dropout": "0.1"}, r"config\.dropout: '0.1' is not valid; allowed: number"),
        ("classify", "conv_rnn", {"kernels": [5, 5]}, "filters, kernels and strides should have the same length"),
        ("classify", "transformer", {"d_model": 20, "num_heads": 3}, "d_model should be a multiple of num_heads"),
        ("classify", "raster_cnn", {"pixels": 8, "filters": [2, 2, 2, 2]}, "pixels should be at least 2 to the power of the number of filters"),
        ("classify", "layer_norm_lstm", {"dropout_kind": "kept"}, r"choose one of variational, per_step"),
        ("classify", "conv_rnn", {"strides": [2, 2, 0]}, r"config\.strides\.2: 0 is not valid"),
        ("draw", "sketch_rnn", {"kl_decay": 1.0}, r"models\.draw\.sketch_rnn\.config\.kl_decay: 1.0 is not valid; allowed: .*< 1"),
        ("draw", "class_decoder", {"latent": 8}, r"models\.draw\.class_decoder\.config\.latent: unknown key 'latent'"),
        ("draw", "class_decoder", {"norm": "batch"}, r"config\.norm: 'batch' is not valid; choose one of none, layer"),
        ("forecast", "gru", {"residual": "weekly"}, r"config\.residual: 'weekly' is not valid; choose one of auto, none, last_week, last_year, mean_28"),
        ("forecast", "gru", {"quantiles": [0.9, 0.5]}, "quantiles should be strictly increasing and contain 0.5"),
        ("forecast", "gru", {"quantiles": [0.1, 0.9]}, "quantiles should be strictly increasing and contain 0.5"),
        ("forecast", "gru", {"quantiles": [0.5, 1.0]}, r"config\.quantiles\.1: 1.0 is not valid; allowed: less than 1"),
        ("forecast", "conv_gru", {"kernel": 2, "stride": 3}, "stride should be at most kernel"),
        ("forecast", "linear", {"units": 3}, r"config\.units: unknown key"),
    ],
)  # fmt: skip
def test_a_bad_config_is_one_line(task: str, name: str, values: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line):
        registry.config(task, name, values)


@pytest.mark.slow
def test_reading_a_config_imports_neither_keras_nor_another_architecture() -> None:
    code = (
        "import json, sys; from strokecast.models.common import registry; registry.config('classify', 'gru', {}); "
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] in ('keras', 'tensorflow') "
        "or m.startswith('strokecast.models.')]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    expected = [
        "common",
        "common.config",
        "common.registry",
        "common.search_space",
        "classify",
        "classify.gru",
    ]
    assert sorted(json.loads(out)) == sorted(f"strokecast.models.{name}" for name in expected)


@pytest.mark.parametrize("task", TASKS)
def test_training_defaults_are_keys_of_the_recipe_of_the_task(task: str) -> None:
    for name in registry.names(task):
        defaults = registry.get(task, name).training
        assert set(defaults) <= set(RECIPES[task].model_fields), name
        RECIPES[task].model_validate(dict(defaults))


def test_training_defaults_are_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", {})
    declared = {"epochs": 3}
    registry.register("classify", "gru", Config, Config(), training=declared)(lambda config, spec: None)
    declared["epochs"] = 4
    architecture = registry._REGISTERED["classify", "gru"]
    assert architecture.training == {"epochs": 3}
    with pytest.raises(TypeError):
        architecture.training["epochs"] = 5  # type: ignore[index]
