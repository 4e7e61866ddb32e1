"""An encoder reads the window; its final state initialises a decoder that forecasts day by day.

Sources: Sutskever, Vinyals and Le, 2014, https://arxiv.org/abs/1409.3215; Cho et al., 2014,
https://arxiv.org/abs/1406.1078; the decoder: `models/layers/day_decoder.py`.

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: encoder and decoder. At each day the decoder reads the value of the previous day and the known features of the
day itself. With `teacher_forcing` the previous value is the true one in training; in inference it is the decoder's
own median. The encoder meets cuDNN's conditions; the decoder does in training with teacher forcing. If it reads its
own forecasts, its steps run one after another.
When to use it: if each day depends on the day before and on its known features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.models.common.config import EncoderDecoder
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class EncoderDecoderConfig(EncoderDecoder):
    """Settings of `forecast.encoder_decoder`."""


@register(
    "forecast",
    "encoder_decoder",
    EncoderDecoderConfig,
    testing=EncoderDecoderConfig(units=8, head_units=4),
    training={"epochs": 7},
    search_space={
        "units": Range(16, 64, log=True),
        "teacher_forcing": Choices((False, True)),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
    },
)
def build(config: EncoderDecoderConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    from strokecast.models.layers.day_decoder import encoder_decoder

    return encoder_decoder(config, spec, attention=False, name="encoder_decoder")
