"""Some channels of the window or of the known features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="strokecast")
class SelectChannels(keras.layers.Layer):
    """Return some channels: float [..., C] → [..., len(columns)].

    Args:
        columns: indices of the channels.
    """

    def __init__(self, columns: Iterable[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = [int(column) for column in columns]

    def call(self, x: Any) -> Any:
        """Return the channels."""
        return ops.take(x, np.array(self.columns), axis=-1)

    def compute_output_spec(self, x: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*x.shape[:-1], len(self.columns)), x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "columns": self.columns}


def window_targets(past: Any, spec: Mapping[str, Any]) -> Any:
    """Return the targets of a window: float [B, W, C] → [B, W, D]."""
    return SelectChannels(range(len(spec["targets"])), name="targets")(past)


def window_features(past: Any, spec: Mapping[str, Any]) -> Any:
    """Return the known features of the days of a window: float [B, W, C] → [B, W, F]. None without known features."""
    channels, known = len(spec["channels"]), len(spec["future"])
    return SelectChannels(range(channels - known, channels), name="window_features")(past) if known else None
