"""What is reported about cuDNN is what Keras decides: its own check runs, with a GPU pretended."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import pytest

from strokecast.training import cudnn


def lstm(**settings: Any) -> Any:
    return keras.layers.LSTM(2, name="layer", **settings)


def gru(**settings: Any) -> Any:
    return keras.layers.GRU(2, name="layer", **settings)


def network(layer: Any) -> Any:
    inputs = keras.Input((5, 3))
    return keras.Model(inputs, layer(inputs))


@pytest.fixture
def kernel_calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The recurrent kernels (variables' values) with which Keras calls cuDNN's; its own loop runs in their place."""
    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    calls = []

    def record(*arguments: Any, **_: Any) -> Any:
        calls.append(arguments)
        raise NotImplementedError

    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    monkeypatch.setattr(rnn, "_cudnn_lstm", record)
    monkeypatch.setattr(rnn, "_cudnn_gru", record)
    return calls


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lstm, ""),
        (gru, ""),
        (lambda: lstm(dropout=0.3, go_backwards=True, return_sequences=True), ""),
        (lambda: lstm(activation="relu"), "activation is relu, not tanh"),
        (lambda: gru(recurrent_activation="relu"), "recurrent_activation is relu, not sigmoid"),
        (lambda: gru(recurrent_dropout=0.1), "recurrent_dropout is 0.1, not 0"),
        (lambda: lstm(unroll=True), "unroll is true"),
        (lambda: gru(use_bias=False), "use_bias is false"),
        (lambda: gru(reset_after=False), "reset_after is false"),
        (lambda: lstm(use_cudnn=False), "use_cudnn is false"),
        (
            lambda: keras.layers.SimpleRNN(2, name="layer"),
            "cuDNN has no kernel that Keras uses for SimpleRNN",
        ),
    ],
)
def test_the_reason_is_the_condition_that_keras_checks(
    layer: Any, reason: str, kernel_calls: list[Any]
) -> None:
    model = network(layer())
    kernel_calls.clear()
    model(keras.ops.ones((1, 5, 3)), training=True)
    assert cudnn.reasons(model, "gpu") == {"layer": reason}
    assert bool(kernel_calls) == (not reason)


def test_without_a_gpu_and_with_xla_no_layer_runs_on_cudnn() -> None:
    model = network(gru())
    assert cudnn.reasons(model, "cpu") == {"layer": "the device is a CPU"}
    assert cudnn.reasons(model, "gpu", jit_compile=True) == {"layer": "XLA compiles the steps (jit_compile)"}


def test_layers_with_one_answer_share_a_part_of_the_line() -> None:
    found = {"gru_1": "", "gru_2": "", "decoder": "unroll is true"}
    assert cudnn.describe(found) == "gru_1, gru_2: yes; decoder: no, because unroll is true"
    assert cudnn.describe({}) == ""


def test_switched_off_layers_use_the_loop(kernel_calls: list[Any]) -> None:
    model = network(keras.layers.Bidirectional(gru()))
    cudnn.switch_off(model)
    model(keras.ops.ones((1, 5, 3)))
    assert set(cudnn.reasons(model, "gpu").values()) == {"use_cudnn is false"}
    assert kernel_calls == []
