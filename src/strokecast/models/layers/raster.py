"""The finished drawing as an image, drawn inside the network.

Shape legend: B batch, T padded points, S pixels a side.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from strokecast.models.layers.lines import draw


@keras.saving.register_keras_serializable(package="strokecast")
class Raster(keras.layers.Layer):
    """Draws pen strokes on a square of S x S pixels; `lines.draw` says how.

    Args:
        size: S.
        width: of the pen, in pixels.

    Call arguments:
        positions: float [B, T, 2], x to the right and y down in [-1, 1], as `Positions` gives them.
        strokes: float [B, T, 3]; pen_lift above 0.5 ends a stroke.
        real: bool [B, T].

    Returns:
        float [B, S, S, 1] in [0, 1], rows from the top; a stroke of one point is a dot.
    """

    def __init__(self, size: int, width: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.width = width

    def call(self, positions: Any, strokes: Any, real: Any) -> Any:
        """The image."""
        return draw(ops, positions, strokes[:, :, 2], real, self.size, self.width)[:, :, :, None]

    def compute_output_spec(self, positions: Any, strokes: Any, real: Any) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((positions.shape[0], self.size, self.size, 1), positions.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), "size": self.size, "width": self.width}
