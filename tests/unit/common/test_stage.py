"""A stage prints a first and a last line, and one line for a user's mistake."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from strokecast.common.errors import UserError
from strokecast.common.stage import stage


def test_a_mistake_is_one_line_and_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, stage("validate@x", "checking"):
        raise UserError("is\n bad", location="here", allowed="good", fix="correct it")
    assert caught.value.code == 1
    assert capsys.readouterr().err == "[validate@x] error: here: is bad; allowed: good; correct it\n"


def test_a_full_disk_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), stage("x", "writing"):
        raise OSError(errno.ENOSPC, "No space left on device", "models/a")
    assert "the disk is full (models/a)" in capsys.readouterr().err


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
