"""Weight averaging: exponential moving average (EMA) and stochastic weight averaging (SWA)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from strokecast.params import Recipe


class WeightAverage:
    """The weight average of a recipe. The optimizer keeps working on the model's own weights.

    `ema`: after each step, a <- d a + (1 - d) w with d = min(ema_decay, (1 + n) / (10 + n)) after n
    steps, so that a short training does not keep its initial weights (Polyak and Juditsky 1992; the
    warm-up is that of `tf.train.ExponentialMovingAverage`). The moving statistics of batch
    normalization are averaged in the same way.

    `swa`: the mean of the weights at the ends of the epochs after `swa_start` (Izmailov et al.,
    https://arxiv.org/abs/1803.05407). The moving statistics of batch normalization do not fit
    averaged weights. The trainer recomputes them on a pass over the training data.

    Args:
        model: keras.Model.
        recipe: `weight_averaging`, `ema_decay`, `swa_start` and `epochs` are read.
    """

    def __init__(self, model: Any, recipe: Recipe) -> None:
        import tensorflow as tf

        self._model, self._recipe = model, recipe
        enabled = recipe.weight_averaging != "none"
        # the states of dropout's seeds are integers and have no mean
        variables = [v for v in model.variables if tf.as_dtype(v.dtype).is_floating]
        self._model_variables = variables if enabled else []
        self._mean = [tf.Variable(v.value, trainable=False, name="average") for v in self._model_variables]
        self._count = tf.Variable(0, dtype=tf.int64, trainable=False, name="averaged")

    @property
    def variables(self) -> list[Any]:
        """Variables that a checkpoint has to hold."""
        return [*self._mean, self._count] if self._model_variables else []

    @property
    def updates_batch_norm(self) -> bool:
        """Whether moving statistics have to be recomputed under the averaged weights."""
        trainable = {id(v) for v in self._model.trainable_variables}
        moving_statistics = any(id(v) not in trainable for v in self._model_variables)
        return self._recipe.weight_averaging == "swa" and moving_statistics

    def after_step(self) -> None:
        """Update the EMA. Runs inside the compiled step, after the optimizer's update."""
        import tensorflow as tf

        if self._recipe.weight_averaging != "ema":
            return
        steps = tf.cast(self._count, tf.float32)
        decay = tf.minimum(self._recipe.ema_decay, (1.0 + steps) / (10.0 + steps))
        for mean, variable in zip(self._mean, self._model_variables, strict=True):
            mean.assign_add((1.0 - tf.cast(decay, mean.dtype)) * (variable.value - mean))
        self._count.assign_add(1)

    def after_epoch(self, epochs: int) -> list[Any] | None:
        """The averaged weights after so many epochs; changes no state (see `commit`).

        Returns:
            Values in the order of the model's float variables. None if the model's own weights
            are to be used.
        """
        if self._recipe.weight_averaging == "ema":
            return [mean.numpy() for mean in self._mean]
        if self._recipe.weight_averaging == "none" or epochs <= self._recipe.swa_start * self._recipe.epochs:
            return None
        count = int(self._count.numpy())
        pairs = zip(self._mean, self._model_variables, strict=True)
        return [mean.numpy() + (variable.numpy() - mean.numpy()) / (count + 1) for mean, variable in pairs]

    def commit(self, averaged: Sequence[Any] | None) -> None:
        """Store the result of `after_epoch` as the new SWA mean. EMA is up to date already."""
        if averaged is not None and self._recipe.weight_averaging == "swa":
            for mean, value in zip(self._mean, averaged, strict=True):
                mean.assign(value)
            self._count.assign_add(1)

    @contextmanager
    def swapped_in(self, averaged: Sequence[Any] | None) -> Iterator[None]:
        """Give the model the weights `averaged` inside the block, and its own weights back after it."""
        if averaged is None:
            yield
            return
        own_values = [variable.numpy() for variable in self._model.variables]
        for variable, value in zip(self._model_variables, averaged, strict=True):
            variable.assign(value)
        try:
            yield
        finally:
            for variable, value in zip(self._model.variables, own_values, strict=True):
                variable.assign(value)
