"""Mixed precision: the dtype policy of a network's layers, and the loss scale of float16."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

_FIRST_SCALE = 2.0**15
_GROWTH_STEPS = 2000


def apply(model: Any, policy: str) -> None:
    """Let the layers of Keras in a network compute with a dtype policy such as `mixed_bfloat16`; weights stay in float32.

    The project's own layers, and what they call, stay in float32: sums of moves, positions of pixels and statistics of windows
    need its digits. Keras converts tensors between layers.
    """
    for layer in model.layers:
        for part in _computing_layers(layer):
            part.dtype_policy = policy


def _computing_layers(layer: Any) -> Iterator[Any]:
    """`layer` and those inside of it whose precision may be reduced."""
    import keras

    from strokecast.models.layers.recurrent import MaskedBidirectional

    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from _computing_layers(inner)
    elif isinstance(layer, keras.layers.Wrapper) and not isinstance(layer, keras.layers.Bidirectional):
        yield from _computing_layers(layer.layer)
    elif isinstance(layer, keras.layers.InputLayer):
        return
    elif isinstance(layer, MaskedBidirectional) or _is_of_keras(layer):
        parts = list(layer._flatten_layers())
        if all(_is_of_keras(part) or part is layer for part in parts):  # not around a cell of the project
            yield from parts


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.")


def float32(outputs: Any) -> Any:
    """Outputs of a network with floats of 16 bits as float32, because losses are computed in float32."""
    import keras
    import tensorflow as tf

    def convert(tensor: Any) -> Any:
        return tf.cast(tensor, tf.float32) if tensor.dtype in (tf.float16, tf.bfloat16) else tensor

    return keras.tree.map_structure(convert, outputs)


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
