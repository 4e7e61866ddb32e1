"""Signals are raised as `Interrupted`, or deferred."""

from __future__ import annotations

import os
import signal

import pytest

from strokecast.common import signals


def test_a_handled_signal_is_raised() -> None:
    with (
        pytest.raises(signals.Interrupted, match="SIGTERM") as caught,
        signals.handled_by(signals.raise_interrupted),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM


def test_a_deferred_signal_is_recorded_and_the_handler_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with signals.defer_signals() as received_signal:
        assert received_signal() is None
        os.kill(os.getpid(), signal.SIGTERM)
        assert received_signal() == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_signal_later_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_REPEAT_AFTER", -1.0)
    with pytest.raises(signals.Interrupted), signals.defer_signals():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_stage_whose_parent_died_receives_sigterm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals._parent, "pid", os.getppid() + 1)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with signals.defer_signals() as received_signal:
        assert received_signal() is None, "a stage that was started by hand"
        monkeypatch.setenv("DVC_STAGE", "train-classify@gru")
        assert received_signal() == signal.SIGTERM
