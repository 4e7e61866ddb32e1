"""Calls in a process of their own."""

from __future__ import annotations

import os

import pytest

from strokecast.common.pool import run_in_new_process


@pytest.mark.slow
def test_results_and_errors_come_back_from_the_process() -> None:
    assert run_in_new_process(os.path.join, ("a", "b")) == "a/b"
    assert run_in_new_process(os.getpid, ()) != os.getpid()
    with pytest.raises(FileNotFoundError, match="nothing_there"):
        run_in_new_process(os.listdir, ("nothing_there",))
