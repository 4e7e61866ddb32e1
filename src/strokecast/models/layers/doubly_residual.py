"""Parts of N-BEATSx and N-HiTS: what a block reads, its MLP, and bases that turn its coefficients into a series of days.

Sources: Oreshkin et al., 2020 (N-BEATS), https://arxiv.org/abs/1905.10437; Olivares et al., 2021 (N-BEATSx),
https://arxiv.org/abs/2104.05522; Challu et al., 2022 (N-HiTS), https://arxiv.org/abs/2201.12886

Shape legend: B batch, W window, H horizon, C channels of the past, F future features, D targets, Q quantile levels, U units,
K coefficients of a basis, S series per block (D of a backcast, D times Q of a forecast), T days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from strokecast.models.layers.select_channels import SelectChannels, window_targets

BasisKind = Literal["trend", "seasonality", "linear", "nearest"]


def targets_and_covariates(past: Any, future: Any, spec: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Split the inputs into the targets, from which each block subtracts its backcast, and all that stays as it is.

    Args:
        past: float [B, W, C].
        future: float [B, H, F], or None.
        spec: spec of the processed data.

    Returns:
        (targets float [B, D, W], flat covariates: of the window float [B, W * (C - D)] and of the forecast days [B, H * F],
        as far as there are any).
    """
    targets, channels = len(spec["targets"]), len(spec["channels"])
    values = keras.layers.Permute((2, 1), name="each_target")(window_targets(past, spec))
    covariates = []
    if channels > targets:
        of_window = SelectChannels(range(targets, channels), name="window_covariates")(past)
        covariates.append(keras.layers.Flatten(name="flat_window_covariates")(of_window))
    if future is not None:
        covariates.append(keras.layers.Flatten(name="flat_future")(future))
    return values, covariates


def block_mlp(values: Any, covariates: list[Any], units: int, layers: int, dropout: float, name: str) -> Any:
    """Apply the fully connected layers of a block.

    Args:
        values: float [B, D, T], what earlier blocks left of the targets.
        covariates: from `targets_and_covariates`.
        units: U.
        layers: number of layers, with ReLU.
        dropout: dropout rate after each layer.
        name: prefix of the layer names.

    Returns:
        float [B, U].
    """
    x = keras.layers.Flatten(name=f"{name}_flat")(values)
    if covariates:
        x = keras.layers.Concatenate(name=f"{name}_inputs")([x, *covariates])
    for layer in range(1, layers + 1):
        x = keras.layers.Dense(units, activation="relu", name=f"{name}_hidden_{layer}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"{name}_dropout_{layer}")(x)
    return x


def coefficients(state: Any, series: int, count: int, name: str) -> Any:
    """Map the state of a block, float [B, U], to the coefficients of each of its series, float [B, S, K]."""
    flat = keras.layers.Dense(series * count, name=name)(state)
    return keras.layers.Reshape((series, count), name=f"{name}_by_series")(flat)


def by_day(forecast: Any, name: str) -> Any:
    """Turn the forecast of a stack, float [B, S, H], into raw outputs per day, float [B, H, S]."""
    return keras.layers.Permute((2, 1), name=name)(forecast)


@keras.saving.register_keras_serializable(package="strokecast")
class Basis(keras.layers.Layer):
    """Multiply coefficients with fixed basis functions of time.

    Args:
        kind: `trend`: powers of time from 0 on; `seasonality`: cosines, then sines, of 0, 1, 2, ... periods per `period`
            days; `linear` and `nearest`: interpolation between K knots that are spread evenly over the T days.
        days: T.
        period: days of the longest period of `seasonality`.

    Call arguments:
        coefficients: float [B, S, K].

    Returns:
        float [B, S, T].
    """

    def __init__(self, kind: BasisKind, days: int, period: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.days, self.period = kind, days, period

    def call(self, coefficients: Any) -> Any:
        """Return the series."""
        functions = basis_functions(self.kind, int(coefficients.shape[2]), self.days, self.period)
        return ops.matmul(coefficients, ops.cast(functions, coefficients.dtype))

    def compute_output_spec(self, coefficients: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*coefficients.shape[:2], self.days), coefficients.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "kind": self.kind, "days": self.days, "period": self.period}


def seasonality_size(horizon: int) -> int:
    """Return the coefficients of the basis `seasonality`: cosines and sines of 0 to H / 2 - 1 periods per horizon."""
    return 2 * max(horizon // 2, 1)


def basis_functions(kind: BasisKind, count: int, days: int, period: int = 1) -> NDArray[np.float32]:
    """Compute the basis functions of `Basis`.

    Args:
        kind, days, period: see `Basis`.
        count: K; even for `seasonality`.

    Returns:
        float32 [K, T].
    """
    time = np.arange(days)
    if kind == "trend":
        return np.power(time / days, np.arange(count)[:, None]).astype(np.float32)
    if kind == "seasonality":
        angles = 2 * np.pi * np.arange(count // 2)[:, None] * time / period
        return np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32)
    position = np.clip((time + 0.5) * count / days - 0.5, 0, count - 1)  # of each day among the knots
    distance = np.abs(position - np.arange(count)[:, None])
    if kind == "nearest":
        return (np.arange(count)[:, None] == np.floor(position + 0.5)).astype(np.float32)
    return np.maximum(1 - distance, 0).astype(np.float32)
