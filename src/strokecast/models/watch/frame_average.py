"""Baseline: a small convolutional network on each frame, averaged over the frames.

Source: Karpathy et al., 2014 (single frame), https://doi.org/10.1109/CVPR.2014.223

Shape legend: B batch, N frames, H x W pixels, F size of a frame's vector, K classes.
Kind: video to vector, independent of the order of the frames. The head is linear, so that the mean of the vectors
gives the mean of the frames' logits.
When to use it: as the baseline that shows what motion and order gain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import FrameCnn
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class FrameAverageConfig(FrameCnn):
    """Settings of `watch.frame_average`."""


@register(
    "watch",
    "frame_average",
    FrameAverageConfig,
    testing=FrameAverageConfig(filters=(3, 4), kernels=(5, 3), features=6, dropout=0.0),
    search_space={
        "features": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.5),
    },
)
def build(config: FrameAverageConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import frame_vectors, video_input

    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    vectors = frame_vectors(video, config)  # [B, N, F]
    mean = keras.layers.GlobalAveragePooling1D(name="mean")(vectors)  # [B, F]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(mean)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="frame_average")
