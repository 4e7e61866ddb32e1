"""The registry, the configs' own checks, and the rules."""

import json
import subprocess
import sys

import numpy as np
import pytest

from strokecast.errors import UserError
from strokecast.models import registry
from strokecast.models.rules import SeasonalNaive


def test_an_unknown_architecture_lists_the_choices() -> None:
    with pytest.raises(
        UserError, match=r"models\.classify\.lstn: unknown architecture 'lstn'; allowed: .*, gru, .*lstm"
    ):
        registry.get("classify", "lstn")
    with pytest.raises(UserError, match="unknown task 'paint'; allowed: classify, watch, draw, forecast"):
        registry.get("paint", "lstm")


@pytest.mark.parametrize(
    ("task", "name", "values", "line"),
    [
        ("classify", "gru", {"unit": 3}, r"models\.classify\.gru\.config\.unit: unknown key 'unit'; allowed: units, .*did you mean 'units'"),
        ("classify", "gru", {"units": 0}, r"models\.classify\.gru\.config\.units: 0 will not do; allowed: .*>= 1"),
        ("classify", "lstm", {"dropout": "0.1"}, r"config\.dropout: '0.1' will not do; allowed: number"),
        ("classify", "conv_rnn", {"kernels": [5, 5]}, "lists of one length"),
        ("classify", "transformer", {"size": 20, "heads": 3}, "a multiple of heads"),
        ("classify", "raster_cnn", {"pixels": 8, "filters": [2, 2, 2, 2]}, "as many halvings"),
        ("classify", "layer_norm_lstm", {"dropout_kind": "kept"}, r"variational \| per_step"),
        ("classify", "conv_rnn", {"strides": [2, 2, 0]}, r"config\.strides\.2: 0 will not do"),
        ("draw", "sketch_rnn", {"kl_decay": 1.0}, r"models\.draw\.sketch_rnn\.config\.kl_decay: 1.0 will not do; allowed: .*< 1"),
        ("draw", "class_decoder", {"latent": 8}, r"models\.draw\.class_decoder\.config\.latent: unknown key 'latent'"),
        ("draw", "class_decoder", {"norm": "batch"}, r"config\.norm: 'batch' will not do; allowed: none \| layer"),
        ("forecast", "gru", {"residual": "weekly"}, r"config\.residual: 'weekly' will not do; allowed: seasonal \| none"),
        ("forecast", "linear", {"units": 3}, r"config\.units: unknown key"),
    ],
)  # fmt: skip
def test_a_bad_config_is_one_line(task: str, name: str, values: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line):
        registry.config(task, name, values)


def test_a_seasonal_residual_needs_a_week() -> None:
    build = registry.get("forecast", "gru").build
    spec = {"window": 6, "horizon": 2, "channels": ["y"]}
    with pytest.raises(
        UserError, match="needs a window of 7 days or more, the window has 6; say residual: none"
    ):
        build(registry.config("forecast", "gru", {"residual": "seasonal"}), spec)
    assert build(registry.config("forecast", "gru", {"residual": "none"}), spec).output_shape == (None, 2)


def test_seasonal_naive_repeats_the_last_season() -> None:
    history = np.arange(20.0)
    np.testing.assert_array_equal(SeasonalNaive(7).predict(history, 3), [13, 14, 15])
    np.testing.assert_array_equal(SeasonalNaive(7).predict(history, 9), [13, 14, 15, 16, 17, 18, 19, 13, 14])
    with pytest.raises(ValueError, match="at least 7 days, received 6"):
        SeasonalNaive(7).predict(history[:6], 1)


def test_reading_a_config_imports_neither_keras_nor_another_architecture() -> None:
    code = (
        "import json, sys; from strokecast.models import registry; registry.config('classify', 'gru', {}); "
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] in ('keras', 'tensorflow') "
        "or m.startswith('strokecast.models.')]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    expected = ["config", "registry", "classify", "classify.gru"]
    assert sorted(json.loads(out)) == sorted(f"strokecast.models.{name}" for name in expected)
