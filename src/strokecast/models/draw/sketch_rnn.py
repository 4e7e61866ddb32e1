"""Sketch-RNN: a variational autoencoder of drawings, sequence to sequence through a latent vector.

Source: Ha and Eck, 2017, https://arxiv.org/abs/1704.03477; the class as a second condition is an addition.

Shape legend: B batch, T padded points, N encoder units per direction, Z latent dimensions, E embedding size,
U decoder units, M mixture components, K classes.
Kind: sequence to vector to sequence. The encoder's states are the forward state at the last valid point and the
backward state at the first. z sets the decoder's initial state and is an input at each step. `recurrent_dropout` and
`norm: layer` prevent cuDNN in the decoder; the encoder always meets its conditions.
When to use it: to reconstruct a drawing, to interpolate between two, or for more variety than sampling noise gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, CudnnRecurrentDropout, DecoderNorm, Embedding, Mixtures
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class SketchRnnConfig(Config):
    """Settings of `draw.sketch_rnn`."""

    encoder_units: int = Field(48, ge=1, le=4096, description="units of the encoder, per direction")
    latent: int = Field(32, ge=1, le=4096, description="latent dimensions")
    units: int = Field(160, ge=1, le=4096, description="units of the decoder")
    mixtures: Mixtures = 10
    conditional: bool = Field(
        True, description="condition the decoder on the class, so that a class can be requested"
    )
    embedding: Embedding = 16
    norm: DecoderNorm = "none"
    dropout: float = Field(
        0.0, ge=0, lt=1, description="dropout rate of the decoder's output before the head"
    )
    recurrent_dropout: CudnnRecurrentDropout = 0.0
    l2: float = Field(0.0, ge=0, le=1, description="factor of the squared weights of the decoder in the loss")
    kl_weight: float = Field(0.5, ge=0, le=100, description="weight of the KL divergence in the loss")
    kl_start: float = Field(0.01, ge=0, le=1, description="annealing: share of kl_weight at the first step")
    kl_decay: float = Field(
        0.995, gt=0, lt=1, description="annealing: factor per step of the distance from kl_start to 1"
    )
    kl_floor: float = Field(
        0.2,
        ge=0,
        le=100,
        description="nats per latent dimension; a divergence below this value is not reduced further",
    )


@register(
    "draw",
    "sketch_rnn",
    SketchRnnConfig,
    testing=SketchRnnConfig(encoder_units=6, latent=4, units=8, mixtures=2, embedding=3),
    training={"epochs": 10},
    search_space={
        "encoder_units": Range(24, 96, log=True),
        "latent": Range(16, 64, log=True),
        "units": Range(80, 320, log=True),
        "mixtures": Range(5, 20),
        "embedding": Range(8, 32, log=True),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: SketchRnnConfig, spec: Mapping[str, Any]) -> Any:
    """{"strokes": [B, T, 3], "length": [B], if conditional "label": [B]} → {"mixture", "kl", "penalty"}.

    Outputs: "mixture" [B, T + 1, 6M + 3]; "kl" [B], nats per latent dimension; "penalty" [B], the KL term of the loss.
    """
    import keras

    from strokecast.models.layers.decoder import LABEL, MIXTURE, decode
    from strokecast.models.layers.latent import AnnealedKLPenalty, KLDivergence, LatentSampling
    from strokecast.models.layers.masking import LengthMask

    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    inputs = {"strokes": strokes, "length": length}
    mask = LengthMask(name="mask")(strokes, length)  # [B, T]
    lstm = keras.layers.LSTM(config.encoder_units, name="encoder_lstm")
    encoder = keras.layers.Bidirectional(lstm, name="encoder")
    states = encoder(strokes, mask=mask)  # [B, 2N]
    mean = keras.layers.Dense(config.latent, name="latent_mean")(states)  # [B, Z]
    log_variance = keras.layers.Dense(config.latent, name="latent_log_variance")(states)  # [B, Z]
    condition = LatentSampling(name="latent")(mean, log_variance)  # [B, Z]
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
    kl = KLDivergence(name="kl")(mean, log_variance)  # [B]
    penalty = AnnealedKLPenalty(
        config.kl_weight, config.kl_start, config.kl_decay, config.kl_floor, name="penalty"
    )(kl)
    return keras.Model(inputs, {MIXTURE: mixture, "kl": kl, "penalty": penalty}, name="sketch_rnn")
