"""Speed of every network on a GPU: examples/s, FLOP/s, share of the device's peak; and the time of the preset `best` to 98 %.

    python benchmarks/gpu.py                       # at most 6 minutes; the same command again goes on where it ended
    python benchmarks/gpu.py --device cpu --quick  # a smoke test on a CPU: one network per task

It reads `data/processed` of a project (a task without data is left out) and writes `gpu.json` and `gpu.md` to `--output`. Each
network has its default config. A step repeats one batch of the training split, so the input pipeline takes no part. On a machine
without a package registry it runs with `PYTHONPATH=SITE:src`, where SITE is an unpacked environment.

Variants: `tf32`, the default; `mixed_bfloat16`; `float32`; `loop`, which is `tf32` without cuDNN in recurrent layers.
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_peaks import peak
from strokecast.common.files import read_json, write_json
from strokecast.common.import_hiding import start_tensorflow
from strokecast.params import RECIPES, TASKS, Runtime
from train_ours import preset_training

VARIANTS = ("tf32", "mixed_bfloat16", "float32", "loop")
CPU_VARIANTS = ("float32", "mixed_bfloat16")
QUICK = ("classify/gru", "watch/frame_average", "draw/class_decoder", "forecast/lstm")
BEST = "best"
ACCURACY = 0.98  # of the validation split
SLOWEST = 40.0  # seconds that the slowest measurement takes; none begins with less time left


class _EndedError(Exception):
    """`best` has reached its accuracy, or the time is over."""


@dataclass(frozen=True)
class Measurement:
    """One network in one variant."""

    task: str
    name: str
    variant: str

    @property
    def key(self) -> str:
        """Its key in gpu.json."""
        return f"{self.task}/{self.name}/{self.variant}"


def measurements(data: Path, kind: str, quick: bool) -> Iterator[Measurement]:
    """What is measured: first every network in the default variant, then in the others."""
    from strokecast.models.common import registry

    for variant in VARIANTS if kind == "gpu" else CPU_VARIANTS:
        for task in TASKS:
            if not (data / task / "spec.json").exists():
                continue
            for name in registry.names(task):
                chosen = f"{task}/{name}" in QUICK or not quick
                if registry.get(task, name).kind == "network" and chosen:
                    yield Measurement(task, name, variant)


def measure(one: Measurement, data: Path, kind: str, batch_size: int, seconds: float) -> dict[str, Any]:
    """Train on one batch for `seconds` after two steps that trace and warm up."""
    import numpy as np
    import tensorflow as tf

    from strokecast.features.records import reading
    from strokecast.features.records import spec as specs
    from strokecast.models.common import registry
    from strokecast.training import cudnn, flops, objectives, optimizers, precision, steps

    spec, architecture = specs.load(data / one.task, one.task), registry.get(one.task, one.name)
    recipe = RECIPES[one.task]()
    tf.config.experimental.enable_tensor_float_32_execution(one.variant != "float32")
    policy = one.variant if one.variant == "mixed_bfloat16" else "float32"
    with tf.device(f"/{kind.upper()}:0"):
        started = time.perf_counter()
        model = architecture.build(architecture.config(), spec)
        precision.apply(model, policy)
        if one.variant == "loop":
            cudnn.switch_off(model)
        objective = objectives.make(one.task, recipe, spec, model)
        compiled = steps.compile_steps(model, optimizers.make(recipe), objective, recipe.global_clipnorm)
        names = [tensor.name for tensor in model.inputs]
        inputs, target, _ = next(iter(reading.batches(data / one.task, spec, "train", batch_size, names)))

        def train(steps: int) -> int:
            for _ in range(steps):
                compiled.train(inputs, target, np.float32(1e-4))
            return compiled.read_totals()[2]  # waits for the device

        train(1)
        first_step = time.perf_counter() - started
        train(1)
        examples, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            examples += train(5)
        length = max(value.shape[1] for value in inputs.values() if value.shape.rank > 1)
        per_example = flops.per_example(model, int(length))
    result = {
        "examples_per_second": round(examples / elapsed, 1),
        "batch_size": int(target.shape[0]),
        "length": int(length),
        "seconds_to_first_step": round(first_step, 2),
        "cudnn": cudnn.describe(cudnn.reasons(model, kind)),
    }
    if per_example is not None:
        reached = flops.PASSES_PER_STEP * per_example * examples / elapsed
        result |= {"flops_per_example": per_example, "flops_per_second": round(reached)}
    return result


def train_best(data: Path, folder: Path, device: str, deadline: float) -> dict[str, Any]:
    """Train the network of the preset `best` to `ACCURACY` on the validation split, from the last checkpoint on.

    Returns:
        Seconds and epochs of all calls together, the best accuracy, and whether the training is over.
    """
    from strokecast.features.records import spec as specs
    from strokecast.training import run
    from strokecast.training.job import TrainingJob

    preset = preset_training(BEST)
    spec = specs.load(data / "classify", "classify")
    job = TrainingJob.create(
        "classify",
        "conv_rnn",
        preset.seed,
        preset.config,
        preset.recipe,
        spec["digest"],
        Runtime(device=device),
    )
    checkpoints, model_dir = folder / BEST / job.resume_key, folder / BEST / "model"
    for path in (checkpoints, model_dir):
        path.mkdir(parents=True, exist_ok=True)
    best: dict[str, Any] = {"accuracy": 0.0, "finished": False}

    def after_epoch(row: Mapping[str, float | int]) -> None:
        best["accuracy"] = max(best["accuracy"], round(float(row["valid_accuracy"]), 4))
        best.update(seconds=row["seconds"], epochs=row["epoch"])
        if best["accuracy"] >= ACCURACY:
            best["finished"] = True
            raise _EndedError
        if time.monotonic() > deadline:
            raise _EndedError

    try:
        run.train_network(job, data / "classify", model_dir, after_epoch, checkpoint_dir=checkpoints)
        best["finished"] = True
    except _EndedError:
        pass
    return best


def to_markdown(record: Mapping[str, Any]) -> str:
    """The record as a table: one row per network, one column per variant."""
    results: Mapping[str, Mapping[str, Any]] = record["results"]
    variants = [v for v in VARIANTS if any(key.endswith(f"/{v}") for key in results)]
    lines = [
        f"# Training on {record['device']}",
        "",
        f"TensorFlow {record['tensorflow']}. Examples/s of training on one repeated batch; in brackets TFLOP/s and, where the device's "
        "peak for the arithmetic is known, the share of it.",
        "",
        f"| network | MFLOP per example | {' | '.join(variants)} | cuDNN |",
        f"| --- |{' --- |' * (len(variants) + 2)}",
    ]
    for network in dict.fromkeys(key.rpartition("/")[0] for key in results):
        of_variant = {v: results[f"{network}/{v}"] for v in variants if f"{network}/{v}" in results}
        one = next(iter(of_variant.values()))
        cells = [_cell(record["device"], v, of_variant[v]) if v in of_variant else "" for v in variants]
        flops = f"{one['flops_per_example'] / 1e6:.2f}" if "flops_per_example" in one else "?"
        lines.append(
            f"| {network} | {flops} | {' | '.join(cells)} | {one.get('cudnn') or 'no recurrent layer'} |"
        )
    if BEST in record:
        best = record[BEST]
        state = "reached" if best["accuracy"] >= ACCURACY else "ended at" if best["finished"] else "so far"
        lines += [
            "",
            f"Preset `best`: {state} {best['accuracy']:.2%} of the validation drawings after {best['seconds']:.0f} s "
            f"and {best['epochs']} epochs.",
        ]
    return "\n".join(lines) + "\n"


def _cell(device: str, variant: str, result: Mapping[str, Any]) -> str:
    if "error" in result:
        return "failed"
    text = f"{result['examples_per_second']:,.0f}"
    if "flops_per_second" not in result:
        return text
    highest = peak(device, variant)
    share = f", {result['flops_per_second'] / highest:.1%}" if highest else ""
    return f"{text} ({result['flops_per_second'] / 1e12:.3f}{share})"


def device_name(kind: str) -> str:
    """The name of the GPU as the driver reports it, or of the processor."""
    import tensorflow as tf

    if kind == "gpu":
        gpu = tf.config.list_physical_devices("GPU")[0]
        return str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Measure what the record lacks until the time is over."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data/processed"), help="processed data of a project"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("reports/gpu"), help="folder for gpu.json and gpu.md"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--seconds", type=float, default=350.0, help="time limit")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument(
        "--quick", action="store_true", help="one network per task, a moment each, without `best`"
    )
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    start_tensorflow()
    import keras
    import tensorflow as tf

    from strokecast.training import devices

    kind = devices.choose(Runtime(device=arguments.device)).kind
    arguments.output.mkdir(parents=True, exist_ok=True)
    path, device = arguments.output / "gpu.json", device_name(kind)
    record = (
        read_json(path) if path.exists() else {"device": device, "tensorflow": tf.__version__, "results": {}}
    )
    if record["device"] != device:
        raise SystemExit(
            f"{path} holds results of {record['device']}, not of {device}; choose another --output"
        )

    def save() -> None:
        write_json(path, record)
        (arguments.output / "gpu.md").write_text(to_markdown(record), encoding="utf-8")

    results, planned = record["results"], list(measurements(arguments.data, kind, arguments.quick))
    if not planned:
        raise SystemExit(
            f"{arguments.data} holds no processed data: run `make repro`, or name a folder with --data"
        )
    networks = len(planned) // len({one.variant for one in planned})
    missing = 0
    for number, one in enumerate(planned):
        with_best = number == networks and not arguments.quick and (arguments.data / "classify").exists()
        if with_best and not record.get(BEST, {}).get(
            "finished"
        ):  # between the default variant and the others
            record[BEST] = train_best(arguments.data, arguments.output, kind, deadline - SLOWEST)
            missing += not record[BEST]["finished"]
            save()
        if one.key in results or (one.variant == "loop" and not _uses_cudnn(one, results)):
            continue
        if time.monotonic() > deadline - SLOWEST:
            missing += 1
            continue
        try:
            seconds = 0.2 if arguments.quick else 1.0
            results[one.key] = measure(one, arguments.data, kind, arguments.batch_size, seconds)
        except tf.errors.OpError as error:
            results[one.key] = {"error": str(error).splitlines()[0][:200]}
        print(f"{one.key:<45} {results[one.key].get('examples_per_second', 'failed')}", flush=True)
        save()
        keras.backend.clear_session()
        gc.collect()
    print(f"{path}: {len(results)} measured, {missing} missing" + ("; run it again" if missing else ""))


def _uses_cudnn(one: Measurement, results: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a recurrent layer of the network ran on cuDNN in the default variant."""
    return ": yes" in results.get(f"{one.task}/{one.name}/{VARIANTS[0]}", {}).get("cudnn", "")


if __name__ == "__main__":
    main()
