"""A convolutional network on each frame, then a recurrent network over the frame vectors.

Source: Donahue et al., 2015 (LRCN), https://arxiv.org/abs/1411.4389

Shape legend: B batch, N frames, H x W pixels, F size of a frame's vector, U units (2U if bidirectional), K classes.
Kind: video to vector; all recurrent layers but the last return sequences. Meets cuDNN's conditions (tanh/sigmoid, no
recurrent dropout) with `recurrent_dropout` 0.
When to use it: as the first network to try on video. It costs little more than `frame_average`, and reads the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import FrameRnn
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class CnnRnnConfig(FrameRnn):
    """Settings of `watch.cnn_rnn`."""


@register(
    "watch",
    "cnn_rnn",
    CnnRnnConfig,
    testing=CnnRnnConfig(filters=(3, 4), kernels=(5, 3), features=6, units=5, dropout=0.0),
    search_space={
        "features": Range(32, 128, log=True),
        "dropout": Range(0.0, 0.5),
        "units": Range(48, 192, log=True),
        "layers": Range(1, 3),
        "bidirectional": Choices((False, True)),
    },
)
def build(config: CnnRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K]."""
    import keras

    from strokecast.models.layers.frames import frame_vectors, recurrent_state, video_input

    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    vectors = frame_vectors(video, config)  # [B, N, F]
    state = recurrent_state(vectors, config)  # [B, U]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(state)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="cnn_rnn")
