"""Whether the process of an unfinished run still exists."""

from __future__ import annotations

from strokecast.tracking import process_tags, store


def test_a_process_on_another_host_counts_as_alive() -> None:
    host, pid, started = store.PROCESS
    assert process_tags.is_alive({host: "elsewhere", pid: "1", started: "1"})
    mine = process_tags.current()
    assert process_tags.is_alive(mine)
    assert not process_tags.is_alive(mine | {started: "1000"}), "the same number, another process"
