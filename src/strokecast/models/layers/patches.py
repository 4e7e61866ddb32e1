"""Patches of a window, and the encoder block of PatchTST that attends over them.

Source: Nie et al., 2023, https://arxiv.org/abs/2211.14730, section 3.1

Shape legend: B batch, D series of each example, W window, P patch length, N patches, E `d_model`.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from strokecast.models.layers.normalization import FusedBatchNormalization

_MOMENTUM = 0.9  # of batch normalisation, as in the paper's code; an epoch has few steps


@keras.saving.register_keras_serializable(package="strokecast")
class Patches(keras.layers.Layer):
    """Cut each window into overlapping patches. The last value is repeated `stride` times behind the window.

    Args:
        length: P, days.
        stride: days from patch to patch.

    Call arguments:
        windows: float [B, D, W], W >= P.

    Returns:
        float [B, D, N, P], N = (W - P) // stride + 2.

    Example:
        The window 0, 1, ..., 6 with length 4 and stride 2 gives 0 1 2 3, 2 3 4 5 and 4 5 6 6.
    """

    def __init__(self, length: int, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length, self.stride = length, stride

    def call(self, windows: Any) -> Any:
        """Return the patches."""
        first = np.arange(self._count(windows)) * self.stride
        days = np.minimum(first[:, None] + np.arange(self.length), windows.shape[2] - 1)
        return ops.take(windows, days, axis=2)

    def _count(self, windows: Any) -> int:
        return (int(windows.shape[2]) - self.length) // self.stride + 2

    def compute_output_spec(self, windows: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*windows.shape[:2], self._count(windows), self.length), windows.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "length": self.length, "stride": self.stride}


def patch_encoder_block(
    x: Any, num_heads: int, mlp_dim: int, dropout: float, norm: Literal["batch", "layer"], name: str
) -> Any:
    """Apply self-attention and an MLP with GELU, each with a residual connection and a normalisation after it.

    Args:
        x: float [B, D, N, E]. The patches of a series attend to each other, not to those of other series.
        num_heads: attention heads, each of size E / num_heads.
        mlp_dim: hidden units of the MLP.
        dropout: dropout rate of attention output, MLP hidden units and MLP output.
        norm: `batch`: over all patches of a batch; `layer`: over the units of a patch.
        name: prefix of the layer names.

    Returns:
        float [B, D, N, E].
    """
    layers, d_model = keras.layers, x.shape[-1]

    def added(residual: Any, y: Any, number: int) -> Any:
        if dropout:
            y = layers.Dropout(dropout, name=f"{name}_dropout_{number}")(y)
        total = layers.Add(name=f"{name}_add_{number}")([residual, y])
        if norm == "batch":
            return FusedBatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm_{number}")(total)
        return layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm_{number}")(total)

    attention = layers.MultiHeadAttention(
        num_heads, d_model // num_heads, attention_axes=(2,), name=f"{name}_attention"
    )(x, x)
    x = added(x, attention, 1)
    y = layers.Dense(mlp_dim, "gelu", name=f"{name}_mlp_hidden")(x)
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_mlp_dropout")(y)
    return added(x, layers.Dense(d_model, name=f"{name}_mlp_out")(y), 2)
