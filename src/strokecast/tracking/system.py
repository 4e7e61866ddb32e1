"""System metrics while a training runs, by MLflow's own monitors and under MLflow's names."""

from __future__ import annotations

import csv
import threading
import time
from pathlib import Path
from typing import Any

from strokecast.common.files import new_file

COLUMNS = ("timestamp_ms", "name", "value", "step")
DENSE = 60  # samples a second apart, as short trainings need them; later ones are 10 s apart
Sample = tuple[int, str, float, int]


class Sampler:
    """Samples CPU, memory, disk, network and GPU in a thread of its own.

    One sample a second for the first minute, one every 10 s from then on, and a last one when it
    stops, so that a training of a tenth of a second has one too.

    Args:
        record: where `keep` writes the samples. Those of an earlier process of the same training
            that lie there come first.
    """

    def __init__(self, record: Path | None = None) -> None:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

        self._monitors: list[Any] = [CPUMonitor(), DiskMonitor(), NetworkMonitor(), *_gpu()]
        self._record = record
        self._samples: list[Sample] = _read(record) if record is not None and record.is_file() else []
        self._handed = 0
        self._step = self._samples[-1][3] + 1 if self._samples else 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system-metrics", daemon=True)
        self._collect()  # CPU load is counted from the call before
        for monitor in self._monitors:
            monitor.clear_metrics()
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(1.0 if self._step < DENSE else 10.0):
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

    def fresh(self) -> list[Sample]:
        """The samples since the last call."""
        found = self._samples[self._handed :]
        self._handed += len(found)
        return found

    def stop(self) -> None:
        """Take a last sample and end the thread; more calls do nothing."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self._sample()

    def keep(self) -> None:
        """Write the samples to the record, for a next process to go on from."""
        if self._record is not None:
            self.write(self._record)

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


def _gpu() -> list[Any]:
    """MLflow's monitor of NVIDIA GPUs, where its library and a GPU are there."""
    try:
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

        return [GPUMonitor()]
    except (ImportError, RuntimeError):  # no library, or no GPU
        return []
