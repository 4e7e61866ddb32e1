"""What stood on the same weekday before: the naive forecasts, to which a network's output can be added.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2,
https://otexts.com/fpp3/simple-methods.html

Shape legend: B batch, W window, H horizon, C channels (the targets come first), D targets, F future features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from strokecast.common.errors import UserError

WEEK, YEAR = 7, 364  # days
LAG = f"lag_{YEAR}"  # as `features/horizons.py` names it


@keras.saving.register_keras_serializable(package="strokecast")
class LastWeek(keras.layers.Layer):
    """Repeats the last seven days: the seasonal-naive forecast inside a network.

    Args:
        horizon: days to forecast, H.
        targets: channels that are repeated, the first D.
        each_step: forecast from each day of the window, not from its last alone; a day that lies before the window
            counts as 0, the mean of the training days.

    Call arguments:
        past: float [B, W, C], W >= 7.

    Returns:
        float [B, H, D], or [B, W, H, D]: for each forecast day, the last known day of the same weekday.
    """

    def __init__(self, horizon: int, targets: int = 1, each_step: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets, self.each_step = horizon, targets, each_step

    def call(self, past: Any) -> Any:
        """The repeated week."""
        values = past[:, :, : self.targets]  # [B, W, D]
        days = np.arange(self.horizon) % WEEK
        if not self.each_step:
            return ops.take(values[:, -WEEK:], days, axis=1)
        steps = np.arange(past.shape[1])
        values = ops.pad(values, ((0, 0), (WEEK - 1, 0), (0, 0)))  # step t's week starts at t
        return ops.take(values, steps[:, None] + days, axis=1)

    def compute_output_spec(self, past: Any) -> Any:
        """Shape and dtype, without running."""
        steps = (past.shape[1],) if self.each_step else ()
        return keras.KerasTensor((past.shape[0], *steps, self.horizon, self.targets), past.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        told = {"horizon": self.horizon, "targets": self.targets, "each_step": self.each_step}
        return {**super().get_config(), **told}


@keras.saving.register_keras_serializable(package="strokecast")
class LastYear(keras.layers.Layer):
    """The values 364 days before each forecast day, from a window that holds them.

    Args:
        horizon: days to forecast, H <= 364.
        targets: channels, the first D.

    Call arguments:
        past: float [B, W, C], W >= 364.

    Returns:
        float [B, H, D].
    """

    def __init__(self, horizon: int, targets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets = horizon, targets

    def call(self, past: Any) -> Any:
        """The days."""
        first = past.shape[1] - YEAR
        return past[:, first : first + self.horizon, : self.targets]

    def compute_output_spec(self, past: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((past.shape[0], self.horizon, self.targets), past.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "horizon": self.horizon, "targets": self.targets}


@keras.saving.register_keras_serializable(package="strokecast")
class LaggedFeature(keras.layers.Layer):
    """The first target's value so long before, as the known features of a day have it; other targets get 0.

    Args:
        column: of the features.
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
        """The feature, with zeros beside it."""
        value = future[..., self.column : self.column + 1]
        none = [(0, 0)] * (len(future.shape) - 1)
        return ops.pad(value, (*none, (0, self.targets - 1)))

    def compute_output_spec(self, future: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((*future.shape[:-1], self.targets), future.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "column": self.column, "targets": self.targets}


def seasonal(
    residual: str, past: Any, future: Any, spec: Mapping[str, Any], *, each_step: bool = False
) -> Any:
    """What a network's output is added to.

    Args:
        residual: `none`, `last_week` or `last_year`.
        past: float [B, W, C].
        future: float [B, H, F], with `each_step` [B, W, H, F], or None.
        spec: of the data; `last_year` takes its feature of 364 days before where it has one (the first target alone),
            else the window. Where the targets are changes (`features.forecast.difference`), so is last week.
        each_step: of each day of the window.

    Returns:
        float [B, H, D], with `each_step` [B, W, H, D]; None where nothing is added.

    Raises:
        UserError: if the days lie before the window, or the feature is a value and the targets are changes.
    """
    if residual == "none":
        return None
    horizon, window, targets = int(spec["horizon"]), int(spec["window"]), len(spec["targets"])
    if residual == "last_week":
        if window < WEEK:
            raise _refused(residual, f"a window of {WEEK} days or more, the window has {window}")
        return LastWeek(horizon, targets, each_step, name="last_week")(past)
    if spec.get("difference") is not None:
        raise _refused(
            residual, "targets that are values, and features.forecast.difference makes them changes"
        )
    if LAG in spec["future"]:
        return LaggedFeature(spec["future"].index(LAG), targets, name="last_year")(future)
    if each_step or window < YEAR or horizon > YEAR:
        raise _refused(
            residual, f"{YEAR} among features.forecast.lags" + ("" if each_step else " (or a window as long)")
        )
    return LastYear(horizon, targets, name="last_year")(past)


def _refused(residual: str, need: str) -> UserError:
    return UserError(
        f"residual: {residual} needs {need}",
        where="params.yaml: models.forecast",
        fix="say residual: none, or change features.forecast",
    )
