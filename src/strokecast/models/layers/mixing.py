"""Mixing layers of TSMixer: an MLP over the days, and one over the features of each day.

Source: Chen et al., 2023, https://arxiv.org/abs/2303.06053, sections 3.1 and 4

Shape legend: B batch, W window, C channels, K targets and past covariates, T days, E features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from strokecast.models.layers.instance_norm import Normalize, WindowStatistics
from strokecast.models.layers.select_channels import SelectChannels, window_features


def normalize_values(past: Any, spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """Normalise the targets and past covariates of a window by their own mean and deviation.

    Args:
        past: float [B, W, C].
        spec: spec of the processed data.

    Returns:
        (float [B, W, C], the known features unchanged; statistics float [B, 2, K]).
    """
    count = len(spec["channels"]) - len(spec["future"])
    values = SelectChannels(range(count), name="values")(past)
    statistics = WindowStatistics("mean", name="statistics")(values)
    normalized = Normalize(name="normalized")(values, statistics)
    features = window_features(past, spec)
    if features is None:
        return normalized, statistics
    return keras.layers.Concatenate(name="normalized_and_known")([normalized, features]), statistics


def time_mixing(x: Any, dropout: float, name: str) -> Any:
    """Add a map over the days, the same for each feature, to float [B, T, E]."""
    y = keras.layers.LayerNormalization(axis=(1, 2), name=f"{name}_time_norm")(x)
    y = keras.layers.Permute((2, 1), name=f"{name}_by_feature")(y)  # [B, E, T]
    y = keras.layers.Dense(y.shape[-1], activation="relu", name=f"{name}_time")(y)
    y = keras.layers.Permute((2, 1), name=f"{name}_by_day")(y)
    if dropout:
        y = keras.layers.Dropout(dropout, name=f"{name}_time_dropout")(y)
    return keras.layers.Add(name=f"{name}_time_add")([x, y])


def feature_mixing(x: Any, features: int, mlp_dim: int, dropout: float, name: str) -> Any:
    """Add an MLP over the features of each day, the same for all days.

    Args:
        x: float [B, T, C].
        features: E. If C differs, a linear map of x is added to instead of x.
        mlp_dim: hidden units.
        dropout: dropout rate of hidden units and output.
        name: prefix of the layer names.

    Returns:
        float [B, T, E].
    """
    y = keras.layers.LayerNormalization(axis=(1, 2), name=f"{name}_feature_norm")(x)
    y = keras.layers.Dense(mlp_dim, activation="relu", name=f"{name}_feature_hidden")(y)
    if dropout:
        y = keras.layers.Dropout(dropout, name=f"{name}_feature_dropout_1")(y)
    y = keras.layers.Dense(features, name=f"{name}_feature_out")(y)
    if dropout:
        y = keras.layers.Dropout(dropout, name=f"{name}_feature_dropout_2")(y)
    if x.shape[-1] != features:
        x = keras.layers.Dense(features, name=f"{name}_feature_projection")(x)
    return keras.layers.Add(name=f"{name}_feature_add")([x, y])
