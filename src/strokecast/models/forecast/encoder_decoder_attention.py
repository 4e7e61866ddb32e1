"""An encoder-decoder whose decoder attends to all days of the window at each forecast day.

Sources: Luong, Pham and Manning, 2015 (global attention, general score), https://arxiv.org/abs/1508.04025; Bahdanau,
Cho and Bengio, 2015, https://arxiv.org/abs/1409.0473; the decoder: `models/layers/day_decoder.py`.

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: encoder and decoder, see `encoder_decoder`. Attention follows the decoder's cell and does not feed back into it,
so that training with teacher forcing remains one pass that cuDNN can run.
When to use it: for long windows. The same weekday, or the same day of last year, is one step away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import EncoderDecoder
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class EncoderDecoderAttentionConfig(EncoderDecoder):
    """Settings of `forecast.encoder_decoder_attention`."""


@register(
    "forecast",
    "encoder_decoder_attention",
    EncoderDecoderAttentionConfig,
    testing=EncoderDecoderAttentionConfig(units=8, head_units=4),
    training={"epochs": 6},
    search_space={
        "units": Range(16, 64, log=True),
        "teacher_forcing": Choices((False, True)),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
    },
)
def build(config: EncoderDecoderAttentionConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    from strokecast.models.layers.day_decoder import encoder_decoder

    return encoder_decoder(config, spec, attention=True, name="encoder_decoder_attention")
