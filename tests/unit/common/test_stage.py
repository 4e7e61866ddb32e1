"""A stage prints a first and a last line, and one line for a user's mistake."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strokecast.common import disks
from strokecast.common.errors import UserError
from strokecast.common.stage import stage


def test_a_mistake_is_one_line_and_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, stage("validate@x", "checking"):
        raise UserError("is\n bad", location="here", allowed="good", fix="correct it")
    assert caught.value.code == 1
    assert capsys.readouterr().err == "[validate@x] error: here: is bad; allowed: good; correct it\n"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "models/a"),
        OSError(errno.EDQUOT, "Disk quota exceeded", "models/a"),
        shutil.Error([("from/a", "models/a", "[Errno 28] No space left on device: 'models/a'")]),
    ],
)
def test_a_full_disk_is_one_line_that_names_the_file_system(
    error: OSError, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught, stage("x", "writing"):
        raise error
    assert caught.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    usage = shutil.disk_usage(".")
    assert line.startswith(
        f"[x] error: the disk is full while writing models/a: file system {disks.mount_point(Path())} "
        f"({disks.human(usage.total)}, "
    )
    assert line.endswith(
        "free some space there or move DVC's cache to a larger disk (`dvc cache dir FOLDER`), "
        "then run again: finished work is kept"
    )


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), stage("x", "y"):
        raise ZeroDivisionError


def test_a_stage_ends_with_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("x", "doing it") as outcome:
        outcome("3 rows")
    first, last = capsys.readouterr().out.splitlines()
    assert first == "[x] doing it"
    assert last.startswith("[x] 3 rows (")


@pytest.mark.slow
def test_light_modules_import_no_heavy_library() -> None:
    code = (
        "import sys, strokecast.params, strokecast.common.stage, strokecast.common.files, strokecast.models.common.registry, strokecast.commands.cli\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'great_expectations', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert result.returncode == 0, result.stderr
