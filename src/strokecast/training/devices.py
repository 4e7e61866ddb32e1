"""Where a network is trained, on how many threads, and whether twice alike."""

from __future__ import annotations

from dataclasses import dataclass

from strokecast.common.errors import UserError


@dataclass(frozen=True)
class Device:
    """A TensorFlow device.

    Attributes:
        kind: `cpu` or `gpu`, as `run.json` tells it.
        name: what `tf.device` takes.
    """

    kind: str
    name: str

    @property
    def check_every(self) -> int:
        """Steps from one look at the sentry to the next: reading a GPU's variable waits for the GPU."""
        return 1 if self.kind == "cpu" else 50


def choose(wanted: str) -> Device:
    """The device for `training.device`: `auto` takes a GPU where there is one.

    Raises:
        UserError: if `gpu` is wanted and TensorFlow sees none.
    """
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not found:
        raise UserError(
            "TensorFlow sees no GPU on this machine",
            where="params.yaml: training.device",
            allowed="auto | cpu",
            fix="or install the extra `gpu` and check the driver",
        )
    if wanted == "cpu" or not found:
        return Device("cpu", "/CPU:0")
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    return Device("gpu", "/GPU:0")


def prepare(seed: int, threads: int | None, intra_op_threads: int | None, deterministic: bool) -> None:
    """Set the process up for one training, before its first operation.

    Args:
        seed: of Python, NumPy and TensorFlow; initial weights and dropout follow from it.
        threads: that TensorFlow computes with; None: its own choice, one a processor.
        intra_op_threads: of these, within one operation; None: all.
        deterministic: every operation gives the same bits each time. It stays on for the process.

    Raises:
        RuntimeError: if other numbers of threads were set up in this process before.
    """
    import keras
    import tensorflow as tf

    threading = tf.config.threading
    within, beside = intra_op_threads or threads or 0, threads or 0
    if threading.get_intra_op_parallelism_threads() != within:
        threading.set_intra_op_parallelism_threads(within)
    if threading.get_inter_op_parallelism_threads() != beside:
        threading.set_inter_op_parallelism_threads(beside)
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
