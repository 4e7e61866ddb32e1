"""A small transformer encoder over the points of a drawing, with positions in the drawing and in the stroke.

Sources: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; Xiong et al., 2020,
https://arxiv.org/abs/2002.04745 (pre-normalisation). Layers: `models/layers/transformer.py`.

Shape legend: B batch, T padded points, D model size (`d_model`), K classes.
Kind: sequence to vector. Padding is masked in the attention and in the mean over the points.
When to use it: with much data. Any two points are one step apart, at a cost of T². The order of the points is known
only from the position embedding, so that it needs more drawings than a recurrent network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Directions, PointsPerStep, Positions, Time
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class TransformerConfig(Config):
    """Settings of `classify.transformer`."""

    d_model: int = Field(48, ge=4, le=4096, multiple_of=4, description="size of each point's vector")
    num_heads: int = Field(4, ge=1, le=64, description="attention heads; divides d_model")
    layers: int = Field(2, ge=1, le=24, description="number of encoder blocks")
    mlp_dim: int = Field(96, ge=1, le=16384, description="hidden units of the MLP in each block")
    activation: Literal["gelu", "relu"] = Field("gelu", description="activation of the MLPs")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout rate of units and attention weights in the blocks"
    )
    stroke_positions: int = Field(
        16, ge=1, le=256, description="strokes with an embedding of their own; later strokes share the last"
    )
    l2: float = Field(0.0, ge=0, le=1, description="factor of the squared weights of the blocks in the loss")
    points_per_step: PointsPerStep = 2
    positions: Positions = True
    time: Time = False
    directions: Directions = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.d_model % self.num_heads:
            raise PydanticCustomError("num_heads", "d_model should be a multiple of num_heads")
        return self


@register(
    "classify",
    "transformer",
    TransformerConfig,
    testing=TransformerConfig(d_model=8, num_heads=1, layers=2, mlp_dim=12, dropout=0.0, stroke_positions=4),
    search_space={
        "d_model": Choices((32, 48, 64, 96)),
        "layers": Range(1, 3),
        "mlp_dim": Range(48, 192, log=True),
        "dropout": Range(0.0, 0.4),
        "points_per_step": Choices((1, 2, 4)),
    },
)
def build(config: TransformerConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.masking import ApplyMask, stack_steps
    from strokecast.models.layers.pooling import MaskedMean
    from strokecast.models.layers.transformer import StrokePositions, encoder_block

    inputs, points, mask = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], mask [B, T]
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    x = keras.layers.Dense(config.d_model, name="input_projection")(points)  # [B, T, D]
    x = StrokePositions(config.stroke_positions, name="position_embedding")(x, inputs["strokes"])
    if config.points_per_step > 1:
        x = ApplyMask(name="masked")(x, mask)  # the last step may hold padded points
        x, mask = stack_steps(x, mask, config.points_per_step)  # [B, ceil(T / n), n D]
        x = keras.layers.Dense(config.d_model, name="patch_projection")(x)
    for number in range(1, config.layers + 1):
        x = encoder_block(
            x,
            mask,
            config.num_heads,
            config.mlp_dim,
            config.dropout,
            config.activation,
            regularizer,
            name=f"block_{number}",
        )
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    pooled = MaskedMean(name="mean")(x, mask)  # [B, D]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(pooled)  # [B, K]
    return keras.Model(inputs, logits, name="transformer")
