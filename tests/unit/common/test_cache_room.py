"""A cache without room for the outputs of a stage is one line, before and after the work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from strokecast.common import cache_room
from strokecast.common.errors import UserError
from strokecast.common.stage import stage

BLOCK = 4096
OUTPUT = Path("models/gru")


@pytest.fixture
def free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Function that sets the blocks that are free beside DVC's reserve, in a project with an output of 3 blocks."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "no-config"))
    (OUTPUT / "seed-1").mkdir(parents=True)
    (OUTPUT / "seed-1/model.keras").write_bytes(bytes(2 * BLOCK))
    (OUTPUT / "run.json").write_text("1")
    Path(".dvc/cache").mkdir(parents=True)

    def set_free(blocks: int) -> None:
        count = blocks + cache_room._RESERVE // BLOCK
        space = SimpleNamespace(f_bavail=count, f_frsize=BLOCK, f_blocks=1000, f_bfree=count)
        monkeypatch.setattr(os, "statvfs", lambda path: space)

    return set_free


def test_whole_blocks_of_all_files_are_counted(free: Callable[[int], None]) -> None:
    free(3)
    cache_room.check_room([OUTPUT])
    free(2)
    with pytest.raises(UserError) as error:
        cache_room.check_room([OUTPUT])
    line = str(error.value)
    assert line.startswith(f"DVC's cache {Path('.dvc/cache').absolute()} needs 274.4 kB for the outputs of ")
    assert "; its file system /" in line
    assert line.endswith("then run again: finished trainings are kept")
    cache_room.check_room([Path("not written yet")])
    free(-1)
    with pytest.raises(UserError, match=r"needs 262\.1 kB"):
        cache_room.check_room([Path("not written yet")])


def test_what_the_cache_holds_needs_no_room(
    free: Callable[[int], None], record_outputs: Callable[..., Path]
) -> None:
    record_outputs(str(OUTPUT))
    free(0)
    cache_room.check_room([OUTPUT])


def test_hard_links_need_no_room(free: Callable[[int], None]) -> None:
    free(-9)
    Path(".dvc/config").write_text("[cache]\n    type = hardlink,symlink\n")
    cache_room.check_room([OUTPUT])


def test_a_cache_that_cannot_be_written_has_no_room(
    free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    free(99)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UserError, match="it cannot be written to"):
        cache_room.check_room([OUTPUT])


@pytest.mark.parametrize(("blocks", "work_done"), [(-1, False), (2, True)])
def test_a_stage_fails_before_or_after_its_work(
    free: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    blocks: int,
    work_done: bool,
) -> None:
    done = []
    written, later = OUTPUT, OUTPUT.with_name("later")
    written.rename(later)
    free(blocks)
    with stage("train", "training", [written]):  # by hand
        pass
    monkeypatch.setenv("DVC_STAGE", "train")
    with pytest.raises(SystemExit) as end, stage("train", "training", [written]) as outcome:
        done.append(later.rename(written))
        outcome("trained")
    assert (end.value.code, bool(done)) == (1, work_done)
    captured = capsys.readouterr()
    assert captured.err.startswith("[train] error: DVC's cache ")
    assert captured.err.count("\n") == 1
    assert "trained" not in captured.out
