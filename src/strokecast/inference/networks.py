"""Trained models from their folders, and the one function that runs a network forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.common.stage import start_tensorflow
from strokecast.models.common import registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def load_network(folder: Path) -> Any:
    """The `keras.Model` in `folder`/model.keras; works in a process that knows nothing of our layers yet.

    Raises:
        UserError: if there is no such file, or Keras cannot read it.
    """
    start_tensorflow()
    import keras

    from strokecast.models.layers import custom_objects

    path = folder / "model.keras"
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro` to train the model")
    try:
        return keras.models.load_model(path, custom_objects=custom_objects(), compile=False)
    except (ValueError, OSError) as error:
        raise UserError(
            f"cannot be read as a network ({error})", where=str(path), fix="train it anew"
        ) from error


def load_rule(folder: Path, series: str = "") -> Any:
    """The rule in `folder`/model.json, a `strokecast.models.statistical.rules.Rule`; no TensorFlow.

    Of several series it is the one with what was found for `series`.

    Raises:
        UserError: if there is no such file.
    """
    path = folder / "model.json"
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro` to make the model")
    stored = read_json(path)
    config = registry.config(stored["task"], stored["name"], stored["config"])
    rule = registry.get(stored["task"], stored["name"]).build(config, read_json(folder / "spec.json"))
    rule.found = stored["found"][series] if series else stored["found"]
    return rule


def levels(model: Any) -> tuple[float, ...]:
    """The quantile levels that a forecasting network gives, rising; () for a point forecast, or no forecaster."""
    from strokecast.models.layers.horizon import QUANTILES

    found = [layer for layer in model.layers if layer.name == QUANTILES]
    return tuple(found[0].levels) if found else ()


def last_step(output: Any, horizon: int) -> Any:
    """What a forecasting network says on the last day of its window: that by which all networks are compared.

    Args:
        output: [B, H, D(, Q)], or of a network from sequence to sequence [B, W, H, D(, Q)], W > H.
        horizon: H.

    Returns:
        [B, H, D(, Q)].
    """
    return output if output.shape[1] == horizon else output[:, -1]


def forward(model: Any) -> Callable[[dict[str, Any]], Any]:
    """`inputs -> outputs` in inference mode as one graph, traced once for all lengths and batch sizes."""
    import tensorflow as tf

    @tf.function(input_signature=[signature(model)])
    def run(inputs: dict[str, Any]) -> Any:
        return model(inputs, training=False)

    traced: Callable[[dict[str, Any]], Any] = run
    return traced


def attention(model: Any, inputs: Mapping[str, Any]) -> NDArray[np.float32] | None:
    """How much a network pooled by attention lets each point count.

    Args:
        model: a network, built or loaded.
        inputs: what it reads: {"strokes": [B, T, 3], "length": [B], ...}.

    Returns:
        float32 [B, T]: sums to 1 over the real points of a drawing, 0 on padding. None for a network
        without such a layer.
    """
    from strokecast.models.layers.attention import LAYER, attention_weights

    if LAYER not in {layer.name for layer in model.layers}:
        return None
    weights: NDArray[np.float32] = attention_weights(model)(dict(inputs), training=False).numpy()
    return weights


def signature(model: Any) -> dict[str, Any]:
    """Names, shapes and dtypes of a network's inputs: {name: tf.TensorSpec}, unknown sizes None."""
    import tensorflow as tf

    return {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in model.inputs}
