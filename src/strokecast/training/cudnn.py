"""Which recurrent layers run on cuDNN, by the conditions that Keras checks before it calls cuDNN's kernel.

Keras calls the kernel from `LSTM` and `GRU` alone (`keras/src/layers/rnn/{lstm,gru}.py`,
`keras/src/backend/tensorflow/rnn.py: cudnn_ok`). It also requires masks that are right-padded and have no empty row; all masks
of this project are, because they are made from lengths of at least one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

KERNELS = ("LSTM", "GRU")


def reasons(model: Any, kind: str, jit_compile: bool = False) -> dict[str, str]:
    """Why recurrent layers do not run on cuDNN in training: path of the layer → reason, "" if it does.

    Args:
        model: keras.Model.
        kind: kind of the device, `cpu` or `gpu`.
        jit_compile: whether the steps are compiled with XLA, which cannot call cuDNN's recurrent kernel.
    """
    from strokecast.models.layers.day_decoder import DayDecoder

    stepwise = [
        layer.rnn for layer in model.layers if isinstance(layer, DayDecoder) and not layer.teacher_forcing
    ]
    found = {}
    for layer in _recurrent_layers(model):
        reason = _reason(layer)
        if not reason and any(layer is one for one in stepwise):
            reason = "it runs day by day (teacher_forcing is false)"
        if not reason and jit_compile:
            reason = "XLA compiles the steps (jit_compile)"
        if not reason and kind != "gpu":
            reason = "the device is a CPU"
        found[layer.path] = reason
    return found


def describe(found: dict[str, str]) -> str:
    """The result of `reasons` in one line, such as `gru_1, gru_2: yes; decoder: no, because ...`; "" without layers."""
    layers: dict[str, list[str]] = {}
    for path, reason in found.items():
        layers.setdefault(f"no, because {reason}" if reason else "yes", []).append(path)
    return "; ".join(f"{', '.join(paths)}: {answer}" for answer, paths in layers.items())


def switch_off(model: Any) -> None:
    """Let all recurrent layers use Keras's own loop, also on a GPU."""
    for layer in _recurrent_layers(model):
        if type(layer).__name__ in KERNELS:
            layer.use_cudnn = False


def _recurrent_layers(model: Any) -> Iterator[Any]:
    """Every layer of `model` that Keras loops over time, also inside of other layers; each once."""
    import keras

    seen: set[int] = set()
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN) and id(layer) not in seen:
            seen.add(id(layer))
            yield layer


def _reason(layer: Any) -> str:
    """The first condition on the layer's own settings that is not met; "" if all are."""
    import keras

    if type(layer).__name__ not in KERNELS:
        return f"cuDNN has no kernel that Keras uses for {_cell_name(layer)}"
    conditions: Sequence[tuple[bool, str]] = (
        (layer.use_cudnn in ("auto", True), "use_cudnn is false"),
        (
            layer.activation is keras.activations.tanh,
            f"activation is {_function_name(layer.activation)}, not tanh",
        ),
        (
            layer.recurrent_activation is keras.activations.sigmoid,
            f"recurrent_activation is {_function_name(layer.recurrent_activation)}, not sigmoid",
        ),
        (not layer.recurrent_dropout, f"recurrent_dropout is {layer.recurrent_dropout}, not 0"),
        (not layer.unroll, "unroll is true"),
        (layer.use_bias, "use_bias is false"),
        (getattr(layer, "reset_after", True), "reset_after is false"),
    )
    return next((reason for met, reason in conditions if not met), "")


def _cell_name(layer: Any) -> str:
    plain = type(layer).__name__ in ("RNN", "Bidirectional")
    return type(layer.cell).__name__ if plain else type(layer).__name__


def _function_name(function: Any) -> str:
    return str(getattr(function, "__name__", function))
