"""The custom LSTM cell against `keras.layers.LSTM`."""

from typing import Any

import numpy as np
import pytest

UNITS = 7


@pytest.mark.parametrize("mask", ["none", "right_padded", "scattered"])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_outputs_and_gradients_equal_keras(
    return_sequences: bool, mask: str, assert_equal_to_keras: Any
) -> None:
    import keras

    from strokecast.models.layers.lstm_cell import LSTMCell

    assert_equal_to_keras(keras.layers.LSTM(UNITS, return_sequences=return_sequences), LSTMCell(UNITS), mask)


def test_forget_gate_bias_starts_at_one() -> None:
    from strokecast.models.layers.lstm_cell import LSTMCell

    cell = LSTMCell(UNITS)
    cell.build((None, 5))
    np.testing.assert_array_equal(cell.bias.numpy(), np.repeat([0, 1, 0, 0], UNITS))
