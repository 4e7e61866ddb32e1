"""`conv_rnn` with `ensemble_size`: the logits are the mean of the members' log-probabilities."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from strokecast.models.common import registry

SMALL = {"filters": [4, 6], "kernels": [3, 3], "strides": [2, 1], "units": 5, "layers": 1, "image": 3}
SPEC = {"classes": ["a", "b", "c"]}


def build(ensemble_size: int) -> Any:
    keras.utils.set_random_seed(1)
    config = registry.config("classify", "conv_rnn", SMALL | {"ensemble_size": ensemble_size})
    return registry.get("classify", "conv_rnn").build(config, SPEC)


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    length = np.array([12, 5, 9], np.int32)
    strokes = rng.normal(size=(3, 12, 3)).astype(np.float32)
    strokes[:, :, 2] = strokes[:, :, 2] > 1
    return {"strokes": strokes * (np.arange(12)[None, :, None] < length[:, None, None]), "length": length}


@pytest.fixture(scope="module")
def pair() -> Any:
    return build(2)


def test_logits_are_the_mean_of_the_members_log_probabilities(pair: Any, inputs: dict[str, Any]) -> None:
    outputs = [pair.get_layer(f"log_probs_{number}").output for number in (1, 2)]
    first, second = (np.asarray(log_probs) for log_probs in keras.Model(pair.inputs, outputs)(inputs))
    np.testing.assert_allclose(np.exp(first).sum(axis=1), 1.0, rtol=1e-5)
    assert np.abs(first - second).max() > 1e-3  # the members have different initial weights
    np.testing.assert_allclose(np.asarray(pair(inputs)), (first + second) / 2, atol=1e-6)


def test_parameters_scale_with_the_ensemble_and_variable_paths_are_unique() -> None:
    one, three = build(1), build(3)
    assert three.count_params() == 3 * one.count_params()
    paths = [variable.path for variable in three.variables]
    assert len(set(paths)) == len(paths)


def test_ensemble_saves_and_loads(pair: Any, inputs: dict[str, Any], tmp_path: Path) -> None:
    pair.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(loaded(inputs)), np.asarray(pair(inputs)))
