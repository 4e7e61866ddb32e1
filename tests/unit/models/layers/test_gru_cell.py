"""The custom GRU cell against `keras.layers.GRU`, in both variants."""

from typing import Any

import pytest

UNITS = 7


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("mask", ["none", "right_padded", "scattered"])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_outputs_and_gradients_equal_keras(
    return_sequences: bool, mask: str, reset_after: bool, assert_equal_to_keras: Any
) -> None:
    import keras

    from strokecast.models.layers.gru_cell import GRUCell

    keras_layer = keras.layers.GRU(UNITS, return_sequences=return_sequences, reset_after=reset_after)
    assert_equal_to_keras(keras_layer, GRUCell(UNITS, reset_after=reset_after), mask)
