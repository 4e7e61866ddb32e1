"""Draws what a class looks like: vector to sequence.

Sources: the decoder of Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, section 3.2 (in their terms the
"unconditional" decoder, here with a class for a condition); Graves, 2013, https://arxiv.org/abs/1308.0850.

Shape legend: B batch, T padded points, E embedding, U units, M mixtures, K classes.
Kind: vector to sequence. The class's embedding sets the first state and is read at each step. `recurrent_dropout`
and `norm: layer` give up cuDNN: overfitting is what a decoder of drawings suffers from first.
When to use it: to draw something of a class, and all variety may come from chance alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, CudnnRecurrentDropout, DecoderNorm, Embedding, Mixtures
from strokecast.models.common.registry import register


class ClassDecoderConfig(Config):
    """Settings of `draw.class_decoder`."""

    units: int = Field(256, ge=1, le=4096, description="units of the decoder")
    mixtures: Mixtures = 10
    embedding: Embedding = 16
    norm: DecoderNorm = "none"
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the decoder's units dropped before the head"
    )
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    l2: float = Field(0.0, ge=0, le=1, description="factor of the decoder's squared weights in the loss")


@register(
    "draw",
    "class_decoder",
    ClassDecoderConfig,
    testing=ClassDecoderConfig(units=8, mixtures=2, embedding=3),
)
def build(config: ClassDecoderConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B], "label": [B]} → {"mixture": [B, T + 1, 6M + 3]}."""
    import keras

    from strokecast.models.layers.decoder import LABEL, MIXTURE, decode

    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    label = keras.Input((), dtype="int64", name="label")
    condition = keras.layers.Embedding(len(spec["classes"]), config.embedding, name=LABEL)(label)  # [B, E]
    mixture = decode(  # [B, T + 1, 6M + 3]
        strokes,
        length,
        condition,
        units=config.units,
        mixtures=config.mixtures,
        norm=config.norm,
        dropout=config.dropout,
        recurrent_dropout=config.recurrent_dropout,
        l2=config.l2,
    )
    inputs = {"strokes": strokes, "length": length, "label": label}
    return keras.Model(inputs, {MIXTURE: mixture}, name="class_decoder")
