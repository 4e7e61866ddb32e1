"""What the last week of a window says of the days to come."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

WEEK = 7


@keras.saving.register_keras_serializable(package="strokecast")
class LastWeek(keras.layers.Layer):
    """Repeats the last seven days of the first channel: a seasonal-naive forecast inside a network.

    Args:
        horizon: days to forecast, H.

    Call arguments:
        past: float [B, W, C], W >= 7.

    Returns:
        float [B, H]: for each forecast day, the value of the last known day of the same weekday.
    """

    def __init__(self, horizon: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon = horizon

    def call(self, past: Any) -> Any:
        """The repeated week."""
        week = past[:, -WEEK:, 0]
        return ops.tile(week, (1, -(-self.horizon // WEEK)))[:, : self.horizon]

    def compute_output_spec(self, past: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((past.shape[0], self.horizon), past.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "horizon": self.horizon}
