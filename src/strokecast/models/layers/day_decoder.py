"""Decoders of `forecast`: from the final state of an encoder to the days of the horizon, one after another.

Sources: Sutskever, Vinyals and Le, 2014 (encoder and decoder), https://arxiv.org/abs/1409.3215; Williams and Zipser,
1989 (teacher forcing), https://doi.org/10.1162/neco.1989.1.2.270; Luong, Pham and Manning, 2015 (global attention with
the general score), https://arxiv.org/abs/1508.04025

Shape legend: B batch, W window, H horizon, F future features, D targets, Q quantile levels, U units, K units of the
head, N = D times Q (D for a point forecast).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import keras
import numpy as np
from keras import ops

from strokecast.models.common.config import EncoderDecoder
from strokecast.models.layers.horizon import QUANTILES, finish, forecast_inputs
from strokecast.models.layers.seasonal import seasonal_base

LAYER = "decoder"  # name by which `teacher_forced_model` finds the layer
CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
_OLD_KEYS = {"levels": "quantiles", "middle": "median_index", "hidden": "head_units"}  # config of older files


@keras.saving.register_keras_serializable(package="strokecast")
class DayDecoder(keras.layers.Layer):
    """Recurrent decoder over the days of the horizon, one forecast per step.

    At each step the cell reads the previous day's value and the day's future features. A ReLU layer and a linear
    layer compute the forecast from the cell's state, the attention context and the features.

    In inference, the previous day's value is the decoder's own forecast (the median). The steps then run one by one,
    unrolled in the graph. With teacher forcing (`target` is passed in training) it is the true value. All steps then
    run in one pass, which cuDNN supports (tanh/sigmoid, no dropout inside the recurrence).

    Args:
        units: U, the same as in the encoder.
        cell: `gru` or `lstm`.
        horizon: H.
        targets: D.
        quantiles: Q; 0: point forecast.
        median_index: index of the median among the quantile levels.
        head_units: K; 0: no ReLU layer.
        attention: attend to the encoder's states: softmax over its days of h · (s A), then the weighted sum.
        teacher_forcing: whether `teacher_forced_model` builds a training model that reads the true values.
        dropout: dropout rate of the cell's output; the same units at each step.
        l2: L2 regularisation factor of the cell's kernels.

    Call arguments:
        inputs: {"past": float [B, W, C], targets first; "hidden": float [B, U], final state of the encoder; for an
            LSTM also "cell": float [B, U]; "future": float [B, H, F], if there are future features; "base": float
            [B, H, D], added to the forecasts, if any; with attention "memory": float [B, W, U], the encoder's states}.
        target: float [B, H, D], true values, or None.
        training: whether dropout is active.

    Returns:
        float [B, H, N]. With quantiles: the median at the index of 0.5, the steps for `horizon.Quantiles` at the
        others.
    """

    def __init__(
        self,
        units: int,
        cell: Literal["gru", "lstm"],
        horizon: int,
        targets: int = 1,
        quantiles: int = 0,
        median_index: int = 0,
        head_units: int = 0,
        attention: bool = False,
        teacher_forcing: bool = True,
        dropout: float = 0.0,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "units": units,
            "cell": cell,
            "horizon": horizon,
            "targets": targets,
            "quantiles": quantiles,
            "median_index": median_index,
            "head_units": head_units,
            "attention": attention,
            "teacher_forcing": teacher_forcing,
            "dropout": dropout,
            "l2": l2,
        }
        self.horizon, self.teacher_forcing = horizon, teacher_forcing
        self.medians = np.arange(targets) * max(quantiles, 1) + median_index  # indices among the N outputs
        penalty = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
        if l2:
            penalty["recurrent_regularizer"] = keras.regularizers.L2(l2)
        # .keras files store weights under the names of these five attributes
        self.rnn = CELLS[cell](units, return_sequences=True, name=cell, **penalty)
        self.score = keras.layers.Dense(units, use_bias=False, name="score") if attention else None
        self.inner = keras.layers.Dense(head_units, activation="relu", name="hidden") if head_units else None
        self.out = keras.layers.Dense(targets * max(quantiles, 1), name="raw")
        self.drop = keras.layers.Dropout(dropout, name="dropout") if dropout else None

    def build(self, inputs_shape: dict[str, Any], target_shape: Any = None) -> None:
        """Create the weights."""
        self.input_names = sorted(inputs_shape)
        units = self.arguments["units"]
        future = inputs_shape["future"][-1] if "future" in inputs_shape else 0
        self.rnn.build((None, self.horizon, self.arguments["targets"] + future))
        features = units + future
        if self.score is not None:
            self.score.build((None, None, units))
            features += units
        if self.inner is not None:
            self.inner.build((None, None, features))
            features += self.arguments["head_units"]
        self.out.build((None, None, features))

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build a loaded layer; files of earlier versions name the shapes of the inputs differently."""
        shapes = (
            config["input_shape"] if "input_shape" in config else next(iter(config["shapes_dict"].values()))
        )
        self.build(shapes)

    def call(self, inputs: dict[str, Any], target: Any = None, training: bool = False) -> Any:
        """Return the raw forecasts of all days."""
        state = [inputs["hidden"], *([inputs["cell"]] if "cell" in inputs else [])]
        last = inputs["past"][:, -1:, : self.arguments["targets"]]  # [B, 1, D]
        if target is not None:
            previous = ops.concatenate([last, target[:, :-1]], axis=1)  # [B, H, D]
            x = self._with_future(previous, inputs, slice(None))
            states = self.rnn(x, initial_state=state, training=training)  # [B, H, U]
            return self._forecast(states, inputs, slice(None), self._dropout_mask(states, training))
        previous, days = last, []
        mask = self._dropout_mask(inputs["hidden"][:, None], training)
        for day in range(self.horizon):
            x = self._with_future(previous, inputs, slice(day, day + 1))[:, 0]  # [B, D + F]
            hidden, state = self.rnn.cell(x, state, training=training)
            raw = self._forecast(hidden[:, None], inputs, slice(day, day + 1), mask)  # [B, 1, N]
            previous = ops.take(raw, self.medians, axis=-1)  # [B, 1, D]
            days.append(raw)
        return ops.concatenate(days, axis=1)

    def _dropout_mask(self, states: Any, training: bool) -> Any:
        """Return the mask of the states float [B, 1, U], or None without dropout."""
        if self.drop is None or not training:
            return None
        return self.drop(ops.ones_like(states[:, :1]), training=True)

    def _with_future(self, values: Any, inputs: dict[str, Any], days: slice) -> Any:
        """Append the future features of `days` to values float [B, days, ...]."""
        return ops.concatenate([values, inputs["future"][:, days]], axis=-1) if "future" in inputs else values

    def _forecast(self, states: Any, inputs: dict[str, Any], days: slice, mask: Any) -> Any:
        """Return the raw outputs float [B, days, N] for states [B, days, U]."""
        if mask is not None:
            states = states * mask
        features = states
        if self.score is not None:
            scores = ops.matmul(self.score(states), ops.swapaxes(inputs["memory"], 1, 2))  # [B, days, W]
            context = ops.matmul(ops.softmax(scores, axis=-1), inputs["memory"])  # [B, days, U]
            features = ops.concatenate([states, context], axis=-1)
        features = self._with_future(features, inputs, days)
        if self.inner is not None:
            features = ops.concatenate([self.inner(features), features], axis=-1)
        raw = self.out(features)
        if "base" in inputs:
            raw = raw + self._place_at_medians(inputs["base"][:, days])
        return raw

    def _place_at_medians(self, values: Any) -> Any:
        """float [B, days, D] → [B, days, N]: the values at the medians' indices, 0 elsewhere."""
        placement = np.zeros((len(self.medians), self.out.units), np.float32)
        placement[np.arange(len(self.medians)), self.medians] = 1.0
        return ops.matmul(values, placement)

    def compute_output_spec(self, inputs: dict[str, Any], target: Any = None, training: bool = False) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((inputs["past"].shape[0], self.horizon, self.out.units), "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), **self.arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Create the layer from `get_config`; accepts the argument names of earlier versions."""
        return cls(**{_OLD_KEYS.get(key, key): value for key, value in config.items()})


def encoder_decoder(config: EncoderDecoder, spec: Mapping[str, Any], *, attention: bool, name: str) -> Any:
    """Build an encoder of the window and a `DayDecoder` that starts from its final state.

    Args:
        config: config of the network.
        spec: spec of the processed data.
        attention: whether the decoder attends to all states of the encoder.
        name: name of the network.

    Returns:
        keras.Model {"past": [B, W, C], "future": [B, H, F]} → [B, H, D], with quantiles [B, H, D, Q].
    """
    inputs, past, future = forecast_inputs(spec)
    penalty = {"kernel_regularizer": keras.regularizers.L2(config.l2)} if config.l2 else {}
    if config.l2:
        penalty["recurrent_regularizer"] = keras.regularizers.L2(config.l2)
    encoder = CELLS[config.cell](
        config.units, return_sequences=attention, return_state=True, name="encoder", **penalty
    )
    memory, *states = encoder(past)  # [B, W, U] or [B, U], and each [B, U]
    decoder_inputs = dict(zip(("hidden", "cell"), states, strict=False)) | {"past": past}
    base = seasonal_base(config.residual, past, future, spec)
    decoder_inputs |= {"future": future} if future is not None else {}
    decoder_inputs |= {"base": base} if base is not None else {}
    decoder_inputs |= {"memory": memory} if attention else {}
    raw = DayDecoder(  # [B, H, N]
        config.units,
        config.cell,
        int(spec["horizon"]),
        targets=len(spec["targets"]),
        quantiles=len(config.quantiles),
        median_index=config.quantiles.index(0.5) if config.quantiles else 0,
        head_units=config.head_units,
        attention=attention,
        teacher_forcing=config.teacher_forcing,
        dropout=config.dropout,
        l2=config.l2,
        name=LAYER,
    )(decoder_inputs)
    return keras.Model(inputs, finish(raw, None, config, spec), name=name)


def teacher_forced_model(model: Any) -> Any:
    """Return the training model of a network with a `DayDecoder`: it also reads the true values (teacher forcing).

    Args:
        model: built or loaded network.

    Returns:
        keras.Model with the inputs of `model` plus {"target": float [B, H, D]} and the output of `model`; shares its
        weights. None if the network has no such decoder or was built with `teacher_forcing: false`.
    """
    decoders = [layer for layer in model.layers if isinstance(layer, DayDecoder) and layer.name == LAYER]
    if not decoders or not decoders[0].teacher_forcing:
        return None
    decoder = decoders[0]
    inputs = dict(zip(decoder.input_names, keras.tree.flatten(decoder.input), strict=True))
    target = keras.Input((decoder.horizon, len(decoder.medians)), name="target")
    output = decoder(inputs, target)  # [B, H, N]
    for name in ("by_level", QUANTILES):
        if name in {layer.name for layer in model.layers}:
            output = model.get_layer(name)(output)
    return keras.Model({**model.input, "target": target}, output, name=f"{model.name}_teacher_forced")
