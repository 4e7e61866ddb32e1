"""From an encoder's state to the days of the horizon, one after another: the decoders of `forecast`.

Sources: Sutskever, Vinyals and Le, 2014, https://arxiv.org/abs/1409.3215; teacher forcing: Williams and Zipser, 1989,
https://doi.org/10.1162/neco.1989.1.2.270; attention: Luong, Pham and Manning, 2015 (global, general score),
https://arxiv.org/abs/1508.04025

Shape legend: B batch, W window, H horizon, F future features, D targets, Q quantile levels, U units, K units of the
head, N = D times Q (or D for a point forecast).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from strokecast.models.common.config import EncoderDecoder
from strokecast.models.layers.horizon import QUANTILES, finish, forecast_inputs
from strokecast.models.layers.seasonal import seasonal

LAYER = "decoder"  # the name under which `taught` looks for the layer
CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


@keras.saving.register_keras_serializable(package="strokecast")
class DayDecoder(keras.layers.Layer):
    """A recurrent cell that goes along the days to come, one forecast a step.

    At each step the cell reads the value of the day before and the day's own future features; a dense layer with
    ReLU and a linear one make the forecast of what the cell's state, the context and the features say.

    The value of the day before is, in inference, the decoder's own forecast, the median. In training with the true
    values at hand (`target`, teacher forcing) it is the true one: all steps are computed in one pass, where cuDNN can
    run it (tanh/sigmoid, no dropout inside the recurrence). Without them the steps follow one another, each in the graph
    by itself: that is slower, and cuDNN has no kernel for it.

    Args:
        units: U, as the encoder has.
        cell: `gru` or `lstm`.
        horizon: H.
        targets: D.
        levels: Q; 0: a point forecast.
        middle: place of the median among the levels.
        hidden: K; 0: no such layer.
        attention: read the encoder's states, too: softmax over its days of h · (s A), then the weighted sum.
        teacher_forcing: whether `taught` gives it the true values in training.
        dropout: share of units dropped from what the cell gives; the same in each step.
        l2: factor of the cell's squared weights in the loss.

    Call arguments:
        given: {"past": float [B, W, C], the targets first; "hidden": float [B, U], the encoder's final state, and for
            an LSTM "cell": float [B, U]; "future": float [B, H, F], where there is any; "base": float [B, H, D],
            what forecasts are added to, if anything; "memory": float [B, W, U], the encoder's states, for attention}.
        target: float [B, H, D], the true values, or None.
        training: whether to drop.

    Returns:
        float [B, H, N]: where quantiles are forecast, the median stands at the place of 0.5 and what
        `horizon.Quantiles` makes steps of at the others.
    """

    def __init__(
        self,
        units: int,
        cell: Literal["gru", "lstm"],
        horizon: int,
        targets: int = 1,
        levels: int = 0,
        middle: int = 0,
        hidden: int = 0,
        attention: bool = False,
        teacher_forcing: bool = True,
        dropout: float = 0.0,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.told: dict[str, Any] = {
            "units": units,
            "cell": cell,
            "horizon": horizon,
            "targets": targets,
            "levels": levels,
            "middle": middle,
            "hidden": hidden,
            "attention": attention,
            "teacher_forcing": teacher_forcing,
            "dropout": dropout,
            "l2": l2,
        }
        self.horizon, self.teacher_forcing = horizon, teacher_forcing
        self.medians = np.arange(targets) * max(levels, 1) + middle  # among the N numbers of a day
        penalty = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
        if l2:
            penalty["recurrent_regularizer"] = keras.regularizers.L2(l2)
        self.rnn = CELLS[cell](units, return_sequences=True, name=cell, **penalty)
        self.score = keras.layers.Dense(units, use_bias=False, name="score") if attention else None
        self.inner = keras.layers.Dense(hidden, activation="relu", name="hidden") if hidden else None
        self.out = keras.layers.Dense(targets * max(levels, 1), name="raw")
        self.drop = keras.layers.Dropout(dropout, name="dropout") if dropout else None

    def build(self, given_shape: dict[str, Any], target_shape: Any = None) -> None:
        """Make the weights."""
        self.names = sorted(given_shape)
        units, known = self.told["units"], given_shape["future"][-1] if "future" in given_shape else 0
        self.rnn.build((None, self.horizon, self.told["targets"] + known))
        seen = units + known
        if self.score is not None:
            self.score.build((None, None, units))
            seen += units
        if self.inner is not None:
            self.inner.build((None, None, seen))
            seen += self.told["hidden"]
        self.out.build((None, None, seen))

    def call(self, given: dict[str, Any], target: Any = None, training: bool = False) -> Any:
        """All days."""
        state = [given["hidden"], *([given["cell"]] if "cell" in given else [])]
        last = given["past"][:, -1:, : self.told["targets"]]  # [B, 1, D]
        if target is not None:
            before = ops.concatenate([last, target[:, :-1]], axis=1)  # [B, H, D]
            seen = self._beside(before, given, slice(None))
            states = self.rnn(seen, initial_state=state, training=training)  # [B, H, U]
            return self._forecast(states, given, slice(None), self._mask(states, training))
        before, days = last, []
        mask = self._mask(given["hidden"][:, None], training)
        for day in range(self.horizon):
            seen = self._beside(before, given, slice(day, day + 1))[:, 0]  # [B, D + F]
            hidden, state = self.rnn.cell(seen, state, training=training)
            made = self._forecast(hidden[:, None], given, slice(day, day + 1), mask)  # [B, 1, N]
            before = ops.take(made, self.medians, axis=-1)  # [B, 1, D]
            days.append(made)
        return ops.concatenate(days, axis=1)

    def _mask(self, like: Any, training: bool) -> Any:
        """What a state is multiplied by, [B, 1, U]; None: nothing is dropped."""
        if self.drop is None or not training:
            return None
        return self.drop(ops.ones_like(like[:, :1]), training=True)

    def _beside(self, values: Any, given: dict[str, Any], days: slice) -> Any:
        """With the future features of these days, float [B, days, ...]."""
        return ops.concatenate([values, given["future"][:, days]], axis=-1) if "future" in given else values

    def _forecast(self, states: Any, given: dict[str, Any], days: slice, mask: Any) -> Any:
        """The N numbers of these days, float [B, days, N], of states [B, days, U]."""
        if mask is not None:
            states = states * mask
        seen = states
        if self.score is not None:
            scores = ops.matmul(self.score(states), ops.swapaxes(given["memory"], 1, 2))  # [B, days, W]
            context = ops.matmul(ops.softmax(scores, axis=-1), given["memory"])  # [B, days, U]
            seen = ops.concatenate([states, context], axis=-1)
        seen = self._beside(seen, given, days)
        if self.inner is not None:
            seen = ops.concatenate([self.inner(seen), seen], axis=-1)
        raw = self.out(seen)
        if "base" in given:
            raw = raw + self._at_the_medians(given["base"][:, days])
        return raw

    def _at_the_medians(self, values: Any) -> Any:
        """float [B, days, D] → [B, days, N], 0 but for the medians."""
        place = np.zeros((len(self.medians), self.out.units), np.float32)
        place[np.arange(len(self.medians)), self.medians] = 1.0
        return ops.matmul(values, place)

    def compute_output_spec(self, given: dict[str, Any], target: Any = None, training: bool = False) -> Any:
        """Shape and dtype, without running."""
        return keras.KerasTensor((given["past"].shape[0], self.horizon, self.out.units), "float32")

    def get_config(self) -> dict[str, Any]:
        """The arguments, to be made again from."""
        return {**super().get_config(), **self.told}


def encoder_decoder(config: EncoderDecoder, spec: Mapping[str, Any], *, attention: bool, name: str) -> Any:
    """An encoder that reads the window, and a `DayDecoder` that starts from its final state.

    Args:
        config: of the network.
        spec: of the data.
        attention: whether the decoder reads the encoder's other states, too.
        name: of the network.

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
    given = dict(zip(("hidden", "cell"), states, strict=False)) | {"past": past}
    base = seasonal(config.residual, past, future, spec)
    given |= {"future": future} if future is not None else {}
    given |= {"base": base} if base is not None else {}
    given |= {"memory": memory} if attention else {}
    raw = DayDecoder(  # [B, H, N]
        config.units,
        config.cell,
        int(spec["horizon"]),
        targets=len(spec["targets"]),
        levels=len(config.quantiles),
        middle=config.quantiles.index(0.5) if config.quantiles else 0,
        hidden=config.head_units,
        attention=attention,
        teacher_forcing=config.teacher_forcing,
        dropout=config.dropout,
        l2=config.l2,
        name=LAYER,
    )(given)
    return keras.Model(inputs, finish(raw, None, config, spec), name=name)


def taught(model: Any) -> Any:
    """A network with a `DayDecoder` as it is in training with teacher forcing: it reads the true values beside all else.

    Args:
        model: built or loaded.

    Returns:
        keras.Model {..., "target": float [B, H, D]} → as `model`; shares its weights. None for a network that is
        trained on what it forecasts itself, or has no such decoder.
    """
    found = [layer for layer in model.layers if isinstance(layer, DayDecoder) and layer.name == LAYER]
    if not found or not found[0].teacher_forcing:
        return None
    decoder = found[0]
    given = dict(zip(decoder.names, keras.tree.flatten(decoder.input), strict=True))
    target = keras.Input((decoder.horizon, len(decoder.medians)), name="target")
    output = decoder(given, target)  # [B, H, N]
    for name in ("by_level", QUANTILES):
        if name in {layer.name for layer in model.layers}:
            output = model.get_layer(name)(output)
    return keras.Model({**model.input, "target": target}, output, name=f"{model.name}_taught")
