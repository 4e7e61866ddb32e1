"""Times of a single step for `train.py`: XLA, threads, batch sizes, bfloat16. Nothing is claimed here."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

import train_ours
from train_data import Project

THREADS = ((0, 0), (1, 1), (1, 2), (2, 1), (2, 2))  # intra-op, inter-op; 0: TensorFlow's choice
BATCHES = (32, 64, 128, 256, 512, 1024)


def _training(
    project: Project, given: argparse.Namespace, name: str, half: bool = False, **over: Any
) -> train_ours.Training:
    setup = {**train_ours.setup(name), **over}
    return train_ours.Training(name, project.processed(given.bucket_boundaries), {}, setup, half)


def jit(project: Project, given: argparse.Namespace) -> list[Any]:
    """Milliseconds of a step on the fullest bucket, with and without XLA, and seconds of the first call."""
    print(f"{'':12}{'plain ms':>10}{'XLA ms':>10}{'XLA/plain':>11}{'first call s':>14}{'with XLA':>10}")
    for name in given.names:
        batch = train_ours.setup(name)["batch_size"]
        rows = [
            _training(project, given, name, jit_compile=on).step_seconds(batch, given.repeats)
            for on in (False, True)
        ]
        (first, off), (first_xla, on_) = rows
        print(
            f"{name:12}{off * 1e3:10.0f}{on_ * 1e3:10.0f}{on_ / off:11.2f}{first:14.1f}{first_xla:10.1f}",
            flush=True,
        )
    return []


def threads(project: Project, given: argparse.Namespace) -> list[Any]:
    """Milliseconds of a step by threads; a process each, because TensorFlow takes them once."""
    if given.child:
        _threads_child(project, given)
        return []
    given.folder = project.folder
    print(f"{'':12}" + "".join(f"{f'{intra}/{inter}':>9}" for intra, inter in THREADS) + "   ms, intra/inter")
    for name in given.names:
        print(f"{name:12}", end="", flush=True)
        for intra, inter in THREADS:
            command = [sys.executable, str(train_ours.ROOT / "benchmarks" / "train.py"), "--part", "threads"]
            command += ["--folder", str(project.folder), "--names", name, "--repeats", str(given.repeats)]
            command += [
                "--bucket-boundaries",
                *map(str, given.bucket_boundaries),
                "--child",
                str(intra),
                str(inter),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            print(f"{json.loads(done.stdout.splitlines()[-1]) * 1e3:9.0f}", end="", flush=True)
        print()
    return []


def _threads_child(project: Project, given: argparse.Namespace) -> None:
    from strokecast.common.import_hiding import start_tensorflow

    start_tensorflow()
    import tensorflow as tf

    intra, inter = map(int, given.child)
    tf.config.threading.set_intra_op_parallelism_threads(intra)
    tf.config.threading.set_inter_op_parallelism_threads(inter)
    (name,) = given.names
    batch = train_ours.setup(name)["batch_size"]
    print(json.dumps(_training(project, given, name).step_seconds(batch, given.repeats)[1]))


def tried(project: Project, given: argparse.Namespace) -> list[Any]:
    """Microseconds of a sketch by batch size, and at the recipe's batch size in mixed bfloat16."""
    print(f"{'':12}" + "".join(f"{batch:>8}" for batch in BATCHES) + "   us a sketch by batch size; bfloat16")
    for name in given.names:
        one = _training(project, given, name)
        print(f"{name:12}", end="", flush=True)
        for batch in BATCHES:
            print(f"{one.step_seconds(batch, given.repeats)[1] / batch * 1e6:8.0f}", end="", flush=True)
        batch = train_ours.setup(name)["batch_size"]
        half = _training(project, given, name, half=True).step_seconds(batch, given.repeats)[1] / batch
        print(f"   {half * 1e6:.0f} ({batch})", flush=True)
    return []
