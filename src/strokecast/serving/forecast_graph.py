"""A forecasting network as one function of raw days: `features.timeseries.window_transformer` in TensorFlow ops.

The calendar is a table in the graph, one row per day, from the first training day to ten years after the last day of the
data. Forecasts that need a day outside it are NaN.

Shapes: B examples, n days of history, W days of the past, H days of the horizon, D targets, P past covariates, F features
known of every day, S series, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, WindowTransformer
from strokecast.inference import networks
from strokecast.serving.raw_graph import RawGraph, RawInput

_YEARS = 10  # of the calendar after the last day of the data


def build(network: Any, spec: Any) -> RawGraph:
    """The raw graph of a forecasting network, without online correction and intervals.

    Args:
        network: `keras.Model`.
        spec: of the data it was trained on.

    Raises:
        UserError: if a column has different transforms in different series, or one that depends on a fitted power.
    """
    names = series_spec.names(spec)
    transformers = [WindowTransformer(series_spec.for_series(spec, name)) for name in names]
    first = transformers[0]
    _check_transforms(transformers)
    history, horizon = first.min_history, first.horizon
    columns = [*first.past_columns]
    inputs = {
        "values": RawInput(
            "float32",
            (None, history, len(columns)),
            (1, history, len(columns)),
            f"the last {history} days of {', '.join(columns)}, in their own units",
        ),
        "origin": RawInput(
            "int32", (None,), (1,), "the first forecast day, in days since 1970-01-01 (day 0)"
        ),
    }
    if DAY_TYPE in first.calendar.kinds:
        inputs[DAY_TYPE] = RawInput(
            "int32",
            (None, history + horizon),
            (1, history + horizon),
            f"position of each day's type, of the history and the horizon, in {list(first.calendar.day_types)}",
        )
    if names != (series_spec.SINGLE,):
        inputs["series"] = RawInput("int32", (None,), (1,), f"position of the series in {list(names)}")
    table, first_day = _calendar_table(spec, first)
    last_day = first_day + np.timedelta64(len(table) - 1, "D")
    graph = _ForecastGraph(network, transformers, table, int(first_day.astype(np.int64)))
    notes = (
        f"The calendar in the file covers {first_day} to {last_day}; the history and the horizon must lie in it, or the "
        "forecast is NaN.",
        "Online correction and prediction intervals are not in the file.",
    )
    meaning = (
        f"float32 [B, {horizon}, {len(first.targets)}], the (median) forecast of {', '.join(first.targets)}"
    )
    return RawGraph(inputs, "forecast", meaning, graph.call, network.variables, notes)


def _check_transforms(transformers: list[WindowTransformer]) -> None:
    for name in transformers[0].past_columns:
        kinds = {transformer.transforms[name].kind for transformer in transformers}
        if len(kinds) > 1 or "boxcox" in kinds:
            raise UserError(
                f"column {name} has the transform {' and '.join(sorted(kinds))}",
                location="spec.json",
                allowed="none, log or log1p, the same for all series",
                fix="set features.forecast.transform and train the model again",
            )


def _calendar_table(spec: Any, transformer: WindowTransformer) -> tuple[NDArray[np.float32], np.datetime64]:
    """The calendar features of consecutive days, float32 [days, features], 0 for day types; and the first of the days."""
    splits = series_spec.for_series(spec, series_spec.names(spec)[0])["splits"]
    start = np.datetime64(splits["train"]["first"], "D")
    stop = np.datetime64(splits["test"]["last"], "D") + np.timedelta64(365 * _YEARS, "D")
    days = np.arange(start, stop)
    calendar = transformer.calendar
    day_types = [calendar.day_types[0]] * len(days) if DAY_TYPE in calendar.kinds else None
    table = calendar.transform(days, day_types)
    table[:, _day_type_columns(transformer)] = 0.0
    return table, start


def _day_type_columns(transformer: WindowTransformer) -> list[int]:
    names = transformer.calendar.feature_names
    return [names.index(f"day_type_{name}") for name in transformer.calendar.day_types]


class _ForecastGraph:
    """`call` computes what `WindowTransformer`, the network and `inverse_transform` do together."""

    def __init__(
        self,
        network: Any,
        transformers: list[WindowTransformer],
        table: NDArray[np.float32],
        first_day: int,
    ) -> None:
        self._network, self._transformer = network, transformers[0]
        self._names = set(networks.input_signature(network))
        self._quantile_levels = networks.quantile_levels(network)
        self._table, self._first_day = table, first_day
        columns = self._transformer.past_columns
        self._mean, self._std = (
            np.array(
                [[getattr(one.transforms[name], key) for name in columns] for one in transformers], np.float32
            )  # [S, D + P]
            for key in ("mean", "std")
        )
        self._nonnegative = np.array([one.nonnegative for one in transformers])

    def call(self, values: Any, origin: Any, day_type: Any = None, series: Any = None) -> Any:
        """Forecasts float32 [B, H, D]; the arguments are those that `build` describes."""
        import tensorflow as tf

        one = self._transformer
        series = tf.zeros_like(origin) if series is None else series
        mean, std = (tf.gather(table, series)[:, None, :] for table in (self._mean, self._std))
        scaled = (self._forward(values) - mean) / std  # [B, n, D + P]
        known, in_range = self._known(scaled, origin, day_type, series)
        read = scaled[:, one.min_history - one.input_size :]
        n_targets = len(one.targets)
        if one.difference:
            end = one.min_history - one.difference
            before = scaled[:, end - one.input_size : end, :n_targets]
            read = tf.concat([read[:, :, :n_targets] - before, read[:, :, n_targets:]], axis=2)
        inputs = {
            "past": tf.concat([read, known[:, : one.input_size]], axis=2),
            "future": known[:, one.input_size :],
        }
        output = self._network({name: inputs[name] for name in inputs if name in self._names}, training=False)
        output = networks.last_step(output, one.horizon)
        base = 0.0
        if one.difference:
            start = one.min_history - one.difference
            base = scaled[:, start : start + one.horizon, :n_targets]
        nonnegative = tf.gather(self._nonnegative, series)[:, None, None]

        def own_unit(scaled_forecast: Any) -> Any:
            forecast = self._inverse(
                (scaled_forecast + base) * std[:, :, :n_targets] + mean[:, :, :n_targets]
            )
            return tf.where(nonnegative, tf.maximum(forecast, 0.0), forecast)

        forecast = self._median(output, own_unit) if self._quantile_levels else own_unit(output)
        return tf.where(in_range[:, None, None], forecast, np.float32(np.nan))

    def _known(self, scaled: Any, origin: Any, day_type: Any, series: Any) -> tuple[Any, Any]:
        """The features of the W + H days, [B, W + H, F], and whether all calendar days are in the table, [B]."""
        import tensorflow as tf

        one = self._transformer
        history, stop = one.min_history, one.min_history + one.horizon
        rows = origin[:, None] - self._first_day + tf.range(-history, one.horizon)[None, :]  # [B, n + H]
        last_row = len(self._table) - 1
        in_range = (rows[:, 0] >= 0) & (rows[:, -1] <= last_row)
        rows = tf.clip_by_value(rows, 0, last_row)
        calendar = tf.gather(self._table, rows)
        if day_type is not None:
            width = self._table.shape[1]
            flags = np.eye(width, dtype=np.float32)[_day_type_columns(one)]  # [day types, width]
            calendar += tf.gather(flags, day_type)
        special = [calendar[:, :, index] for index in one.calendar.special_day_indices]
        known = [calendar[:, history - one.input_size :]]
        if one.series_ids:
            flags = tf.one_hot(series, len(one.series_ids))[:, None, :]
            known.append(tf.repeat(flags, one.input_size + one.horizon, axis=1))
        target = scaled[:, :, 0]
        known += [target[:, history - one.input_size - lag : stop - lag, None] for lag in one.lags]
        for days in one.levels:
            means = tf.nn.avg_pool1d(
                target[:, :, None], days, 1, "VALID"
            )  # of the days that end at days - 1, ...
            start = history - one.input_size - one.horizon - days + 1
            known.append(means[:, start : start + one.input_size + one.horizon])
        for lag in one.calendar_lags:
            start = history - one.input_size - lag
            known += [flag[:, start : stop - lag, None] for flag in special]
        return tf.concat(known, axis=2), in_range

    def _median(self, quantiles: Any, own_unit: Callable[[Any], Any]) -> Any:
        """`conformal.median` of scaled quantiles [B, H, D, Q], in the targets' own units."""
        levels = self._quantile_levels
        position = float(np.interp(0.5, levels, np.arange(len(levels))))
        lower = int(position)
        fraction = position - lower
        below = own_unit(quantiles[..., lower])
        if fraction < 1e-9:
            return below
        return (1 - fraction) * below + fraction * own_unit(quantiles[..., lower + 1])

    def _forward(self, values: Any) -> Any:
        import tensorflow as tf

        kinds = [self._transformer.transforms[name].kind for name in self._transformer.past_columns]
        offsets = {"log": 0.0, "log1p": 1.0}
        columns = [
            tf.math.log(values[:, :, index] + offsets[kind]) if kind in offsets else values[:, :, index]
            for index, kind in enumerate(kinds)
        ]
        return tf.stack(columns, axis=2)

    def _inverse(self, values: Any) -> Any:
        import tensorflow as tf

        kinds = [self._transformer.transforms[name].kind for name in self._transformer.targets]
        offsets = {"log": 0.0, "log1p": 1.0}
        columns = [
            tf.exp(values[:, :, index]) - offsets[kind] if kind in offsets else values[:, :, index]
            for index, kind in enumerate(kinds)
        ]
        return tf.stack(columns, axis=2)
