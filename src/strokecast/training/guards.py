"""What ends a training that cannot go on: broken numbers, no memory. Each is told in one line."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.params import Recipe

_NO_SPACE = ("errno = 28", "No space left on device", "Disk quota exceeded", "File too large")


class TrainingError(UserError):
    """A training that cannot go on as it is set up; the other models can (`training.on_failure`)."""


class Sentry:
    """Looks at the loss and the gradients of every step; the first that is not finite is kept.

    The look is part of the compiled step and costs no wait for a GPU: what was found stays in a
    variable of the device until the host asks. The variable of each gradient is examined in the
    broken step alone; in all others, the global norm that clipping needs anyway tells.

    Args:
        variables: the trainable variables, in the order of the network from input to loss.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        import tensorflow as tf

        self._paths = [variable.path for variable in variables]
        self._found = tf.Variable(tf.zeros(3 + len(variables)), trainable=False, name="broken")

    def look(self, loss: Any, norm: Any, gradients: Sequence[Any]) -> None:
        """Note a broken step; inside the graph, before the update.

        Args:
            loss: float [], mean loss of the batch.
            norm: float [], global norm of the gradients before clipping.
            gradients: one a variable, None where the loss does not depend on it.
        """
        import tensorflow as tf

        def finite(gradient: Any) -> Any:
            whole = tf.convert_to_tensor(gradient)
            return tf.math.is_finite(tf.reduce_sum(tf.square(tf.cast(whole, tf.float32))))

        def found() -> Any:
            flags = [0.0 if g is None else 1.0 - tf.cast(finite(g), tf.float32) for g in gradients]
            return tf.stack([1.0, tf.cast(loss, tf.float32), tf.cast(norm, tf.float32), *flags])

        before = self._found.read_value()
        fine = tf.math.is_finite(loss) & tf.math.is_finite(norm)
        self._found.assign(tf.cond(fine | (before[0] > 0.0), lambda: before, found))

    def check(self, epoch: int, step: int, where: str) -> None:
        """Raise if any step since the start was broken.

        The layer that is named is the first with a gradient that is not finite on the way from the
        loss to the input, which is the way that gradients take.

        Args:
            epoch: the running epoch, from 1.
            step: updates so far.
            where: the entry in params.yaml.

        Raises:
            TrainingError: names the loss, the layer and the step.
        """
        found = self._found.numpy()
        if found[0] == 0.0:
            return
        loss, norm = float(found[1]), float(found[2])
        broken = [path for path, flag in zip(self._paths, found[3:], strict=True) if flag]
        what = (
            f"the training loss became {loss}" if not math.isfinite(loss) else f"the gradient became {norm}"
        )
        what += f" in epoch {epoch}, at step {step}"
        if broken:
            layer = broken[-1].rpartition("/")[0]
            what += f"; from the loss on, the gradient broke first in layer {layer} ({broken[-1]})"
            what += f", in {len(broken)} of {len(self._paths)} variables in all"
        raise broken_numbers(what, where)


def broken_numbers(what: str, where: str) -> TrainingError:
    """The error for a loss or gradient that is no finite number."""
    return TrainingError(
        what, where=where, allowed="finite numbers", fix="lower learning_rate, or set clip_norm"
    )


@contextmanager
def memory(recipe: Recipe, where: str) -> Iterator[None]:
    """Turn running out of memory into one line that suggests half the batch.

    Raises:
        TrainingError: in place of TensorFlow's ResourceExhaustedError and of MemoryError.
    """
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError):
        key, size = ("batch_tokens", recipe.tokens) if recipe.tokens else ("batch_size", recipe.batch_size)
        fix = f"set {key}: {size // 2}" if size > 1 else "take a smaller network"
        raise TrainingError(f"out of memory with {key}: {size}", where=where, fix=fix) from None


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Name the file where a write found the disk full (or a quota used up); other errors pass as they are.

    Raises:
        OSError: ENOSPC with `path` as its file name, which `stage` tells in one line.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # h5py raises both, with the number inside the text
        number = getattr(error, "errno", None)
        full = number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or any(t in str(error) for t in _NO_SPACE)
        if not full:
            raise
        raise OSError(errno.ENOSPC, "no space left", str(path)) from None
