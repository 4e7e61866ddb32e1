"""Errors that end a training: non-finite numbers, no memory, no disk space. Each becomes one line."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from strokecast.common import disks
from strokecast.common.errors import UserError
from strokecast.params import Recipe


class TrainingError(UserError):
    """A training cannot continue with its settings; other models can (`training.on_failure`)."""


class NonFiniteDetector:
    """Checks the loss and the gradients of every step and remembers the first that is not finite.

    The check runs inside the compiled step. Its result stays in a device variable until the host
    reads it, so no step waits for the GPU. Each gradient is checked in the broken step alone. In all
    other steps the global norm, which clipping needs anyway, is enough.

    Args:
        variables: the trainable variables, in the order of the network from input to loss.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        import tensorflow as tf

        self._paths = [variable.path for variable in variables]
        self._record = tf.Variable(tf.zeros(3 + len(variables)), trainable=False, name="broken")

    def observe(self, loss: Any, norm: Any, gradients: Sequence[Any]) -> None:
        """Record a broken step. Runs inside the compiled step, before the update.

        Args:
            loss: float [], mean loss of the batch.
            norm: float [], global norm of the gradients before clipping.
            gradients: one per variable, None if the loss does not depend on it.
        """
        import tensorflow as tf

        def finite(gradient: Any) -> Any:
            dense = tf.convert_to_tensor(gradient)
            return tf.math.is_finite(tf.reduce_sum(tf.square(tf.cast(dense, tf.float32))))

        def broken_step() -> Any:
            flags = [0.0 if g is None else 1.0 - tf.cast(finite(g), tf.float32) for g in gradients]
            return tf.stack([1.0, tf.cast(loss, tf.float32), tf.cast(norm, tf.float32), *flags])

        record = self._record.read_value()
        all_finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
        self._record.assign(tf.cond(all_finite | (record[0] > 0.0), lambda: record, broken_step))

    def check(self, epoch: int, step: int, location: str) -> None:
        """Raise an error if any step since the start was broken.

        Gradients flow from the loss to the input. The error names the first layer on that way whose
        gradient is not finite.

        Args:
            epoch: the running epoch, from 1.
            step: updates so far.
            location: key path of the model in params.yaml.

        Raises:
            TrainingError: names the loss, the layer and the step.
        """
        record = self._record.numpy()
        if record[0] == 0.0:
            return
        loss, norm = float(record[1]), float(record[2])
        broken = [path for path, flag in zip(self._paths, record[3:], strict=True) if flag]
        what = (
            f"the training loss became {loss}" if not math.isfinite(loss) else f"the gradient became {norm}"
        )
        what += f" in epoch {epoch}, at step {step}"
        if broken:
            layer = broken[-1].rpartition("/")[0]
            what += f"; from the loss on, the gradient broke first in layer {layer} ({broken[-1]})"
            what += f", in {len(broken)} of {len(self._paths)} variables in all"
        raise non_finite_error(what, location)


def non_finite_error(what: str, location: str) -> TrainingError:
    """The error for a loss or gradient that is not finite."""
    return TrainingError(
        what, location=location, allowed="finite numbers", fix="lower learning_rate, or set global_clipnorm"
    )


@contextmanager
def memory(recipe: Recipe, location: str) -> Iterator[None]:
    """Turn an out-of-memory error into one line that suggests half the batch.

    Raises:
        TrainingError: in place of TensorFlow's ResourceExhaustedError and of MemoryError.
    """
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError):
        key, size = "batch_size", recipe.batch_size
        if recipe.max_tokens:
            key, size = "max_tokens_per_batch", recipe.max_tokens
        fix = f"set {key}: {size // 2}" if size > 1 else "choose a smaller network"
        raise TrainingError(f"out of memory with {key}: {size}", location=location, fix=fix) from None


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Name the file at which a write ran out of disk space or quota; other errors pass unchanged.

    Raises:
        OSError: ENOSPC with `path` as its file name. A stage prints it as one line.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # h5py raises both, with the number inside the text
        if not disks.is_full(error):
            raise
        raise OSError(errno.ENOSPC, "no space left", str(path)) from None
