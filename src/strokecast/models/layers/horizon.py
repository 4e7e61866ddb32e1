"""Inputs and head that all networks of `forecast` share: from a state to quantiles of each day of the horizon.

Sources: Koenker and Bassett, 1978 (quantiles), https://doi.org/10.2307/1913643; Wen et al., 2017 (MQ-RNN, whose local
decoder reads the features of each forecast day), https://arxiv.org/abs/1711.11053

Shape legend: B batch, W window, C channels of the past, H horizon, F future features, P past covariates, D targets,
Q quantile levels, U units of a state, K units of the head, N = D times Q (D for a point forecast).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
from keras import ops

from strokecast.models.common.config import Forecaster
from strokecast.models.layers.seasonal import seasonal_base

QUANTILES = "quantiles"  # name by which `inference.networks.quantile_levels` finds the layer


def forecast_inputs(spec: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """Create the inputs of a forecasting network.

    Args:
        spec: spec of the processed data.

    Returns:
        ({"past": float32 [B, W, C], "future": float32 [B, H, F]}, past, future). Without future features there is no
        input `future`, and the last item is None.
    """
    past = keras.Input((spec["input_size"], len(spec["channels"])), name="past")
    if not spec["future"]:
        return {"past": past}, past, None
    future = keras.Input((spec["horizon"], len(spec["future"])), name="future")
    return {"past": past, "future": future}, past, future


@keras.saving.register_keras_serializable(package="strokecast")
class Quantiles(keras.layers.Layer):
    """Quantiles that cannot cross: the median, and non-negative steps outwards from it.

    The step from a level to the next outer one is softplus(x) * |z' - z|, with z and z' the standard normal quantiles
    of the two levels. If x is the same for all levels, the forecast is a normal distribution.

    Args:
        levels: strictly increasing, within (0, 1), 0.5 among them.

    Call arguments:
        raw: float [..., Q]: the median at the index of 0.5, x at the others.
        base: float [...], added to all quantiles, or None.

    Returns:
        float [..., Q], increasing along the last axis.
    """

    def __init__(self, levels: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.levels = tuple(float(level) for level in levels)
        self.median_index = self.levels.index(0.5)

    def call(self, raw: Any, base: Any = None) -> Any:
        """Return the quantiles."""
        gaps = np.abs(np.diff([NormalDist().inv_cdf(level) for level in self.levels])).astype(np.float32)
        split_at = [self.median_index, self.median_index + 1]
        lower, median, upper = np.split(np.arange(len(self.levels)), split_at)
        center = ops.take(raw, median, axis=-1)
        if base is not None:
            center = center + base[..., None]
        quantiles = [center]
        if len(lower):
            steps = ops.softplus(ops.take(raw, lower, axis=-1)) * gaps[: self.median_index]
            quantiles.insert(0, center - ops.flip(ops.cumsum(ops.flip(steps, axis=-1), axis=-1), axis=-1))
        if len(upper):
            steps = ops.softplus(ops.take(raw, upper, axis=-1)) * gaps[self.median_index :]
            quantiles.append(center + ops.cumsum(steps, axis=-1))
        return ops.concatenate(quantiles, axis=-1)

    def compute_output_spec(self, raw: Any, base: Any = None) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(raw.shape, raw.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "levels": list(self.levels)}


@keras.saving.register_keras_serializable(package="strokecast")
class FutureWindows(keras.layers.Layer):
    """Future features of the H days after each day of the window.

    Call arguments:
        past: float [B, W, C], with the features in its last F channels.
        future: float [B, H, F].

    Returns:
        float [B, W, H, F]: at step t the features of days t + 1 to t + H.
    """

    def call(self, past: Any, future: Any) -> Any:
        """Return the gathered features."""
        window, horizon, count = past.shape[1], future.shape[1], future.shape[2]
        features = ops.concatenate([past[:, :, past.shape[2] - count :], future], axis=1)  # [B, W + H, F]
        days = np.arange(window)[:, None] + np.arange(1, horizon + 1)
        return ops.take(features, days, axis=1)

    def compute_output_spec(self, past: Any, future: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((past.shape[0], past.shape[1], *future.shape[1:]), past.dtype)


def look_ahead(past: Any, future: Any) -> Any:
    """Replace the future features of each day of a window by those of the H days after it.

    Args:
        past: float [B, W, C], with the features in its last F channels.
        future: float [B, H, F].

    Returns:
        float [B, W, D + P + H * F].
    """
    count = int(future.shape[2])
    days_after = FutureWindows(name="days_after")(past, future)  # [B, W, H, F]
    shape = (past.shape[1], int(future.shape[1]) * count)
    flat = keras.layers.Reshape(shape, name="flat_days_after")(days_after)
    channels = keras.layers.Permute((2, 1), name="channels")(past)  # [B, C, W]
    values = keras.layers.Cropping1D((0, count), name="values")(channels)  # [B, D + P, W]
    return keras.layers.Concatenate(name="values_and_days_after")(
        [keras.layers.Permute((2, 1), name="steps")(values), flat]
    )


def output_size(config: Forecaster, spec: Mapping[str, Any]) -> int:
    """Return N, the outputs of a network per forecast day."""
    return len(spec["targets"]) * max(len(config.quantiles), 1)


def head(
    state: Any,
    past: Any,
    future: Any,
    config: Forecaster,
    spec: Mapping[str, Any],
    units: int = 0,
    l2: float = 0.0,
    reads_future: bool = True,
) -> Any:
    """Forecast all days of the horizon at once from a state.

    Each forecast day gets a projection of the state, concatenated with the future features of the day:

        projected = Dense(state) [B, H, K]
        features  = projected, future [B, H, K + F]
        raw       = Dense(Dense(features, ReLU) [B, H, K], features) [B, H, N]

    Without hidden units (K = 0) all is linear: raw = Dense(state) [B, H, N] + Dense(future) [B, H, N].

    Args:
        state: float [B, U], or [B, W, U] to forecast from every day of the window.
        past: float [B, W, C], for the residual.
        future: float [B, H, F], or None.
        config: config of the network.
        spec: spec of the processed data.
        units: K.
        l2: L2 regularisation factor of the projection of the state.
        reads_future: whether the head reads the future features. Set to False if the state contains them.

    Returns:
        float [B, H, D], with quantiles [B, H, D, Q]; from every day of the window [B, W, H, D(, Q)].
    """
    steps, each_step = state.shape[1:-1], len(state.shape) == 3
    shape = (*steps, int(spec["horizon"]))
    if each_step and future is not None:
        future = FutureWindows(name="future_of_each_step")(past, future)  # [B, W, H, F]
    base = seasonal_base(config.residual, past, future, spec, each_step=each_step)
    future_features = future if reads_future else None
    count = output_size(config, spec)
    penalty = keras.regularizers.L2(l2) if l2 else None
    projected = keras.layers.Dense(shape[-1] * (units or count), kernel_regularizer=penalty, name="days")(
        state
    )
    projected = keras.layers.Reshape((*shape, units or count), name="each_day")(projected)
    raw = day_outputs(projected, future_features, count, units)
    return finish(raw, base, config, spec)


def day_outputs(projected: Any, future: Any, count: int, units: int) -> Any:
    """Return the outputs of each forecast day from its projection of the state and its known features.

    Args:
        projected: float [..., H, K], or the outputs [..., H, N] without hidden units.
        future: float [..., H, F], or None.
        count: N.
        units: K, hidden units per day; 0: linear.

    Returns:
        float [..., H, N].
    """
    if units:
        features = projected
        if future is not None:
            features = keras.layers.Concatenate(name="with_future")([projected, future])
        hidden = keras.layers.Dense(units, activation="relu", name="hidden")(features)
        hidden_and_features = keras.layers.Concatenate(name="hidden_and_features")([hidden, features])
        return keras.layers.Dense(count, name="raw")(hidden_and_features)
    if future is None:
        return projected
    from_future = keras.layers.Dense(count, use_bias=False, name="future_projection")(future)
    return keras.layers.Add(name="raw")([projected, from_future])


def finish(raw: Any, base: Any, config: Forecaster, spec: Mapping[str, Any]) -> Any:
    """Turn raw outputs float [..., H, N] and the seasonal base [..., H, D] (or None) into the forecast."""
    if config.quantiles:
        shape = (*raw.shape[1:-1], len(spec["targets"]), len(config.quantiles))
        raw = keras.layers.Reshape(shape, name="by_level")(raw)
        layer = Quantiles(config.quantiles, name=QUANTILES)
        return layer(raw) if base is None else layer(raw, base)
    return raw if base is None else keras.layers.Add(name="forecast")([raw, base])


def last_day(sequences: Any) -> Any:
    """Return the last step of each sequence: float [B, W, U] → [B, U]."""
    cropped = keras.layers.Cropping1D((sequences.shape[1] - 1, 0), name="last_day")(sequences)
    return keras.layers.Flatten(name="state")(cropped)
