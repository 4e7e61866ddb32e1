"""A class-conditional decoder: draws what a class looks like.

Sources: Ha and Eck, 2017, https://arxiv.org/abs/1704.03477, section 3.2 (the "unconditional" decoder, here conditioned
on a class); Graves, 2013, https://arxiv.org/abs/1308.0850.

Shape legend: B batch, T padded points, E embedding size, U units, M mixture components, K classes.
Kind: vector to sequence. The class embedding sets the initial state and is an input at each step. `recurrent_dropout`
and `norm: layer` cannot run on cuDNN; they are available because decoders of drawings tend to overfit.
When to use it: to draw examples of a class, if sampling noise gives enough variety.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, CudnnRecurrentDropout, DecoderNorm, Embedding, Mixtures
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class ClassDecoderConfig(Config):
    """Settings of `draw.class_decoder`."""

    units: int = Field(160, ge=1, le=4096, description="units of the decoder")
    mixtures: Mixtures = 10
    embedding: Embedding = 16
    norm: DecoderNorm = "none"
    dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout rate of the decoder's output before the head"
    )
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    l2: float = Field(0.0, ge=0, le=1, description="factor of the squared weights of the decoder in the loss")


@register(
    "draw",
    "class_decoder",
    ClassDecoderConfig,
    testing=ClassDecoderConfig(units=8, mixtures=2, embedding=3),
    search_space={
        "units": Range(80, 320, log=True),
        "mixtures": Range(5, 20),
        "embedding": Range(8, 32, log=True),
        "dropout": Range(0.0, 0.4),
    },
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
