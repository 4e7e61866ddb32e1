"""Logs the curves of a running training to its run, as long as the board answers in time."""

from __future__ import annotations

import time
from collections.abc import Mapping

from strokecast.tracking import board, run_record, store, store_health

_INTERVAL = 1.0  # seconds between two requests to a server; epochs may be shorter
_SECONDS = 10.0  # that a training may wait for a server, beside
_SHARE = 0.1  # of its time so far
_CONSEQUENCE = "live curves stop here; the end of the training, or `sync`, adds the rest"


class LiveLog:
    """Live curves of one training, with one warning at most.

    Attributes:
        run_id: MLflow's id of the run; None: there is none.
    """

    def __init__(self) -> None:
        self.run_id: str | None = None
        self._is_on = True
        self._start, self._waited = time.monotonic(), 0.0
        self._last = self._start - _INTERVAL
        self._pending: dict[str, set[run_record.Point]] = {}

    def stop(self, consequence: str, error: store_health.BoardError) -> None:
        """Log nothing more; one warning per training."""
        if self._is_on:
            board.warn(consequence, error)
        self._is_on = False

    def log(self, points: Mapping[str, set[run_record.Point]]) -> None:
        """Log points by metric name, those of a second together to a server. If it fails or is slow, this stops.

        The end of the training adds what was not logged.
        """
        if self.run_id is None or not self._is_on:
            return
        for key, values in points.items():
            self._pending.setdefault(key, set()).update(values)
        place, before = store.current(), time.monotonic()
        if not place.is_local and before < self._last + _INTERVAL:
            return
        try:
            with place.one_line():
                board.log_points(store.client(), self.run_id, self._pending)
            self._pending = {}
        except store_health.BoardError as error:
            self.stop(_CONSEQUENCE, error)
        self._last = time.monotonic()
        self._waited += self._last - before
        if self._waited > _SECONDS + _SHARE * (self._last - self._start) and not place.is_local:
            line = f"the MLflow server is slow: the training has waited {self._waited:.0f} s for it"
            self.stop(_CONSEQUENCE, store_health.BoardError(line))
