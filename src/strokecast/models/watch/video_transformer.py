"""Factorised transformer: attention over the patches of each frame, then over the frames.

Sources: Arnab et al., 2021 (ViViT, factorised encoder), https://arxiv.org/abs/2103.15691; Bertasius, Wang and
Torresani, 2021 (TimeSformer), https://arxiv.org/abs/2102.05095. Block: `models/layers/transformer.py`.

Shape legend: B batch, N frames, H x W pixels, P patches per frame, D model size (`d_model`), K classes.
Kind: video to vector. Attention over all N P patches at once costs (N P)²; in two steps it costs N P² and N².
When to use it: with many videos. It has no built-in notion of neighbourhood or time; both are learned from the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.common.errors import UserError
from strokecast.models.common.config import L2, Config
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range

LOCATION = "params.yaml: models.watch.video_transformer"


class VideoTransformerConfig(Config):
    """Settings of `watch.video_transformer`."""

    patch: int = Field(14, ge=1, le=256, description="pixels per side of a patch; divides height and width")
    d_model: int = Field(64, ge=1, le=4096, description="size of each patch's and frame's vector")
    num_heads: int = Field(4, ge=1, le=64, description="attention heads; divides d_model")
    space_layers: int = Field(2, ge=1, le=24, description="encoder blocks over the patches of a frame")
    time_layers: int = Field(1, ge=1, le=24, description="encoder blocks over the frames")
    mlp_dim: int = Field(128, ge=1, le=16384, description="hidden units of the MLP in each block")
    activation: Literal["gelu", "relu"] = Field("gelu", description="activation of the MLPs")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout rate of units and attention weights in the blocks"
    )
    l2: L2 = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.d_model % self.num_heads:
            raise PydanticCustomError(
                "num_heads",
                "d_model ({d_model}) should be a multiple of num_heads ({num_heads})",
                {"d_model": self.d_model, "num_heads": self.num_heads},
            )
        return self

    def check_spec(self, spec: Mapping[str, Any], location: str = LOCATION) -> None:
        """Check that patches fit the `height` and `width` of the data.

        Raises:
            UserError: if `patch` does not divide both.
        """
        if spec["height"] % self.patch or spec["width"] % self.patch:
            raise UserError(
                f"frames of {spec['height']} x {spec['width']} pixels cannot be cut into patches of {self.patch}",
                location=f"{location}.config.patch",
                allowed="a divisor of height and width",
            )


@register(
    "watch",
    "video_transformer",
    VideoTransformerConfig,
    testing=VideoTransformerConfig(
        patch=7, d_model=6, num_heads=1, space_layers=1, time_layers=1, mlp_dim=8, dropout=0.0
    ),
    # 48 tokens of 14 x 14 pixels: a third of the time of 192 tokens of 7 x 7, and no less accurate on validation drawings.
    training={"epochs": 12, "learning_rate": 0.002},
    search_space={
        "d_model": Choices((32, 64, 96)),
        "space_layers": Range(1, 3),
        "time_layers": Range(1, 3),
        "mlp_dim": Range(64, 256, log=True),
        "dropout": Range(0.0, 0.5),
    },
)
def build(config: VideoTransformerConfig, spec: Mapping[str, Any]) -> Any:
    """{"frames": uint8 [B, N, H, W]} → logits [B, K].

    Raises:
        UserError: if `patch` does not divide the height and width of the frames.
    """
    import keras

    from strokecast.models.layers.frames import BatchAsFrames, FramesAsBatch, l2_or_none, video_input
    from strokecast.models.layers.transformer import PositionEmbedding, encoder_block

    config.check_spec(spec)
    layers = keras.layers

    def encoder(x: Any, blocks: int, part: str) -> Any:
        x = PositionEmbedding(name=f"{part}_position_embedding")(x)
        for number in range(1, blocks + 1):
            x = encoder_block(
                x,
                None,
                config.num_heads,
                config.mlp_dim,
                config.dropout,
                config.activation,
                l2_or_none(config.l2),
                name=f"{part}_{number}",
            )
        x = layers.LayerNormalization(epsilon=1e-5, name=f"{part}_norm")(x)
        return layers.GlobalAveragePooling1D(name=f"{part}_mean")(x)

    frames, video = video_input(spec)  # video [B, N, H, W, 1]
    x = FramesAsBatch(name="each_frame")(video)  # [B * N, H, W, 1]
    x = layers.Conv2D(config.d_model, config.patch, strides=config.patch, name="patches")(x)
    x = layers.Reshape((-1, config.d_model), name="tokens")(x)  # [B * N, P, D]
    x = encoder(x, config.space_layers, "space")  # [B * N, D]
    x = BatchAsFrames(spec["frames"], name="vectors")(x)  # [B, N, D]
    x = encoder(x, config.time_layers, "time")  # [B, D]
    logits = layers.Dense(len(spec["classes"]), name="logits")(x)  # [B, K]
    return keras.Model({"frames": frames}, logits, name="video_transformer")
