"""The devices of several machines under `tf.distribute.MultiWorkerMirroredStrategy`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from strokecast.common.errors import UserError
from strokecast.params import Runtime
from strokecast.training.devices import Device
from strokecast.training.distribution import Replicated, count_devices


class MultiWorker(Replicated):
    """Replicas on several machines.

    Args:
        strategy: MultiWorkerMirroredStrategy.
        is_chief: whether this machine leads.
    """

    def __init__(self, strategy: Any, is_chief: bool) -> None:
        super().__init__(strategy)
        self.is_chief = is_chief

    def share(self, content: bytes) -> bytes:
        """Send the chief's `content` to all machines, as a sum to which the others add zeros.

        Args:
            content: what the chief sends; ignored on the others.
        """
        size = int(self._of_first_replica(np.array([len(content)]))[0])
        words = np.zeros(-(-size // 8) * 8, np.uint8)
        if self.is_chief:
            words[:size] = np.frombuffer(content, np.uint8)
        return bytes(self._of_first_replica(words.view(np.int64)).tobytes()[:size]) if size else b""

    def _of_first_replica(self, values: Any) -> Any:
        """The chief's int64 [n]; `values` has this shape on all machines."""
        import tensorflow as tf

        def add() -> Any:
            context = tf.distribute.get_replica_context()
            counted = tf.where(tf.equal(self.replica(), 0), tf.constant(values, tf.int64), 0)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, counted)

        return self.strategy.experimental_local_results(self.strategy.run(add))[0].numpy()

    @contextmanager
    def lost_workers(self) -> Iterator[None]:
        """Turn TensorFlow's errors about other machines into one line."""
        import tensorflow as tf

        try:
            yield
        except (
            tf.errors.UnavailableError,
            tf.errors.AbortedError,
            tf.errors.CancelledError,
            tf.errors.DeadlineExceededError,
        ):
            raise UserError(
                "another machine has left the training",
                fix="run `strokecast worker` where it has ended, and `strokecast repro` again: the training resumes from its "
                "last checkpoint",
            ) from None


def connect(device: Device, runtime: Runtime, is_chief: bool) -> MultiWorker:
    """The distribution over the machines of TF_CONFIG, which have met before (`training.cluster`).

    Each takes part with `runtime.devices` of its devices. Has to precede TensorFlow's first operation in this process.

    Raises:
        UserError: if this machine has fewer devices.
    """
    import tensorflow as tf

    count = count_devices(device, runtime)
    gpus = tf.config.list_physical_devices("GPU") if device.kind == "gpu" else []
    tf.config.set_visible_devices(gpus[:count], "GPU")
    return MultiWorker(tf.distribute.MultiWorkerMirroredStrategy(), is_chief)
