"""A small transformer encoder over the points of a drawing, which know their place in their stroke.

Sources: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; Xiong et al., 2020,
https://arxiv.org/abs/2002.04745 (normalisation first). Layers: `models/layers/transformer.py`.

Shape legend: B batch, T padded points, D model size, K classes.
Kind: sequence to vector. Padding is attended by nobody and has no share in the mean over the points.
When to use it: with much data. Any two points are one step apart, at a cost that grows with T²; order is known
only from the positions added to the points, so that it takes more drawings to learn than an RNN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Config, Directions, Positions, Time
from strokecast.models.common.registry import register


class TransformerConfig(Config):
    """Settings of `classify.transformer`."""

    size: int = Field(64, ge=4, le=4096, multiple_of=4, description="size of each point's vector")
    heads: int = Field(4, ge=1, le=64, description="attention heads; size is a multiple of them")
    layers: int = Field(2, ge=1, le=24, description="encoder blocks on top of each other")
    hidden: int = Field(128, ge=1, le=16384, description="width of the perceptron in each block")
    activation: Literal["gelu", "relu"] = Field("gelu", description="of the perceptrons")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="share of units (and attention weights) dropped in blocks"
    )
    stroke_positions: int = Field(
        16, ge=1, le=256, description="strokes that get a learned vector each; later ones share the last"
    )
    l2: float = Field(0.0, ge=0, le=1, description="factor of the blocks' squared weights in the loss")
    positions: Positions = True
    time: Time = False
    directions: Directions = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.size % self.heads:
            raise PydanticCustomError("heads", "size should be a multiple of heads")
        return self


@register(
    "classify",
    "transformer",
    TransformerConfig,
    testing=TransformerConfig(size=8, heads=1, layers=2, hidden=12, dropout=0.0, stroke_positions=4),
)
def build(config: TransformerConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B]}, with `time` also "time": [B, T] → logits [B, K]."""
    import keras

    from strokecast.models.layers.drawing import drawing_inputs
    from strokecast.models.layers.pooling import MaskedMean
    from strokecast.models.layers.transformer import StrokePositions, encoder_block

    inputs, points, real = drawing_inputs(
        config.positions, config.time, config.directions
    )  # points [B, T, C], real [B, T]
    regularizer = keras.regularizers.L2(config.l2) if config.l2 else None
    x = keras.layers.Dense(config.size, name="enter")(points)  # [B, T, D]
    x = StrokePositions(config.stroke_positions, name="places")(x, inputs["strokes"])
    for number in range(1, config.layers + 1):
        x = encoder_block(
            x,
            real,
            config.heads,
            config.hidden,
            config.dropout,
            config.activation,
            regularizer,
            name=f"block_{number}",
        )
    x = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    pooled = MaskedMean(name="mean")(x, real)  # [B, D]
    logits = keras.layers.Dense(len(spec["classes"]), name="logits")(pooled)  # [B, K]
    return keras.Model(inputs, logits, name="transformer")
