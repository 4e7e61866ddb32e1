"""Whether the process of an unfinished run still exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.tracking import process_tags, store

HOST, PID, STARTED = store.PROCESS


def test_a_process_on_another_host_counts_as_alive() -> None:
    assert process_tags.is_alive({HOST: "elsewhere", PID: "1", STARTED: "1"})
    assert process_tags.other_host({HOST: "elsewhere"}) == "elsewhere"
    mine = process_tags.current()
    assert process_tags.is_alive(mine)
    assert process_tags.other_host(mine) == ""
    assert not process_tags.is_alive(mine | {STARTED: "1000"}), "the same number, another process"


def test_a_process_in_another_container_counts_as_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers may have the host name of their computer, but have process numbers of their own."""
    (tmp_path / "ns").symlink_to("pid:[4026532222]")
    outside = process_tags.current() | {STARTED: "1000"}
    monkeypatch.setattr(process_tags, "_NAMESPACE", tmp_path / "ns")
    assert process_tags.is_alive(outside)
    inside = process_tags.current()
    assert inside[HOST].endswith(" pid:[4026532222]")
    assert not process_tags.is_alive(inside | {STARTED: "1000"})
    monkeypatch.setattr(process_tags, "_NAMESPACE", tmp_path / "not Linux")
    assert " " not in process_tags.current()[HOST]
