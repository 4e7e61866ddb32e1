"""`strokecast devices`: what it says on this machine, and with GPUs pretended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from strokecast.commands import devices
from strokecast.params import Runtime


def lines(runtime: Runtime) -> dict[str, str]:
    """The name of each fact and its text."""
    text = devices.describe(runtime)
    return {line[:10].strip(): line[11:] for line in text.splitlines()}


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`gpus(capability)`: TensorFlow sees two GPUs of this compute capability."""
    import tensorflow as tf

    def pretend(*capability: int) -> None:
        found = [SimpleNamespace(name=f"GPU:{n}") for n in range(2)]
        details = {"device_name": "NVIDIA X", "compute_capability": capability}
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found)
        monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, growth: None)
        monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)

    return pretend


def test_a_machine_without_a_gpu_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    said = lines(Runtime(threads=3, precision="mixed_bfloat16"))
    assert said["device"].startswith("CPU (runtime.device is auto, and TensorFlow sees no GPU: ")
    assert said["threads"].startswith("3 on ")
    assert said["cuDNN"].startswith("no: the device is a CPU")
    assert "on a CPU this saves no time" in said["precision"]


def test_gpus_are_described(gpus: Any) -> None:
    gpus(9, 0)
    said = lines(Runtime(devices="all", memory_growth=False, precision="mixed_bfloat16"))
    assert said["device"] == "GPU (runtime.device is auto, and TensorFlow sees 2)"
    assert said["GPU 0"] == said["GPU 1"] == "NVIDIA X, compute capability 9.0"
    assert said["several"].startswith("all devices of this machine")
    assert said["memory"].startswith("of the GPU, all taken at the start (runtime.memory_growth)")
    assert said["precision"] == "mixed_bfloat16 (runtime.precision); TF32 on (runtime.tf32)"
    assert said["cuDNN"].startswith("yes, ")


def test_a_gpu_without_units_for_the_precision_is_named(gpus: Any) -> None:
    gpus(7, 5)
    said = lines(Runtime(precision="mixed_bfloat16"))
    assert "GPU 1" not in said
    assert "this GPU has no TF32; this GPU has no units for it" in said["precision"]


def test_a_cpu_is_used_on_request(gpus: Any) -> None:
    gpus(9, 0)
    assert lines(Runtime(device="cpu"))["device"] == "CPU (runtime.device is cpu; 2 GPUs are not used)"
