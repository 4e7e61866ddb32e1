"""System metrics of a running training, from MLflow's monitors and under MLflow's names."""

from __future__ import annotations

import csv
import threading
import time
from pathlib import Path
from typing import Any

from strokecast.common.files import new_file

COLUMNS = ("timestamp_ms", "name", "value", "step")
_ONE_PER_SECOND = 60  # samples; the later ones are 10 s apart
Sample = tuple[int, str, float, int]


class Sampler:
    """Samples CPU, memory, disk, network and GPU in a background thread.

    One sample per second for the first minute, one every 10 s after that, and a last one when it
    stops, so that a training of a tenth of a second also has one.

    Args:
        path: CSV file for `save`. If it exists, its samples of an earlier process of the same
            training come first. None: `save` does nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

        self._monitors: list[Any] = [CPUMonitor(), DiskMonitor(), NetworkMonitor(), *_gpu_monitors()]
        self._path = path
        self._samples: list[Sample] = _read(path) if path is not None and path.is_file() else []
        self._returned = 0
        self._step = self._samples[-1][3] + 1 if self._samples else 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system-metrics", daemon=True)
        self._collect()  # CPU load is measured since the previous call
        for monitor in self._monitors:
            monitor.clear_metrics()
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(1.0 if self._step < _ONE_PER_SECOND else 10.0):
            self._sample()

    def _collect(self) -> None:
        for monitor in self._monitors:
            monitor.collect_metrics()

    def _sample(self) -> None:
        self._collect()
        now = time.time_ns() // 1_000_000
        for monitor in self._monitors:
            for name, value in monitor.aggregate_metrics().items():
                self._samples.append((now, f"system/{name}", round(float(value), 3), self._step))
            monitor.clear_metrics()
        self._step += 1

    def new_samples(self) -> list[Sample]:
        """The samples since the last call."""
        samples = self._samples[self._returned :]
        self._returned += len(samples)
        return samples

    def stop(self) -> None:
        """Take a last sample and end the thread. Further calls do nothing."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._sample()

    def save(self) -> None:
        """Write the samples to `path`, for the process that resumes the training."""
        if self._path is not None:
            self.write(self._path)

    def write(self, path: Path) -> None:
        """Write all samples as CSV."""
        with new_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(list(self._samples))


def _read(path: Path) -> list[Sample]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            (int(time), name, float(value), int(step))
            for time, name, value, step in list(csv.reader(file))[1:]
        ]


def _gpu_monitors() -> list[Any]:
    """MLflow's monitor of NVIDIA GPUs, if its library and a GPU are present."""
    try:
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

        return [GPUMonitor()]
    except (ImportError, RuntimeError):  # no library, or no GPU
        return []
