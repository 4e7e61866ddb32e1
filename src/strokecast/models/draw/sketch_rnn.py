"""Sketch-RNN: a variational autoencoder of drawings, sequence to sequence through a latent vector.

Source: Ha and Eck, 2017, https://arxiv.org/abs/1704.03477; the class as a second condition is ours.

Shape legend: B batch, T padded points, N units of the encoder (each direction), Z latent numbers, E embedding,
U units of the decoder, M mixtures, K classes.
Kind: sequence to vector to sequence. The encoder's states are those of the last real point, forwards, and of the
first, backwards. z sets the decoder's first state and is read at each step. `recurrent_dropout` and `norm: layer`
give up cuDNN in the decoder; the encoder keeps to its conditions.
When to use it: to redraw a drawing, to go from one to another, or to draw with more variety than chance gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, CudnnRecurrentDropout, DecoderNorm, Embedding, Mixtures
from strokecast.models.common.registry import register


class SketchRnnConfig(Config):
    """Settings of `draw.sketch_rnn`."""

    encoder_units: int = Field(96, ge=1, le=4096, description="units of the encoder, each direction")
    latent: int = Field(32, ge=1, le=4096, description="latent numbers")
    units: int = Field(256, ge=1, le=4096, description="units of the decoder")
    mixtures: Mixtures = 10
    conditional: bool = Field(True, description="tell the decoder the class, so that one can be asked for")
    embedding: Embedding = 16
    norm: DecoderNorm = "none"
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the decoder's units dropped before the head"
    )
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    l2: float = Field(0.0, ge=0, le=1, description="factor of the decoder's squared weights in the loss")
    kl_weight: float = Field(0.5, ge=0, le=100, description="of the KL divergence in the loss")
    kl_start: float = Field(0.01, ge=0, le=1, description="share of kl_weight at the first step")
    kl_decay: float = Field(
        0.995, gt=0, lt=1, description="what each step leaves of the way from that share to 1"
    )
    kl_floor: float = Field(
        0.2, ge=0, le=100, description="nats a latent number; a smaller divergence is not made smaller"
    )


@register(
    "draw",
    "sketch_rnn",
    SketchRnnConfig,
    testing=SketchRnnConfig(encoder_units=6, latent=4, units=8, mixtures=2, embedding=3),
)
def build(config: SketchRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B], if conditional "label": [B]} → mixture, kl and penalty.

    {"mixture": [B, T + 1, 6M + 3], "kl": [B], nats a latent number, "penalty": [B], what the
    divergence adds to the loss}.
    """
    import keras

    from strokecast.models.layers.decoder import LABEL, MIXTURE, decode
    from strokecast.models.layers.latent import AnnealedPenalty, Divergence, Latent
    from strokecast.models.layers.masking import LengthMask

    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    inputs = {"strokes": strokes, "length": length}
    real = LengthMask(name="real")(strokes, length)  # [B, T]
    reader = keras.layers.LSTM(config.encoder_units, name="reader")
    encoder = keras.layers.Bidirectional(reader, name="encoder")
    states = encoder(strokes, mask=real)  # [B, 2N]
    mean = keras.layers.Dense(config.latent, name="latent_mean")(states)  # [B, Z]
    log_variance = keras.layers.Dense(config.latent, name="latent_log_variance")(states)  # [B, Z]
    condition = Latent(name="latent")(mean, log_variance)  # [B, Z]
    if config.conditional:
        inputs["label"] = keras.Input((), dtype="int64", name="label")
        embedding = keras.layers.Embedding(len(spec["classes"]), config.embedding, name=LABEL)
        condition = keras.layers.Concatenate(name="latent_and_class")([condition, embedding(inputs["label"])])
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
    kl = Divergence(name="kl")(mean, log_variance)  # [B]
    penalty = AnnealedPenalty(
        config.kl_weight, config.kl_start, config.kl_decay, config.kl_floor, name="penalty"
    )(kl)
    return keras.Model(inputs, {MIXTURE: mixture, "kl": kl, "penalty": penalty}, name="sketch_rnn")
