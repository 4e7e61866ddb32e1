"""Networks whose channels are independent: one map, shared by all targets, from the state of a target to its forecast.

Source: Nie et al., 2023 (channel independence), https://arxiv.org/abs/2211.14730, section 3.1

Shape legend: B batch, W window, C channels, H horizon, F future features, D targets, Q quantile levels, U units of a
state, K units of the head, N = D times Q (D for a point forecast).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras

from strokecast.models.common.config import Forecaster
from strokecast.models.layers.horizon import day_outputs, output_size
from strokecast.models.layers.instance_norm import Normalize, WindowStatistics, finish_normalized
from strokecast.models.layers.seasonal import seasonal_base
from strokecast.models.layers.select_channels import window_targets


def normalized_targets(
    past: Any, spec: Mapping[str, Any], center: Literal["mean", "last"]
) -> tuple[Any, Any]:
    """Normalise the window of each target by its own statistics.

    Args:
        past: float [B, W, C].
        spec: spec of the processed data.
        center: see `instance_norm.WindowStatistics`.

    Returns:
        (targets float [B, D, W], statistics float [B, 2, D]).
    """
    targets = window_targets(past, spec)  # [B, W, D]
    statistics = WindowStatistics(center, name="statistics")(targets)
    normalized = Normalize(name="normalized")(targets, statistics)
    return keras.layers.Permute((2, 1), name="each_target")(normalized), statistics


def channel_head(
    states: Any,
    past: Any,
    future: Any,
    statistics: Any,
    config: Forecaster,
    spec: Mapping[str, Any],
    units: int = 0,
    l2: float = 0.0,
) -> Any:
    """Forecast all days of the horizon from one state per target, and scale the forecast back.

    The projection of the states is shared by the targets. Then each forecast day reads its own known features, as in
    `horizon.head`.

    Args:
        states: float [B, D, U].
        past: float [B, W, C], for the residual.
        future: float [B, H, F], or None.
        statistics: float [B, 2, D], of the windows.
        config: config of the network.
        spec: spec of the processed data.
        units: K; 0: linear head.
        l2: L2 regularisation factor of the projection.

    Returns:
        float [B, H, D], with quantiles [B, H, D, Q].
    """
    base = seasonal_base(config.residual, past, future, spec)
    horizon, targets, count = int(spec["horizon"]), len(spec["targets"]), output_size(config, spec)
    per_target = units or count // targets
    penalty = keras.regularizers.L2(l2) if l2 else None
    projected = keras.layers.Dense(horizon * per_target, kernel_regularizer=penalty, name="days")(states)
    projected = keras.layers.Reshape((targets, horizon, per_target), name="days_by_target")(projected)
    projected = keras.layers.Permute((2, 1, 3), name="targets_by_day")(projected)  # [B, H, D, K]
    projected = keras.layers.Reshape((horizon, targets * per_target), name="each_day")(projected)
    raw = day_outputs(projected, future, count, units)
    return finish_normalized(raw, base, statistics, config, spec)
