"""FLOPs of tiny networks, counted by hand."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from strokecast.training import flops

L = keras.layers


def count(shape: tuple[int | None, ...], *layers: Any, length: int = 5) -> int | None:
    inputs = x = keras.Input(shape, name="x")
    for layer in layers:
        x = layer(x)
    return flops.per_example(keras.Model({"x": inputs}, x), length)


@pytest.mark.parametrize(
    ("shape", "layers", "expected"),
    [
        ((3,), [L.Dense(4), L.ReLU(), L.Dense(2)], 2 * (3 * 4 + 4 * 2)),
        ((None, 3), [L.Dense(4)], 5 * 2 * 3 * 4),  # of each of five steps
        ((7, 3), [L.Conv1D(4, 2)], 6 * 2 * 2 * 3 * 4),
        ((7, 5, 3), [L.Conv2D(4, (2, 1), padding="same")], 35 * 2 * 2 * 3 * 4),
        ((None, 3), [L.LSTM(4)], 5 * 2 * 4 * 4 * (3 + 4)),  # the loop's body, five times
        ((None, 3), [L.Bidirectional(L.GRU(4))], 2 * 5 * 2 * 3 * 4 * (3 + 4)),
        ((7, 3), [L.SimpleRNN(4, return_sequences=True)], 7 * 2 * 4 * (3 + 4)),
    ],
)
def test_flops_are_two_per_multiplication(shape: Any, layers: Any, expected: int) -> None:
    assert count(shape, *layers) == expected


def test_attention_counts_its_two_products() -> None:
    x = keras.Input((None, 3), name="x")
    attended = L.Attention()([x, x])
    assert flops.per_example(keras.Model({"x": x}, attended), 5) == 2 * (2 * 5 * 5 * 3)
