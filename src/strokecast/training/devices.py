"""The device that a network is trained on, its threads, and determinism."""

from __future__ import annotations

from dataclasses import dataclass

from strokecast.common.errors import UserError
from strokecast.params import Runtime


@dataclass(frozen=True)
class Device:
    """A TensorFlow device.

    Attributes:
        kind: `cpu` or `gpu`, as in `run.json`.
        name: argument of `tf.device`.
    """

    kind: str
    name: str

    @property
    def check_every(self) -> int:
        """Steps between two checks for non-finite numbers. On a GPU, each check waits for the GPU."""
        return 1 if self.kind == "cpu" else 50


def choose(runtime: Runtime) -> Device:
    """The device for `runtime.device`; `auto` takes a GPU if TensorFlow sees one.

    Raises:
        UserError: if `gpu` is requested and TensorFlow sees none.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if runtime.device == "gpu" and not gpus:
        raise UserError(
            "TensorFlow sees no GPU on this machine",
            location="params.yaml: runtime.device",
            allowed="auto | cpu",
            fix="or install the extra `gpu` and check the driver",
        )
    if runtime.device == "cpu" or not gpus:
        return Device("cpu", "/CPU:0")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, runtime.memory_growth)
    return Device("gpu", "/GPU:0")


def prepare(seed: int, runtime: Runtime, intra_op_threads: int | None, deterministic: bool) -> None:
    """Set seeds, threads, TF32 and determinism of this process, before its first TensorFlow operation.

    Args:
        seed: seed of Python, NumPy and TensorFlow; initial weights and dropout follow from it.
        runtime: section `runtime` of params.yaml.
        intra_op_threads: how many of them work within one operation; None: all.
        deterministic: every operation gives the same bits each time. It stays on for the process.

    Raises:
        RuntimeError: if other numbers of threads were set in this process before.
    """
    import keras
    import tensorflow as tf

    threading = tf.config.threading
    threads = runtime.threads or 0
    intra_op, inter_op = intra_op_threads or threads, threads
    if threading.get_intra_op_parallelism_threads() != intra_op:
        threading.set_intra_op_parallelism_threads(intra_op)
    if threading.get_inter_op_parallelism_threads() != inter_op:
        threading.set_inter_op_parallelism_threads(inter_op)
    tf.config.experimental.enable_tensor_float_32_execution(runtime.tf32)
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
