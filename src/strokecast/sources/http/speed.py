"""Finds downloads that have become too slow, whatever they wait for: a connection, headers, or bytes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass
class _Window:
    """Bytes that a download received since a time, in seconds of `time.monotonic`."""

    started: float
    received: int = 0


class SpeedMonitor:
    """The speeds of the downloads in progress, each measured in consecutive windows. Thread-safe.

    Args:
        seconds: length of a window.
        min_speed: bytes per second, on average over a window.
    """

    def __init__(self, seconds: float, min_speed: float) -> None:
        self.seconds, self.min_speed = seconds, min_speed
        self._windows: dict[int, _Window] = {}
        self._lock = threading.Lock()

    def start(self, key: int) -> None:
        """Begin to measure a download."""
        with self._lock:
            self._windows[key] = _Window(time.monotonic())

    def stop(self, key: int) -> None:
        """End the measurement of a download."""
        with self._lock:
            self._windows.pop(key, None)

    def add(self, key: int, n_bytes: int) -> None:
        """Count received bytes."""
        with self._lock:
            if key in self._windows:
                self._windows[key].received += n_bytes

    def find_stalled(self) -> tuple[int, int] | None:
        """A download that was too slow over its last window, and its bytes in that window; None if there is none."""
        now = time.monotonic()
        with self._lock:
            for key, window in self._windows.items():
                if now - window.started < self.seconds:
                    continue
                if window.received < self.min_speed * self.seconds:
                    return key, window.received
                self._windows[key] = _Window(now)
        return None
