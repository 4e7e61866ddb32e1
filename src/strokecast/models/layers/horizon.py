"""What all networks of `forecast` share: their inputs, and the head that says what each day of the horizon will be.

Source of the quantiles: Koenker and Bassett, 1978, https://doi.org/10.2307/1913643; of a forecast day's own features
in the head: Wen et al., 2017 (MQ-RNN, its local decoder), https://arxiv.org/abs/1711.11053

Shape legend: B batch, W window, C channels of the past, H horizon, F future features, D targets, Q quantile levels,
U units of a state, K units of the head, N = D times Q (or D for a point forecast).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
from keras import ops

from strokecast.models.common.config import Forecaster
from strokecast.models.layers.seasonal import seasonal

QUANTILES = "quantiles"  # the name under which `inference.levels` looks for the layer


def forecast_inputs(spec: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """The inputs of a forecasting network.

    Args:
        spec: of the processed data.

    Returns:
        ({"past": float32 [B, W, C], "future": float32 [B, H, F]}, past, future); without future features there is
        no such input, and the last is None.
    """
    past = keras.Input((spec["window"], len(spec["channels"])), name="past")
    if not spec["future"]:
        return {"past": past}, past, None
    future = keras.Input((spec["horizon"], len(spec["future"])), name="future")
    return {"past": past, "future": future}, past, future


@keras.saving.register_keras_serializable(package="strokecast")
class Quantiles(keras.layers.Layer):
    """Quantiles that never cross: a median, and from it outwards steps that are never below 0.

    The step from a level to the next one out is softplus(x) * (z' - z), z and z' being the standard normal
    quantiles of the two: where x is the same for all, the forecast is a normal distribution.

    Args:
        levels: rising, 0 to 1, 0.5 among them.

    Call arguments:
        raw: float [..., Q]: at the place of 0.5 the median, elsewhere x.
        base: float [...], what is added to all quantiles, or None.

    Returns:
        float [..., Q], rising along the last axis.
    """

    def __init__(self, levels: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.levels = tuple(float(level) for level in levels)
        self.middle = self.levels.index(0.5)

    def call(self, raw: Any, base: Any = None) -> Any:
        """The quantiles."""
        gaps = np.abs(np.diff([NormalDist().inv_cdf(level) for level in self.levels])).astype(np.float32)
        below, median, above = np.split(np.arange(len(self.levels)), [self.middle, self.middle + 1])
        centre = ops.take(raw, median, axis=-1)
        if base is not None:
            centre = centre + base[..., None]
        parts = [centre]
        if len(below):
            steps = ops.softplus(ops.take(raw, below, axis=-1)) * gaps[: self.middle]
            parts.insert(0, centre - ops.flip(ops.cumsum(ops.flip(steps, axis=-1), axis=-1), axis=-1))
        if len(above):
            steps = ops.softplus(ops.take(raw, above, axis=-1)) * gaps[self.middle :]
            parts.append(centre + ops.cumsum(steps, axis=-1))
        return ops.concatenate(parts, axis=-1)

    def compute_output_spec(self, raw: Any, base: Any = None) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor(raw.shape, raw.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "levels": list(self.levels)}


@keras.saving.register_keras_serializable(package="strokecast")
class FutureOfEachStep(keras.layers.Layer):
    """The features of the days that each day of the window looks ahead to, from what is known of all days.

    Call arguments:
        past: float [B, W, C], the features in its last F channels.
        future: float [B, H, F].

    Returns:
        float [B, W, H, F]: at step t those of days t + 1 to t + H.
    """

    def call(self, past: Any, future: Any) -> Any:
        """The features, gathered."""
        window, horizon, count = past.shape[1], future.shape[1], future.shape[2]
        known = ops.concatenate([past[:, :, past.shape[2] - count :], future], axis=1)  # [B, W + H, F]
        days = np.arange(window)[:, None] + np.arange(1, horizon + 1)
        return ops.take(known, days, axis=1)

    def compute_output_spec(self, past: Any, future: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((past.shape[0], past.shape[1], *future.shape[1:]), past.dtype)


def look_ahead(past: Any, future: Any) -> Any:
    """A window whose days have, in place of their own known features, those of the H days after each.

    Args:
        past: float [B, W, C], the features in its last F channels.
        future: float [B, H, F].

    Returns:
        float [B, W, D + P + H * F].
    """
    count = int(future.shape[2])
    after = FutureOfEachStep(name="days_after")(past, future)  # [B, W, H, F]
    flat = keras.layers.Reshape((past.shape[1], int(future.shape[1]) * count), name="flat_days_after")(after)
    channels = keras.layers.Permute((2, 1), name="channels")(past)  # [B, C, W]
    values = keras.layers.Cropping1D((0, count), name="values")(channels)  # [B, D + P, W]
    return keras.layers.Concatenate(name="values_and_days_after")(
        [keras.layers.Permute((2, 1), name="steps")(values), flat]
    )


def outputs(config: Forecaster, spec: Mapping[str, Any]) -> int:
    """N: numbers that a network says of each forecast day."""
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
    """From a state to all days of the horizon at once.

    Each forecast day gets its own part of the state, and reads its own future features beside it:

        part  = Dense(state) [B, H, K]
        seen  = part and future side by side [B, H, K + F]
        raw   = Dense(seen and Dense(seen, ReLU) [B, H, K] side by side) [B, H, N]

    Without units of its own (K = 0): raw = Dense(state) [B, H, N] + Dense(future) [B, H, N], all linear.

    Args:
        state: float [B, U], or [B, W, U] to forecast from each day of the window.
        past: float [B, W, C], for the residual.
        future: float [B, H, F], or None.
        config: of the network.
        spec: of the data.
        units: K.
        l2: factor of the squared weights on the state in the loss.
        reads_future: whether it reads the future features; a state that knows them needs them no more.

    Returns:
        float [B, H, D], with quantiles [B, H, D, Q]; from each day [B, W, H, D(, Q)].
    """
    steps, each_step = state.shape[1:-1], len(state.shape) == 3
    shape = (*steps, int(spec["horizon"]))
    if each_step and future is not None:
        future = FutureOfEachStep(name="future_of_each_step")(past, future)  # [B, W, H, F]
    base = seasonal(config.residual, past, future, spec, each_step=each_step)
    known_ahead = future if reads_future else None
    count = outputs(config, spec)
    penalty = keras.regularizers.L2(l2) if l2 else None
    part = keras.layers.Dense(shape[-1] * (units or count), kernel_regularizer=penalty, name="days")(state)
    part = keras.layers.Reshape((*shape, units or count), name="each_day")(part)
    if units:
        seen = part
        if known_ahead is not None:
            seen = keras.layers.Concatenate(name="with_future")([part, known_ahead])
        hidden = keras.layers.Dense(units, activation="relu", name="hidden")(seen)
        raw = keras.layers.Dense(count, name="raw")(keras.layers.Concatenate(name="read")([hidden, seen]))
    elif known_ahead is not None:
        known = keras.layers.Dense(count, use_bias=False, name="known")(known_ahead)
        raw = keras.layers.Add(name="raw")([part, known])
    else:
        raw = part
    return finish(raw, base, config, spec)


def finish(raw: Any, base: Any, config: Forecaster, spec: Mapping[str, Any]) -> Any:
    """From raw numbers float [..., H, N] and what they are added to, [..., H, D] or None, to the forecast."""
    if config.quantiles:
        shape = (*raw.shape[1:-1], len(spec["targets"]), len(config.quantiles))
        raw = keras.layers.Reshape(shape, name="by_level")(raw)
        layer = Quantiles(config.quantiles, name=QUANTILES)
        return layer(raw) if base is None else layer(raw, base)
    return raw if base is None else keras.layers.Add(name="forecast")([raw, base])


def last_day(sequences: Any) -> Any:
    """What stands on the last day of the window: float [B, W, U] → [B, U]."""
    cut = keras.layers.Cropping1D((sequences.shape[1] - 1, 0), name="last_day")(sequences)
    return keras.layers.Flatten(name="state")(cut)
