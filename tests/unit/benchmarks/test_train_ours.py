"""benchmarks/train_ours.py: it measures the networks of the plain script, and the training of a preset."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strokecast.models.common import registry

ROOT = Path(__file__).resolve().parents[3]
PEERS = (
    *("attention_rnn", "conv_bilstm", "conv_rnn", "gru"),
    *("layer_norm_lstm", "lstm", "simple_rnn"),
)
SPEC = {"classes": [f"class {index}" for index in range(20)], "bucket_boundaries": [209]}


@pytest.fixture(scope="module")
def modules() -> Iterator[tuple[Any, Any]]:
    """train_ours and plain_keras."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("train_ours"), importlib.import_module("plain_keras")


@pytest.mark.parametrize("name", PEERS)
def test_the_plain_script_has_equal_networks(modules: tuple[Any, Any], name: str) -> None:
    train_ours, plain_keras = modules
    config = registry.config("classify", name, train_ours.peer_config(name))
    own, peer = registry.get("classify", name).build(config, SPEC), plain_keras.NETWORKS[name](209, 20)
    weights = [sum(v.value.shape.num_elements() for v in model.trainable_variables) for model in (own, peer)]
    assert weights[0] == weights[1]


def test_every_measured_config_is_valid(modules: tuple[Any, Any]) -> None:
    train_ours, plain_keras = modules
    assert set(plain_keras.NETWORKS) == set(PEERS) <= set(train_ours.CONFIGS) <= set(train_ours.networks())
    for name in train_ours.CONFIGS:
        registry.config("classify", name, train_ours.CONFIGS[name])


def test_a_preset_gives_config_recipe_and_boundaries(modules: tuple[Any, Any]) -> None:
    training = modules[0].preset_training("quick")
    assert training.bucket_boundaries == (29, 37, 44, 51, 58, 66, 76, 92, 118, 209)
    assert (training.config["filters"], training.config["directions"]) == ([48, 96], False)
    assert (training.recipe.epochs, training.recipe.learning_rate, training.seed) == (18, 0.005, 1)
