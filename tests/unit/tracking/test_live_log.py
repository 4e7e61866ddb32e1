"""Live curves arrive once per second at a server, and stop with one warning if it is slow or gone."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from strokecast.tracking import board, live_log, store
from strokecast.tracking.store_health import BoardError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time in seconds, which a test moves."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(live_log.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> list[dict[str, Any]]:
    """What was sent to a server; each request takes as long as `clock.request` says, or fails."""
    sent: list[dict[str, Any]] = []
    clock.request, clock.error = 0.0, None

    def log_points(client: object, run_id: str, points: dict[str, Any]) -> None:
        clock.seconds += clock.request
        if clock.error:
            raise clock.error
        sent.append({key: sorted(values) for key, values in points.items()})

    place = SimpleNamespace(is_local=False, one_line=nullcontext)
    monkeypatch.setattr(store, "current", lambda: place)
    monkeypatch.setattr(store, "client", lambda: None)
    monkeypatch.setattr(board, "log_points", log_points)
    return sent


def test_points_of_a_second_are_one_request(clock: SimpleNamespace, requests: list[dict[str, Any]]) -> None:
    live = live_log.LiveLog()
    live.log({"train/loss": {(0, 1, 9.0)}})
    assert not requests, "there is no run"
    live.run_id = "run"
    for step in range(4):
        live.log({"train/loss": {(step, 1, 0.5)}})
        clock.seconds += 0.4
    assert requests == [
        {"train/loss": [(0, 1, 0.5)]},
        {"train/loss": [(1, 1, 0.5), (2, 1, 0.5), (3, 1, 0.5)]},
    ]


@pytest.mark.parametrize("seconds", [0.1, 3.0])
def test_a_slow_server_is_left_alone_with_one_warning(
    clock: SimpleNamespace, requests: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], seconds: float
) -> None:
    live = live_log.LiveLog()
    live.run_id, clock.request = "run", seconds
    for step in range(40):
        clock.seconds += 2.0
        live.log({"train/loss": {(step, 1, 0.5)}})
    warnings = capsys.readouterr().err.splitlines()
    if seconds == 0.1:
        assert (len(requests), warnings) == (40, [])
    else:
        assert len(requests) < 8
        assert len(warnings) == 1
        assert warnings[0].startswith("warning: live curves stop here")
        assert "the MLflow server is slow: the training has waited" in warnings[0]


def test_a_failure_is_one_warning(
    clock: SimpleNamespace, requests: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    live = live_log.LiveLog()
    live.run_id, clock.error = "run", BoardError("the MLflow server refuses connections")
    for step in range(3):
        live.log({"train/loss": {(step, 1, 0.5)}})
        clock.seconds += 2.0
    assert not requests
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("adds the rest: the MLflow server refuses connections")
