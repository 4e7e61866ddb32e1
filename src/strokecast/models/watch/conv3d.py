"""Three-dimensional convolutions in residual blocks: time is an axis like height and width.

Sources: Tran et al., 2015 (C3D), https://arxiv.org/abs/1412.0767; Tran et al., 2018 (residual blocks, R3D and
R(2+1)D), https://arxiv.org/abs/1711.11248

Shape legend: B batch, N frames, H x W pixels, F filters of the last block, K classes.
Kind: video to vector. Each block halves time, height and width.
When to use it: for short motions anywhere in the video. Events further apart than the receptive field meet only in the
mean. Three-dimensional convolutions cost several times as much as two-dimensional ones; `factorised` splits each into
one over space and one over time, with fewer weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import L2, Config, Dropout, Norm, Sizes
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class Conv3dConfig(Config):
    """Settings of `watch.conv3d`."""

    stem: int = Field(
        16, ge=1, le=4096, description="output channels of the first convolution, of stride 2 in space"
    )
    filters: Sizes = Field((24, 48), min_length=1, description="channels of each residual block")
    factorised: bool = Field(
        False, description="split each 3 x 3 x 3 convolution into one over space and one over time"
    )
    activation: Literal["relu", "elu"] = Field("relu", description="activation of each convolution")
    norm: Norm = "batch"
    dropout: Dropout = 0.2
    l2: L2 = 0.0


@register(
    "watch",
    "conv3d",
    Conv3dConfig,
    testing=Conv3dConfig(stem=3, filters=(4, 5), dropout=0.0),
    search_space={
        "stem": Range(8, 32, log=True),
        "dropout": Range(0.0, 0.5),
    },
)
def build(config: Conv3dConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import video_input
    from strokecast.models.layers.video import conv3d, residual_block

    layers = keras.layers
    frames, video = video_input(spec)  # [B, N, H, W, 1]
    x = conv3d(video, config.stem, (3, 5, 5), (1, 2, 2), config, "stem")  # [B, N, H / 2, W / 2, C]
    for number, filters in enumerate(config.filters, start=1):
        x = residual_block(x, filters, config, f"block_{number}")  # [B, N / 2, H / 4, W / 4, F]
    x = layers.GlobalAveragePooling3D(name="mean")(x)  # [B, F]
    if config.dropout:
        x = layers.Dropout(config.dropout, name="dropout")(x)
    logits = layers.Dense(len(spec["classes"]), name="logits")(x)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="conv3d")
