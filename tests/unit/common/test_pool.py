"""A function that runs in a process of its own."""

from __future__ import annotations

import os

import pytest

from strokecast.common.pool import in_its_own_process


@pytest.mark.slow
def test_results_and_errors_come_back_from_the_process() -> None:
    assert in_its_own_process(os.path.join, ("a", "b")) == "a/b"
    assert in_its_own_process(os.getpid, ()) != os.getpid()
    with pytest.raises(FileNotFoundError, match="nothing_there"):
        in_its_own_process(os.listdir, ("nothing_there",))
