"""Reversible instance normalisation: each window is normalised by its own statistics, and its forecast is scaled back.

Sources: Kim et al., 2022 (RevIN), https://openreview.net/forum?id=cGDAkQo1C0p; Zeng et al., 2022 (NLinear, by the last
value), https://arxiv.org/abs/2205.13504

Shape legend: B batch, W window, H horizon, K channels, D targets (the first D of the K channels), Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras
from keras import ops

from strokecast.models.common.config import Forecaster
from strokecast.models.layers.horizon import finish

_EPSILON = 1e-5  # added to the variance: a constant window is divided by 0.003


@keras.saving.register_keras_serializable(package="strokecast")
class WindowStatistics(keras.layers.Layer):
    """Center and scale of each channel of a window.

    Args:
        center: `mean`: the mean and the standard deviation over the window; `last`: the last value, and a scale of 1.

    Call arguments:
        values: float [B, W, K].

    Returns:
        float [B, 2, K]: the center, and the scale, which is above 0.
    """

    def __init__(self, center: Literal["mean", "last"], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.center = center

    def call(self, values: Any) -> Any:
        """Return the statistics."""
        if self.center == "last":
            last = values[:, -1:]
            return ops.concatenate([last, ops.ones_like(last)], axis=1)
        mean = ops.mean(values, axis=1, keepdims=True)
        variance = ops.mean(ops.square(values - mean), axis=1, keepdims=True)
        return ops.concatenate([mean, ops.sqrt(variance + _EPSILON)], axis=1)

    def compute_output_spec(self, values: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((values.shape[0], 2, values.shape[2]), values.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "center": self.center}


@keras.saving.register_keras_serializable(package="strokecast")
class Normalize(keras.layers.Layer):
    """Subtract the center and divide by the scale.

    Call arguments:
        values: float [B, T, D], of the first D of the K channels.
        statistics: float [B, 2, K].

    Returns:
        float [B, T, D].
    """

    def call(self, values: Any, statistics: Any) -> Any:
        """Return the normalised values."""
        statistics = statistics[:, :, : values.shape[2]]
        return (values - statistics[:, :1]) / statistics[:, 1:]

    def compute_output_spec(self, values: Any, statistics: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(values.shape, values.dtype)


@keras.saving.register_keras_serializable(package="strokecast")
class Denormalize(keras.layers.Layer):
    """Multiply by the scale and add the center. Quantiles keep their order, because the scale is above 0.

    Call arguments:
        forecast: float [B, H, D] or [B, H, D, Q], of the first D of the K channels.
        statistics: float [B, 2, K].

    Returns:
        float of the shape of `forecast`.
    """

    def call(self, forecast: Any, statistics: Any) -> Any:
        """Return the forecast in the scale of the window."""
        statistics = statistics[:, :, : forecast.shape[2]]
        center, scale = statistics[:, :1], statistics[:, 1:]  # [B, 1, D]
        if len(forecast.shape) == 4:
            center, scale = center[..., None], scale[..., None]
        return forecast * scale + center

    def compute_output_spec(self, forecast: Any, statistics: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(forecast.shape, forecast.dtype)


def finish_normalized(
    raw: Any, base: Any, statistics: Any, config: Forecaster, spec: Mapping[str, Any]
) -> Any:
    """Turn raw outputs of a network that reads normalised values into the forecast.

    Args:
        raw: float [B, H, N], N = D times Q.
        base: seasonal base float [B, H, D], not normalised, or None.
        statistics: float [B, 2, K] of the window.
        config: config of the network.
        spec: spec of the processed data.

    Returns:
        float [B, H, D], with quantiles [B, H, D, Q].
    """
    if base is not None:
        base = Normalize(name="base_normalized")(base, statistics)
    return Denormalize(name="denormalized")(finish(raw, base, config, spec), statistics)
