"""The finished drawing as an image, drawn inside the network.

Shape legend: B batch, T padded points, S pixels a side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from strokecast.models.layers.drawing import Positions
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


def image_features(
    strokes: Any,
    real: Any,
    pixels: int = 28,
    width: float = 1.5,
    filters: Sequence[int] = (32, 64, 64),
    kernel: int = 3,
    activation: str = "relu",
    norm: str = "batch",
    l2: float = 0.0,
    prefix: str = "",
) -> Any:
    """What a small two-dimensional convolutional network finds in the finished drawing.

    Args:
        strokes: float [B, T, 3 or more], pen moves as `drawing_inputs` gives them.
        real: bool [B, T].
        pixels: S, of a side of the image.
        width: of the pen, in pixels.
        filters: channels of each convolution, which halves the image.
        kernel: pixels a side that each convolution sees.
        activation: after each convolution.
        norm: `batch` or `none`, before it.
        l2: factor of the squared weights in the loss.
        prefix: of the layers' names.

    Returns:
        float [B, (S / 2**len(filters))**2 * filters[-1]].
    """
    layers = keras.layers
    places = Positions(name=f"{prefix}positions")(strokes, real)  # [B, T, 2]
    x = Raster(pixels, width, name=f"{prefix}image")(places, strokes, real)  # [B, S, S, 1]
    for number, channels in enumerate(filters, start=1):
        x = layers.Conv2D(
            channels,
            kernel,
            padding="same",
            use_bias=norm == "none",
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name=f"{prefix}conv_{number}",
        )(x)
        if norm == "batch":
            x = layers.BatchNormalization(momentum=0.9, name=f"{prefix}norm_{number}")(x)
        x = layers.Activation(activation, name=f"{prefix}conv_{number}_{activation}")(x)
        x = layers.MaxPooling2D(2, name=f"{prefix}pool_{number}")(x)  # [B, S / 2, S / 2, F]
    return layers.Flatten(name=f"{prefix}flat")(x)
