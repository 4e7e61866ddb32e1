"""Temporal Fusion Transformer: selects variables, reads them with LSTMs, and attends to the window from each forecast day.

Source: Lim et al., 2021, https://arxiv.org/abs/1912.09363; the parts: `models/layers/temporal_fusion.py`. The flags of
several series (`series_id`) are its static covariates; without them its static contexts are left out. The place of a day
relative to the origin is a known variable.

Shape legend: B batch, W window (`input_size`), C channels, E `d_model`, H horizon, F known future features, D targets,
Q quantile levels, N = D times Q.
Kind: encoder and decoder with attention. A forecast day depends on its known features and those of earlier forecast days.
Meets cuDNN's conditions (tanh/sigmoid, no recurrent dropout).
When to use it: for many covariates, to see which the network uses: `past_variables_weights` and `future_variables_weights`
hold the weight of each variable on each day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.models.common.config import Dropout, Forecaster
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Choices, Range


class TftConfig(Forecaster):
    """Settings of `forecast.tft`."""

    d_model: int = Field(8, ge=1, le=1024, description="size of all vectors")
    num_heads: int = Field(2, ge=1, le=64, description="attention heads; divides d_model")
    dropout: Dropout = 0.1

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.d_model % self.num_heads:
            raise PydanticCustomError("num_heads", "d_model should be a multiple of num_heads")
        return self


@register(
    "forecast",
    "tft",
    TftConfig,
    testing=TftConfig(d_model=6, num_heads=1, dropout=0.0),
    # Each variable of each day passes a network of its own: an epoch takes several times as long as one of `gru`.
    training={"epochs": 4},
    search_space={
        "d_model": Choices((4, 8, 16, 32)),
        "dropout": Range(0.0, 0.4),
    },
)
def build(config: TftConfig, spec: Mapping[str, Any]) -> Any:
    """{"past": [B, W, C], "future": [B, H, F]} → scaled forecasts [B, H, D, Q], without quantiles [B, H, D]."""
    import keras

    from strokecast.models.layers import temporal_fusion
    from strokecast.models.layers.horizon import finish, forecast_inputs, output_size
    from strokecast.models.layers.seasonal import seasonal_base

    inputs, past, future = forecast_inputs(spec)
    base = seasonal_base(config.residual, past, future, spec)
    units, dropout, window = config.d_model, config.dropout, int(spec["input_size"])
    past_variables, future_variables, contexts = _variables(past, future, config, spec)
    of_window = temporal_fusion.select_variables(  # [B, W, E]
        past_variables, units, dropout, "past_variables", contexts.get("selection")
    )
    of_future = temporal_fusion.select_variables(  # [B, H, E]
        future_variables, units, dropout, "future_variables", contexts.get("selection")
    )
    start = [contexts["hidden"], contexts["cell"]] if contexts else None
    encoded, *state = keras.layers.LSTM(units, return_sequences=True, return_state=True, name="encoder")(
        of_window, initial_state=start
    )
    decoded = keras.layers.LSTM(units, return_sequences=True, name="decoder")(of_future, initial_state=state)
    selected = keras.layers.Concatenate(axis=1, name="selected")([of_window, of_future])  # [B, W + H, E]
    temporal = keras.layers.Concatenate(axis=1, name="lstm")([encoded, decoded])
    temporal = temporal_fusion.add_and_norm(selected, temporal, dropout, "temporal")
    enriched = temporal_fusion.gated_residual(
        temporal, units, dropout, "enriched", context=contexts.get("enrichment")
    )
    enriched_days = keras.layers.Cropping1D((window, 0), name="enriched_days")(enriched)  # [B, H, E]
    attended = temporal_fusion.InterpretableAttention(config.num_heads, dropout, name="attention")(
        enriched_days, enriched
    )
    attended = temporal_fusion.add_and_norm(enriched_days, attended, dropout, "attended")
    transformed = temporal_fusion.gated_residual(attended, units, dropout, "transformed")
    days = keras.layers.Cropping1D((window, 0), name="temporal_days")(temporal)
    output = temporal_fusion.add_and_norm(days, transformed, 0.0, "fused")
    raw = keras.layers.Dense(output_size(config, spec), name="raw")(output)  # [B, H, N]
    return keras.Model(inputs, finish(raw, base, config, spec), name="tft")


def _variables(
    past: Any, future: Any, config: TftConfig, spec: Mapping[str, Any]
) -> tuple[Any, Any, dict[str, Any]]:
    """Variables of the window [B, W, V], those of the forecast days [B, H, V'], and static contexts [B, E] by purpose."""
    import keras

    from strokecast.models.layers.horizon import last_day
    from strokecast.models.layers.select_channels import SelectChannels
    from strokecast.models.layers.temporal_fusion import RelativeDays, gated_residual

    window, horizon = int(spec["input_size"]), int(spec["horizon"])
    flags = {f"series: {name}" for name in spec.get("series_ids", ())}
    contexts: dict[str, Any] = {}
    if flags:
        by_flag = [name in flags for name in spec["channels"]]
        of_series = [column for column, is_flag in enumerate(by_flag) if is_flag]
        others = [column for column, is_flag in enumerate(by_flag) if not is_flag]
        static = SelectChannels(of_series, name="series_flags")(last_day(past))
        static = keras.layers.Dense(config.d_model, use_bias=False, name="series_embedding")(static)
        for purpose in ("selection", "enrichment", "hidden", "cell"):
            contexts[purpose] = gated_residual(static, config.d_model, config.dropout, f"static_{purpose}")
        past = SelectChannels(others, name="past_without_flags")(past)
        known = [column for column, name in enumerate(spec["future"]) if name not in flags]
        future = SelectChannels(known, name="future_without_flags")(future) if known else None
    past_days = RelativeDays(1 - window, window, name="past_days")(past)
    past = keras.layers.Concatenate(name="past_and_days")([past, past_days])
    future_days = RelativeDays(1, horizon, name="future_days")(past)
    if future is None:
        return past, future_days, contexts
    return past, keras.layers.Concatenate(name="future_and_days")([future, future_days]), contexts
