"""A measurement in a process of its own: times and peak memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CHILD = "--child"


def clocks() -> tuple[float, float]:
    """Wall time and processor time of this process in seconds."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float]) -> tuple[float, float]:
    """Wall time and processor time in seconds since `start`, an earlier result of `clocks`."""
    now = clocks()
    return now[0] - start[0], now[1] - start[1]


def print_cost(seconds: float, processor: float) -> None:
    """Print the times of a measurement and the peak memory of this process in bytes as one line of JSON."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak}))


def run_child(measurement: Callable[..., tuple[float, float]]) -> bool:
    """Run `measurement` and print its cost if `measure` started this process.

    Args:
        measurement: takes the arguments of `measure` as text and returns wall time and processor time in seconds.

    Returns:
        Whether `measure` started this process.
    """
    if sys.argv[1:2] != [_CHILD]:
        return False
    print_cost(*measurement(*sys.argv[2:]))
    return True


def measure(script: str, folder: Path, *arguments: object) -> Any:
    """Run a script that calls `run_child` in a new process, without a GPU.

    Args:
        script: its path.
        folder: its working directory.
        arguments: of the measurement.

    Returns:
        {"seconds": ..., "processor": ..., "peak": bytes}.

    Raises:
        SystemExit: if the process fails.
    """
    done = subprocess.run(
        [sys.executable, str(Path(script).resolve()), _CHILD, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{arguments[0]} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
