"""Averages of weights: exponential (EMA) and of the last epochs (SWA)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from strokecast.params import Recipe


class Average:
    """The average that a recipe asks for; the optimiser never sees it.

    `ema`: after each step, a <- d a + (1 - d) w with d = min(ema_decay, (1 + n) / (10 + n)) after n
    steps, so that a short training does not keep its initial weights (Polyak and Juditsky 1992; the
    warm-up is that of `tf.train.ExponentialMovingAverage`). Moving moments of batch normalisation
    are averaged alike.

    `swa`: the mean of the weights at the ends of the epochs after `swa_start` (Izmailov et al.,
    https://arxiv.org/abs/1803.05407). Moments of batch normalisation fit no mean of weights: they
    are taken anew on a pass over the training data (`refresh` of the loop).

    Args:
        model: keras.Model.
        recipe: `average`, `ema_decay`, `swa_start`, `epochs`.
    """

    def __init__(self, model: Any, recipe: Recipe) -> None:
        import tensorflow as tf

        self._model, self._recipe = model, recipe
        on = recipe.average != "none"
        # the states of dropout's seeds are integers and have no mean
        self._real = [v for v in model.variables if tf.as_dtype(v.dtype).is_floating] if on else []
        self._mean = [tf.Variable(v.value, trainable=False, name="average") for v in self._real]
        self._count = tf.Variable(0, dtype=tf.int64, trainable=False, name="averaged")

    @property
    def variables(self) -> list[Any]:
        """What a checkpoint has to hold."""
        return [*self._mean, self._count] if self._real else []

    @property
    def refreshes(self) -> bool:
        """Whether moments of batch normalisation are to be taken anew under the averaged weights."""
        trainable = {id(v) for v in self._model.trainable_variables}
        return self._recipe.average == "swa" and any(id(v) not in trainable for v in self._real)

    def after_step(self) -> None:
        """Follow the weights; inside the graph, after the update."""
        import tensorflow as tf

        if self._recipe.average != "ema":
            return
        done = tf.cast(self._count, tf.float32)
        keep = tf.minimum(self._recipe.ema_decay, (1.0 + done) / (10.0 + done))
        for mean, real in zip(self._mean, self._real, strict=True):
            mean.assign_add((1.0 - tf.cast(keep, mean.dtype)) * (real.value - mean))
        self._count.assign_add(1)

    def after_epoch(self, epochs: int) -> list[Any] | None:
        """What stands for the model after so many epochs, in the order of its float variables; None: itself.

        Changes nothing: `commit` takes it over.
        """
        if self._recipe.average == "ema":
            return [mean.numpy() for mean in self._mean]
        if self._recipe.average == "none" or epochs <= self._recipe.swa_start * self._recipe.epochs:
            return None
        count = int(self._count.numpy())
        pairs = zip(self._mean, self._real, strict=True)
        return [mean.numpy() + (real.numpy() - mean.numpy()) / (count + 1) for mean, real in pairs]

    def commit(self, kept: Sequence[Any] | None) -> None:
        """Take over the mean of `after_epoch` (swa; ema is up to date)."""
        if kept is not None and self._recipe.average == "swa":
            for mean, value in zip(self._mean, kept, strict=True):
                mean.assign(value)
            self._count.assign_add(1)

    @contextmanager
    def shown(self, kept: Sequence[Any] | None) -> Iterator[None]:
        """The model with the weights `kept` inside the block, and as it was after it."""
        if kept is None:
            yield
            return
        before = [variable.numpy() for variable in self._model.variables]
        for real, value in zip(self._real, kept, strict=True):
            real.assign(value)
        try:
            yield
        finally:
            for variable, value in zip(self._model.variables, before, strict=True):
                variable.assign(value)
