"""`conv_rnn` with several columns: one network whose answer is the mean of what they say."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from strokecast.models.common import registry

SMALL = {"filters": [4, 6], "kernels": [3, 3], "strides": [2, 1], "units": 5, "layers": 1, "image": 3}
SPEC = {"classes": ["a", "b", "c"]}


def built(columns: int) -> Any:
    keras.utils.set_random_seed(1)
    config = registry.config("classify", "conv_rnn", SMALL | {"columns": columns})
    return registry.get("classify", "conv_rnn").build(config, SPEC)


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    length = np.array([12, 5, 9], np.int32)
    strokes = rng.normal(size=(3, 12, 3)).astype(np.float32)
    strokes[:, :, 2] = strokes[:, :, 2] > 1
    return {"strokes": strokes * (np.arange(12)[None, :, None] < length[:, None, None]), "length": length}


def test_the_answer_is_the_mean_of_the_log_probabilities(inputs: dict[str, Any]) -> None:
    model = built(2)
    both = keras.Model(model.inputs, [model.get_layer(f"says_{number}").output for number in (1, 2)])
    first, second = (np.asarray(said) for said in both(inputs))
    np.testing.assert_allclose(np.exp(first).sum(axis=1), 1.0, rtol=1e-5)
    assert np.abs(first - second).max() > 1e-3  # they start from other weights
    np.testing.assert_allclose(np.asarray(model(inputs)), (first + second) / 2, atol=1e-6)


def test_columns_multiply_the_weights_and_each_has_a_path_of_its_own() -> None:
    one, three = built(1), built(3)
    assert three.count_params() == 3 * one.count_params()
    paths = [variable.path for variable in three.variables]
    assert len(set(paths)) == len(paths)


def test_columns_are_kept(inputs: dict[str, Any], tmp_path: Path) -> None:
    model = built(2)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(again(inputs)), np.asarray(model(inputs)))
