"""Seasonal naive forecasts and recent levels inside a network, to which the network's output is added.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2,
https://otexts.com/fpp3/simple-methods.html

Shape legend: B batch, W window, H horizon, C channels (targets first), D targets, F future features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from strokecast.models.common.residual import LAG_FEATURE, LEVEL_DAYS, WEEK, YEAR, check, resolve


class _OfLastDays(keras.layers.Layer):
    """Base of layers that forecast from the last days of a window, or from every day of it."""

    def __init__(self, horizon: int, targets: int = 1, each_step: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets, self.each_step = horizon, targets, each_step

    def compute_output_spec(self, past: Any) -> Any:
        """Return the output's shape and dtype."""
        steps = (past.shape[1],) if self.each_step else ()
        return keras.KerasTensor((past.shape[0], *steps, self.horizon, self.targets), past.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        arguments = {"horizon": self.horizon, "targets": self.targets, "each_step": self.each_step}
        return {**super().get_config(), **arguments}


@keras.saving.register_keras_serializable(package="strokecast")
class LastWeek(_OfLastDays):
    """Repeat the last seven days: the seasonal naive forecast with a season of a week.

    Args:
        horizon: H, days.
        targets: D, channels to repeat (the first D).
        each_step: forecast from every day of the window instead of only its last. Days before the window count as 0,
            the mean of the training days.

    Call arguments:
        past: float [B, W, C], W >= 7.

    Returns:
        float [B, H, D], with `each_step` [B, W, H, D]: per forecast day, the last observed day of the same weekday.
    """

    def call(self, past: Any) -> Any:
        """Return the forecasts."""
        values = past[:, :, : self.targets]  # [B, W, D]
        days = np.arange(self.horizon) % WEEK
        if not self.each_step:
            return ops.take(values[:, -WEEK:], days, axis=1)
        steps = np.arange(past.shape[1])
        values = ops.pad(values, ((0, 0), (WEEK - 1, 0), (0, 0)))  # the week up to step t starts at index t
        return ops.take(values, steps[:, None] + days, axis=1)


@keras.saving.register_keras_serializable(package="strokecast")
class RecentMean(_OfLastDays):
    """Repeat the mean of the last 28 days, so that the network forecasts the distance from the recent level.

    Args:
        horizon: H, days.
        targets: D, channels to average (the first D).
        each_step: forecast from every day of the window instead of only its last. The first 27 days of the window average
            the days since its beginning.

    Call arguments:
        past: float [B, W, C], W >= 28.

    Returns:
        float [B, H, D], with `each_step` [B, W, H, D].
    """

    def call(self, past: Any) -> Any:
        """Return the level, once per forecast day."""
        values = past[:, :, : self.targets]  # [B, W, D]
        if not self.each_step:
            mean = ops.mean(values[:, -LEVEL_DAYS:], axis=1, keepdims=True)
            return ops.repeat(mean, self.horizon, axis=1)
        window = past.shape[1]
        steps = np.arange(window)
        distance = steps[:, None] - steps  # days from each day of the window to the day it is averaged at
        weights = ((distance >= 0) & (distance < LEVEL_DAYS)).astype(np.float32)
        weights /= weights.sum(axis=1, keepdims=True)
        means = ops.einsum("ts,bsd->btd", ops.cast(weights, past.dtype), values)  # [B, W, D]
        return ops.repeat(means[:, :, None], self.horizon, axis=2)


@keras.saving.register_keras_serializable(package="strokecast")
class LastYear(keras.layers.Layer):
    """Return the values 364 days before each forecast day, from a window of at least 364 days.

    Args:
        horizon: H, days, at most 364.
        targets: D, channels to return (the first D).

    Call arguments:
        past: float [B, W, C], W >= 364.

    Returns:
        float [B, H, D].
    """

    def __init__(self, horizon: int, targets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets = horizon, targets

    def call(self, past: Any) -> Any:
        """Return the values."""
        first = past.shape[1] - YEAR
        return past[:, first : first + self.horizon, : self.targets]

    def compute_output_spec(self, past: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((past.shape[0], self.horizon, self.targets), past.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "horizon": self.horizon, "targets": self.targets}


@keras.saving.register_keras_serializable(package="strokecast")
class LaggedFeature(keras.layers.Layer):
    """Return a lag of the first target, which the future features contain; the other targets get 0.

    Args:
        column: index of the lag among the features.
        targets: D.

    Call arguments:
        future: float [..., H, F].

    Returns:
        float [..., H, D].
    """

    def __init__(self, column: int, targets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.column, self.targets = column, targets

    def call(self, future: Any) -> Any:
        """Return the feature, padded with zeros for the other targets."""
        value = future[..., self.column : self.column + 1]
        no_padding = [(0, 0)] * (len(future.shape) - 1)
        return ops.pad(value, (*no_padding, (0, self.targets - 1)))

    def compute_output_spec(self, future: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*future.shape[:-1], self.targets), future.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "column": self.column, "targets": self.targets}


def seasonal_base(
    residual: str, past: Any, future: Any, spec: Mapping[str, Any], *, each_step: bool = False
) -> Any:
    """Create the seasonal naive forecast or recent level that a network's output is added to.

    `last_year` reads the feature of 364 days before if the spec has it (first target only), else the window. If the
    targets are changes (`features.forecast.difference`), `last_week` repeats and `mean_28` averages changes.

    Args:
        residual: `auto` (the one that `spec` names), `none`, `last_week`, `last_year` or `mean_28`.
        past: float [B, W, C].
        future: float [B, H, F], with `each_step` [B, W, H, F], or None.
        spec: spec of the processed data.
        each_step: forecast from every day of the window.

    Returns:
        float [B, H, D], with `each_step` [B, W, H, D]; None if `residual` is `none`.

    Raises:
        UserError: see `residual.check`.
    """
    residual = resolve(residual, spec)
    if residual == "none":
        return None
    check(residual, spec, each_step=each_step)
    horizon, targets = int(spec["horizon"]), len(spec["targets"])
    if residual == "last_week":
        return LastWeek(horizon, targets, each_step, name="last_week")(past)
    if residual == "mean_28":
        return RecentMean(horizon, targets, each_step, name="mean_28")(past)
    if LAG_FEATURE in spec["future"]:
        return LaggedFeature(spec["future"].index(LAG_FEATURE), targets, name="last_year")(future)
    return LastYear(horizon, targets, name="last_year")(past)
