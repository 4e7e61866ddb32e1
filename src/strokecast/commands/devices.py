"""`strokecast devices`: what a training would run on with the `runtime` of params.yaml, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strokecast.common.import_hiding import start_tensorflow
from strokecast.params import Runtime

_DRIVER = Path("/dev/nvidiactl")  # exists if the driver of NVIDIA is loaded
_TF32_SINCE = (8, 0)  # compute capability of the first GPUs with TF32 and bfloat16
_FLOAT16_SINCE = (7, 0)


def describe(runtime: Runtime) -> str:
    """One line per fact: device, threads, memory, precision, cuDNN.

    Args:
        runtime: section `runtime` of params.yaml.

    Raises:
        UserError: if params.yaml requires a GPU and TensorFlow sees none, or TF_CONFIG does not fit.
    """
    start_tensorflow()
    import tensorflow as tf

    from strokecast.training import devices

    gpus = tf.config.list_physical_devices("GPU")
    device = devices.choose(runtime)
    lines = {"device": _device(runtime, device.kind, len(gpus)), "threads": _threads(runtime)}
    if device.kind == "gpu":
        used = len(gpus) if runtime.devices == "all" else min(runtime.devices, len(gpus))
        lines |= {f"GPU {number}": _gpu(gpu) for number, gpu in enumerate(gpus[:used])}
    lines |= {
        "several": _several(runtime),
        "memory": _memory(runtime, device.kind),
        "precision": "; ".join(_precision(runtime, device.kind, gpus)),
        "cuDNN": _cudnn(device.kind),
    }
    return "\n".join(f"{name:<10} {text}" for name, text in lines.items())


def _device(runtime: Runtime, kind: str, gpus: int) -> str:
    setting = f"runtime.device is {runtime.device}"
    if kind == "gpu":
        return f"GPU ({setting}, and TensorFlow sees {gpus})"
    if runtime.device == "cpu":
        return f"CPU ({setting}; {gpus} GPUs are not used)" if gpus else f"CPU ({setting})"
    return f"CPU ({setting}, and TensorFlow sees no GPU: {_why_no_gpu()})"


def _why_no_gpu() -> str:
    """The first thing that is missing."""
    import tensorflow as tf

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not tf.test.is_built_with_cuda():
        return "this TensorFlow is built without CUDA"
    if not _DRIVER.exists():
        return f"no driver of NVIDIA is loaded ({_DRIVER} does not exist)"
    if hidden is not None and hidden.strip() in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides all"
    return "a library of CUDA cannot be opened; install the extra `gpu`, and read what `import tensorflow` prints"


def _threads(runtime: Runtime) -> str:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if runtime.threads is None:
        return f"{processors}, one per processor (runtime.threads is null)"
    return (
        f"{runtime.threads} on {processors} processors (runtime.threads); a recipe may set intra_op_threads"
    )


def _gpu(gpu: Any) -> str:
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(gpu)
    capability = ".".join(map(str, details.get("compute_capability", ()))) or "unknown"
    return f"{details.get('device_name', gpu.name)}, compute capability {capability}"


def _several(runtime: Runtime) -> str:
    from strokecast.training import workers

    if cluster := workers.cluster_of(runtime):
        return f"{len(cluster.workers)} machines share a training, this is number {cluster.index} (TF_CONFIG)"
    if runtime.devices == 1:
        return "no, one device per training (runtime.devices is 1)"
    return f"{runtime.devices} devices of this machine share a training (runtime.devices)"


def _memory(runtime: Runtime, kind: str) -> str:
    import psutil

    total = psutil.virtual_memory().total / 1e9
    if kind == "cpu":
        return f"{total:.1f} GB of the machine"
    growth = "taken as needed" if runtime.memory_growth else "all taken at the start"
    return f"of the GPU, {growth} (runtime.memory_growth); {total:.1f} GB of the machine"


def _precision(runtime: Runtime, kind: str, gpus: list[Any]) -> Iterator[str]:
    import tensorflow as tf

    yield f"{runtime.precision} (runtime.precision)"
    if kind == "cpu":
        if runtime.precision != "float32":
            yield "on a CPU this saves no time: most processors compute 16 bits in 32"
        yield "runtime.tf32 has no effect on a CPU"
        return
    capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
    if capability >= _TF32_SINCE:
        yield f"TF32 {'on' if runtime.tf32 else 'off'} (runtime.tf32)"
    else:
        yield "this GPU has no TF32"
    needed = {"mixed_float16": _FLOAT16_SINCE, "mixed_bfloat16": _TF32_SINCE}.get(runtime.precision, (0, 0))
    if capability < needed:
        yield f"this GPU has no units for it (compute capability below {'.'.join(map(str, needed))})"


def _cudnn(kind: str) -> str:
    import tensorflow as tf

    if kind == "cpu":
        return "no: the device is a CPU; recurrent layers use the loop of Keras"
    version = tf.sysconfig.get_build_info().get("cudnn_version", "?")
    return f"yes, TensorFlow is built for version {version}; each training reports which of its recurrent layers use it"
