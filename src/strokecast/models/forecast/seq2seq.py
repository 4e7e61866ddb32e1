"""Recurrent layers that all return their sequences: on each day of the window, a forecast of the next `horizon` days.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15 (a sequence-to-sequence RNN).

Shape legend: B batch, W window, C channels, U units, H horizon, F future features, D targets, Q quantile levels.
Kind: sequence to sequence. Training lowers the error of all steps, so that each window teaches W forecasts; validation
and all comparisons take the last step alone. Keeps cuDNN's conditions (tanh/sigmoid, no recurrent dropout) while
`recurrent_dropout` is 0 and the cell is `gru` or `lstm`.
When to use it: where data is scarce: gradients come from every day, not from the last alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.common.errors import UserError
from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register


class Seq2seqConfig(RecurrentForecaster):
    """Settings of `forecast.seq2seq`."""

    cell: Literal["gru", "lstm", "simple_rnn"] = Field("gru", description="of the recurrent layers")
    layers: int = Field(1, ge=1, le=16, description="recurrent layers on top of each other")


@register("forecast", "seq2seq", Seq2seqConfig, testing=Seq2seqConfig(units=8, layers=2, head_units=4))
def build(config: Seq2seqConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, W, H, D, Q], without quantiles [B, W, H, D].

    Raises:
        UserError: if the window is no longer than the horizon: its first step would forecast beyond the window alone.
    """
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import CELLS, read_window

    if spec["window"] <= spec["horizon"]:
        raise UserError(
            f"a forecast from each day of the window needs one longer than the horizon ({spec['horizon']} days), "
            f"the window has {spec['window']}",
            where="params.yaml: models.forecast.seq2seq",
            fix="lengthen features.forecast.window, or say enabled: false",
        )
    inputs, past, future = forecast_inputs(spec)
    states = read_window(CELLS[config.cell], past, config, config.layers, return_sequences=True)  # [B, W, U]
    days = head(states, past, future, config, spec, config.head_units)
    return keras.Model(inputs, days, name="seq2seq")
