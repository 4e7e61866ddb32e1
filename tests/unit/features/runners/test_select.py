"""The choice of the runner."""

from __future__ import annotations

import sys

import pytest

from strokecast.common.errors import UserError
from strokecast.features.runners.local import LocalRunner
from strokecast.features.runners.select import make_runner
from strokecast.params import Preprocess


def test_local_runner_has_the_number_of_workers_of_the_settings() -> None:
    runner = make_runner(Preprocess(workers=3))
    assert isinstance(runner, LocalRunner)
    assert runner.workers == 3


def test_missing_beam_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(UserError) as caught:
        make_runner(Preprocess(runner="beam"))
    line = str(caught.value)
    assert "\n" not in line
    for part in ("preprocess.runner", "Apache Beam is not installed", "strokecast[beam]", "local"):
        assert part in line
