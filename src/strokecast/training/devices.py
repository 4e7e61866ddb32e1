"""Where a network is trained."""

from __future__ import annotations

from dataclasses import dataclass

from strokecast.errors import UserError


@dataclass(frozen=True)
class Device:
    """A TensorFlow device.

    Attributes:
        kind: `cpu` or `gpu`, as `run.json` tells it.
        name: what `tf.device` takes.
    """

    kind: str
    name: str


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
