"""Recurrent layers that all return sequences: every day of the window forecasts its next `horizon` days.

Source: Géron, Hands-On Machine Learning, 3rd edition, chapter 15 (a sequence-to-sequence RNN).

Shape legend: B batch, W window (`input_size`), C channels, U units, H horizon, F known future features, D targets,
Q quantile levels.
Kind: sequence to sequence. The training loss covers all steps, so that each window contributes W forecasts.
Validation and all comparisons use only the last step. Meets cuDNN's conditions (tanh/sigmoid, no recurrent dropout)
with `recurrent_dropout` 0 and the cell `gru` or `lstm`.
When to use it: if data is scarce. Every day contributes gradients, not only the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.common.errors import UserError
from strokecast.models.common.config import RecurrentForecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range

LOCATION = "params.yaml: models.forecast.seq2seq"


class Seq2seqConfig(RecurrentForecaster):
    """Settings of `forecast.seq2seq`."""

    cell: Literal["gru", "lstm", "simple_rnn"] = Field("gru", description="cell type of the recurrent layers")
    layers: int = Field(1, ge=1, le=16, description="number of stacked recurrent layers")

    def check_spec(self, spec: Mapping[str, Any], location: str = LOCATION) -> None:
        """Check that the window (`input_size`) of the data is longer than the horizon.

        Raises:
            UserError: if it is not.
        """
        if spec["input_size"] <= spec["horizon"]:
            raise UserError(
                f"seq2seq needs a window longer than the horizon ({spec['horizon']} days), "
                f"the window has {spec['input_size']}",
                location=location,
                fix="raise features.forecast.input_size, or set enabled: false",
            )


@register(
    "forecast",
    "seq2seq",
    Seq2seqConfig,
    testing=Seq2seqConfig(units=8, layers=2, head_units=4),
    # Each window trains 56 forecasts, so few epochs are enough.
    training={"epochs": 5},
    search_space={
        "units": Range(16, 64, log=True),
        "dropout": Range(0.0, 0.4),
        "head_units": Choices((0, 16, 32, 64)),
        "layers": Range(1, 3),
    },
)
def build(config: Seq2seqConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, W, H, D, Q], without quantiles [B, W, H, D].

    Raises:
        UserError: if the window is not longer than the horizon: all targets of its first step must lie in the
            window or the horizon.
    """
    import keras

    from strokecast.models.layers.horizon import forecast_inputs, head
    from strokecast.models.layers.recurrent import CELLS, encode_window

    config.check_spec(spec)
    inputs, past, future = forecast_inputs(spec)
    states = encode_window(
        CELLS[config.cell], past, config, config.layers, return_sequences=True
    )  # [B, W, U]
    forecast = head(states, past, future, config, spec, config.head_units)
    return keras.Model(inputs, forecast, name="seq2seq")
