"""A file that this user may not read or write is one line, in a stage and in a command."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from strokecast.commands import sync
from strokecast.commands.cli import main
from strokecast.common.stage import stage

LINES = {
    errno.EACCES: "data/raw: Permission denied; check its owner, its permissions and those of its folder, then run again",
    errno.EPERM: "data/raw: Operation not permitted; check its owner, its permissions and those of its folder, then run again",
    errno.EROFS: "data/raw: Read-only file system; mount its disk with `rw`, then run again",
}


@pytest.mark.parametrize("number", LINES)
def test_a_stage_names_the_file(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), stage("x", "writing"):
        raise OSError(number, os.strerror(number), "data/raw")
    assert capsys.readouterr().err == f"[x] error: {LINES[number]}\n"


@pytest.mark.parametrize("number", LINES)
def test_a_command_names_the_file(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise OSError(number, os.strerror(number), "data/raw")

    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sync, "sync", refuse)
    result = CliRunner().invoke(main, ["sync"])
    assert (result.exit_code, result.stderr) == (1, f"error: {LINES[number]}\n")
