"""Mixed precision: the dtype policy in which networks are built, and the loss scale of float16."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_FIRST_SCALE = 2.0**15
_GROWTH_STEPS = 2000


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Inside the block, new layers have the dtype policy `name` of Keras, such as `mixed_bfloat16`."""
    import keras

    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def float32(outputs: Any) -> Any:
    """Outputs of a network with floats of 16 bits as float32, because losses are computed in float32."""
    import keras
    import tensorflow as tf

    def convert(tensor: Any) -> Any:
        return tf.cast(tensor, tf.float32) if tensor.dtype in (tf.float16, tf.bfloat16) else tensor

    return keras.tree.map_structure(convert, outputs)


def in_float32(model: Any, build: Callable[[], Any]) -> Any:
    """`model` if it computes in float32, else a copy that does.

    A trained network is stored like this, so that forecasts, evaluations and exports do not depend on how it was trained.

    Args:
        model: keras.Model.
        build: makes the same network with the present dtype policy.
    """
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model
    copy = build()
    copy.set_weights(model.get_weights())
    return copy


class LossScale:
    """No loss scale: float32, and bfloat16, whose exponents reach as far as those of float32."""

    variables: Sequence[Any] = ()

    def scaled(self, loss: Any) -> Any:
        """The loss to differentiate."""
        return loss

    def unscaled(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """The gradients of the loss from those of the scaled loss; None stays None."""
        return gradients

    def observed(self, norm: Any) -> Any:
        """The norm of the gradients that the detector of non-finite numbers gets."""
        return norm

    def update(self, norm: Any, step: Callable[[], None]) -> None:
        """Run `step`, which updates the weights, unless the gradients of the scaled loss overflowed."""
        step()


class DynamicLossScale(LossScale):
    """The dynamic scale of `keras.optimizers.LossScaleOptimizer`, without which small gradients vanish in float16.

    A step whose gradients are not finite changes no weights and halves the scale. After 2000 steps in a row with finite gradients, it
    doubles. Clipping, which Keras would apply to scaled gradients of its own optimizers alone, comes after `unscaled` here.
    Gradients that are not finite at a scale below 1 are an error like those of other precisions.
    """

    def __init__(self) -> None:
        import tensorflow as tf

        self._scale = tf.Variable(_FIRST_SCALE, trainable=False, name="loss_scale")
        self._finite_steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="finite_steps")
        self.variables = (self._scale, self._finite_steps)

    def scaled(self, loss: Any) -> Any:
        return loss * self._scale

    def unscaled(self, gradients: Sequence[Any]) -> Sequence[Any]:
        return [None if gradient is None else gradient / self._scale for gradient in gradients]

    def observed(self, norm: Any) -> Any:
        import tensorflow as tf

        skipped = ~tf.math.is_finite(norm) & (self._scale >= 1.0)
        return tf.where(skipped, tf.zeros_like(norm), norm)

    def update(self, norm: Any, step: Callable[[], None]) -> None:
        import tensorflow as tf

        def finite() -> Any:
            step()
            grows = self._finite_steps >= _GROWTH_STEPS - 1
            self._scale.assign(tf.where(grows, self._scale * 2.0, self._scale))
            return self._finite_steps.assign(
                tf.where(grows, tf.zeros_like(self._finite_steps), self._finite_steps + 1)
            )

        def overflowed() -> Any:
            self._scale.assign(self._scale * 0.5)
            return self._finite_steps.assign(tf.zeros_like(self._finite_steps))

        tf.cond(tf.math.is_finite(norm), finite, overflowed)


def loss_scale(name: str) -> LossScale:
    """The loss scale of a dtype policy."""
    return DynamicLossScale() if name == "mixed_float16" else LossScale()
