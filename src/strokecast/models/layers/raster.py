"""The finished drawing as an image, rasterised inside the network, and a small CNN that reads it.

Shape legend: B batch, T padded points, S pixels per side, F filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from strokecast.models.layers.drawing import Positions
from strokecast.models.layers.lines import rasterize
from strokecast.models.layers.normalization import FusedBatchNormalization


@keras.saving.register_keras_serializable(package="strokecast")
class Raster(keras.layers.Layer):
    """Rasterise pen strokes on a square of S x S pixels, by `lines.rasterize`.

    Args:
        size: S.
        width: pen width, pixels.

    Call arguments:
        positions: float [B, T, 2], x to the right and y down in [-1, 1], as returned by `Positions`.
        strokes: float [B, T, 3]; pen_lift above 0.5 ends a stroke.
        mask: bool [B, T].

    Returns:
        float [B, S, S, 1] in [0, 1], rows from the top. A stroke of one point is a dot.
    """

    def __init__(self, size: int, width: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.width = width

    def call(self, positions: Any, strokes: Any, mask: Any) -> Any:
        """Return the images."""
        return rasterize(ops, positions, strokes[:, :, 2], mask, self.size, self.width)[:, :, :, None]

    def compute_output_spec(self, positions: Any, strokes: Any, mask: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((positions.shape[0], self.size, self.size, 1), positions.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "size": self.size, "width": self.width}


def image_features(
    strokes: Any,
    mask: Any,
    pixels: int = 28,
    width: float = 1.5,
    filters: Sequence[int] = (32, 64, 64),
    kernel: int = 3,
    activation: str = "relu",
    norm: str = "batch",
    l2: float = 0.0,
    prefix: str = "",
) -> Any:
    """Rasterise drawings and apply a small 2D CNN.

    Args:
        strokes: float [B, T, 3 or more], pen moves as returned by `drawing_inputs`.
        mask: bool [B, T].
        pixels: S, side of the image.
        width: pen width, pixels.
        filters: channels per convolution; each convolution is followed by 2 x 2 max pooling.
        kernel: kernel size, pixels.
        activation: activation after each convolution.
        norm: `batch` or `none`, normalisation before each activation.
        l2: L2 regularisation factor of the kernels.
        prefix: prefix of the layer names.

    Returns:
        float [B, (S / 2**len(filters))**2 * filters[-1]].
    """
    layers = keras.layers
    positions = Positions(name=f"{prefix}positions")(strokes, mask)  # [B, T, 2]
    x = Raster(pixels, width, name=f"{prefix}image")(positions, strokes, mask)  # [B, S, S, 1]
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
            x = FusedBatchNormalization(momentum=0.9, name=f"{prefix}norm_{number}")(x)
        x = layers.Activation(activation, name=f"{prefix}conv_{number}_{activation}")(x)
        x = layers.MaxPooling2D(2, name=f"{prefix}pool_{number}")(x)  # [B, S / 2, S / 2, F]
    return layers.Flatten(name=f"{prefix}flat")(x)
