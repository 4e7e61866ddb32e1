"""Trained models from their folders, and the one function that runs a network in inference mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from strokecast.common import archives, file_types
from strokecast.common.errors import UserError
from strokecast.common.files import check_regular
from strokecast.common.import_hiding import start_tensorflow
from strokecast.features.records import spec as specs
from strokecast.inference import network_check
from strokecast.models.common import model_folder, registry


def load_network(folder: Path) -> Any:
    """The `keras.Model` in `folder`/model.keras; registers this project's layers first.

    Raises:
        UserError: if there is no such file, Keras cannot read it, or it is not the network that config.json and
            spec.json in `folder` describe.
    """
    path = folder / "model.keras"
    _check_exists(path)
    _check_keras_file(path)
    start_tensorflow()
    import keras

    from strokecast.models.layers import custom_objects

    try:
        model = keras.models.load_model(path, custom_objects=custom_objects(), compile=False)
    except Exception as error:  # Keras reports damaged and foreign files in many ways
        raise _unreadable(path, f"{type(error).__name__}: {str(error)[:200]}") from error
    network_check.check(model, folder)
    return model


def _check_exists(path: Path) -> None:
    try:
        check_regular(path)
    except UserError as error:
        if error.what != "no such file":
            raise
        raise UserError(error.what, location=str(path), fix="run `dvc repro` to train the model") from None


def _check_keras_file(path: Path) -> None:
    """Check that a file is a zip archive with the parts of a Keras model, and of a size that can be unpacked."""
    file_type = file_types.recognize(path)
    if file_type != file_types.KERAS:
        raise _unreadable(path, f"it is {file_type.name if file_type else 'not a .keras file'}")
    if reason := archives.size_problem(path):
        raise _unreadable(path, reason)


def _unreadable(path: Path, reason: str) -> UserError:
    return UserError(f"cannot be read as a network ({reason})", location=str(path), fix=model_folder.RESTORE)


def load_statistical(folder: Path, series: str = "") -> Any:
    """The `strokecast.models.statistical.base.StatisticalForecaster` in `folder`/model.json, without TensorFlow.

    Args:
        folder: the model folder.
        series: the series of a global model whose specification is used.

    Raises:
        UserError: if there is no such file.
    """
    return load_statistical_by_series(folder, [series])[series]


def load_statistical_by_series(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """`load_statistical` for several series; reads the files once."""
    path = folder / "model.json"
    _check_exists(path)
    stored = model_folder.read(folder, path.name, ("task", "name", "config", "specification"))
    architecture = registry.get(stored["task"], stored["name"])
    if architecture.kind != "rule":
        raise UserError("is not a statistical model", location=str(path), fix=model_folder.RESTORE)
    config = registry.config(stored["task"], stored["name"], stored["config"])
    spec = specs.read(folder)
    models = {}
    for name in names:
        model = architecture.build(config, spec)
        model.specification = stored["specification"][name] if name else stored["specification"]
        model.series, model.shared = name, stored.get("shared")
        models[name] = model
    return models


def quantile_levels(model: Any) -> tuple[float, ...]:
    """The quantile levels of a forecasting network, rising; () for a point forecast or another task."""
    from strokecast.models.layers.horizon import QUANTILES

    layers = [layer for layer in model.layers if layer.name == QUANTILES]
    return tuple(layers[0].levels) if layers else ()


def last_step(output: Any, horizon: int) -> Any:
    """The forecast of a network at the last day of the past, which is what metrics compare.

    Args:
        output: [B, H, D(, Q)], or [B, W, H, D(, Q)] of a sequence-to-sequence network, W > H.
        horizon: H.

    Returns:
        [B, H, D(, Q)].
    """
    return output if output.shape[1] == horizon else output[:, -1]


def inference_function(model: Any) -> Callable[[dict[str, Any]], Any]:
    """`inputs -> outputs` in inference mode as one graph, traced once for all lengths and batch sizes."""
    import tensorflow as tf

    @tf.function(input_signature=[input_signature(model)])
    def run(inputs: dict[str, Any]) -> Any:
        return model(inputs, training=False)

    traced: Callable[[dict[str, Any]], Any] = run
    return traced


def attention_function(model: Any) -> Callable[[dict[str, Any]], Any] | None:
    """`inputs -> weights` of the points in the attention pooling of a network, as one graph.

    Args:
        model: a network, built or loaded.

    Returns:
        Function from the inputs of the network to float32 [B, T], which sums to 1 over the points of a drawing and is 0
        on padding; None for a network without attention pooling.
    """
    from strokecast.models.layers import attention

    if attention.LAYER not in {layer.name for layer in model.layers}:
        return None
    return inference_function(attention.attention_weights(model))


def input_signature(model: Any) -> dict[str, Any]:
    """The inputs of a network: {name: tf.TensorSpec}, with None for unknown sizes."""
    import tensorflow as tf

    return {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in model.inputs}
