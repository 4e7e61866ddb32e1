"""Times of a training step for `train.py`: XLA, threads, batch sizes, bfloat16. Makes no claims."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import train_ours
from train_data import SketchProject

THREADS = ((0, 0), (1, 1), (1, 2), (2, 1), (2, 2))  # intra-op, inter-op; 0: TensorFlow's choice
BATCH_SIZES = (32, 64, 128, 256, 512, 1024)


def _training(
    project: SketchProject, arguments: argparse.Namespace, name: str, bfloat16: bool = False, **overrides: Any
) -> train_ours.MeasuredTraining:
    return train_ours.MeasuredTraining(
        name,
        project.processed(arguments.bucket_boundaries),
        train_ours.CONFIGS.get(name, {}),
        {**train_ours.recipe_overrides(name), **overrides},
        bfloat16,
    )


def jit(project: SketchProject, arguments: argparse.Namespace) -> list[Any]:
    """Print the time of a step on the largest bucket, with and without XLA, and the time of the first call."""
    print(f"{'':16}{'plain ms':>10}{'XLA ms':>10}{'XLA/plain':>11}{'first call s':>14}{'with XLA s':>12}")
    for name in arguments.names:
        batch_size = train_ours.recipe_overrides(name)["batch_size"]
        (first, later), (first_xla, later_xla) = (
            _training(project, arguments, name, jit_compile=xla).step_seconds(batch_size, arguments.repeats)
            for xla in (False, True)
        )
        print(
            f"{name:16}{later * 1e3:10.0f}{later_xla * 1e3:10.0f}{later_xla / later:11.2f}{first:14.1f}"
            f"{first_xla:12.1f}",
            flush=True,
        )
    return []


def threads(project: SketchProject, arguments: argparse.Namespace) -> list[Any]:
    """Print the time of a step by threads; one process each, because TensorFlow sets threads once per process."""
    if arguments.child:
        _threads_child(project, arguments)
        return []
    print(f"{'':16}" + "".join(f"{f'{intra}/{inter}':>9}" for intra, inter in THREADS) + "   ms, intra/inter")
    for name in arguments.names:
        print(f"{name:16}", end="", flush=True)
        for intra, inter in THREADS:
            command = [sys.executable, str(Path(__file__).with_name("train.py")), "--part", "threads"]
            command += ["--folder", str(project.folder), "--names", name, "--repeats", str(arguments.repeats)]
            command += ["--bucket-boundaries", *map(str, arguments.bucket_boundaries)]
            command += ["--child", str(intra), str(inter)]
            completed = subprocess.run(command, capture_output=True, text=True, check=False)
            if completed.returncode:
                raise SystemExit(completed.stderr)
            print(f"{json.loads(completed.stdout.splitlines()[-1]) * 1e3:9.0f}", end="", flush=True)
        print()
    return []


def _threads_child(project: SketchProject, arguments: argparse.Namespace) -> None:
    from strokecast.common.import_hiding import start_tensorflow

    start_tensorflow()
    import tensorflow as tf

    intra, inter = map(int, arguments.child)
    tf.config.threading.set_intra_op_parallelism_threads(intra)
    tf.config.threading.set_inter_op_parallelism_threads(inter)
    (name,) = arguments.names
    batch_size = train_ours.recipe_overrides(name)["batch_size"]
    print(json.dumps(_training(project, arguments, name).step_seconds(batch_size, arguments.repeats)[1]))


def batch_sizes(project: SketchProject, arguments: argparse.Namespace) -> list[Any]:
    """Print the time per drawing by batch size, and at the recipe's batch size in mixed bfloat16."""
    header = "".join(f"{batch_size:>8}" for batch_size in BATCH_SIZES)
    print(f"{'':16}{header}   us per drawing by batch size; bfloat16 (batch size)")
    for name in arguments.names:
        training = _training(project, arguments, name)
        print(f"{name:16}", end="", flush=True)
        for batch_size in BATCH_SIZES:
            seconds = training.step_seconds(batch_size, arguments.repeats)[1]
            print(f"{seconds / batch_size * 1e6:8.0f}", end="", flush=True)
        batch_size = train_ours.recipe_overrides(name)["batch_size"]
        in_bfloat16 = _training(project, arguments, name, bfloat16=True)
        seconds = in_bfloat16.step_seconds(batch_size, arguments.repeats)[1]
        print(f"   {seconds / batch_size * 1e6:.0f} ({batch_size})", flush=True)
    return []
