"""Processes are recognised by number and start time."""

from __future__ import annotations

import os

from strokecast.common import processes


def test_this_process_runs_and_its_number_with_another_start_does_not() -> None:
    started = processes.started_ms(os.getpid())
    assert started is not None
    assert processes.is_running(os.getpid(), started)
    assert not processes.is_running(os.getpid(), started - 60_000)


def test_a_number_that_no_process_has() -> None:
    assert processes.started_ms(2**31 - 2) is None
    assert processes.started_ms(-1) is None
    assert not processes.is_running(2**80, 0)
