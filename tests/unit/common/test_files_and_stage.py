"""Whole files or none; one line for a mistake."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.common.pool import in_its_own_process
from strokecast.common.stage import stage


def test_new_folder_takes_its_place_only_when_whole(tmp_path: Path) -> None:
    place = tmp_path / "out"
    with files.new_folder(place) as folder:
        (folder / "a").write_text("1")
        assert not place.exists()
    assert (place / "a").read_text() == "1"
    with pytest.raises(RuntimeError), files.new_folder(place) as folder:
        (folder / "a").write_text("2")
        raise RuntimeError
    assert (place / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_new_folder_clears_what_a_killed_process_left(tmp_path: Path) -> None:
    (tmp_path / ".out.tmp-dead").mkdir()
    with files.new_folder(tmp_path / "out"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_digest_tree_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = files.digest_tree(tmp_path)
    (tmp_path / "a").write_text("2")
    second = files.digest_tree(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, files.digest_tree(tmp_path)}) == 3


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_is_one_line_and_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, stage("validate@x", "checking"):
        raise UserError("is\n bad", where="here", allowed="good", fix="mend it")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "[validate@x] error: here: is bad; allowed: good; mend it\n"


def test_a_full_disk_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), stage("x", "writing"):
        raise OSError(errno.ENOSPC, "No space left on device", "models/a")
    assert "the disk is full (models/a)" in capsys.readouterr().err


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), stage("x", "y"):
        raise ZeroDivisionError


def test_a_stage_ends_with_what_came_out(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("x", "doing it") as outcome:
        outcome("3 rows")
    first, last = capsys.readouterr().out.splitlines()
    assert first == "[x] doing it"
    assert last.startswith("[x] 3 rows (")


def test_user_errors_cross_process_borders() -> None:
    error = pickle.loads(pickle.dumps(UserError("a", where="b", allowed="c", fix="d")))  # noqa: S301
    assert str(error) == "b: a; allowed: c; d"


def test_board_root_is_the_parent_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert paths.board_root() == tmp_path.resolve()
    monkeypatch.delenv("DVC_ROOT")
    assert paths.board_root() == Path.cwd()


def test_importing_the_light_modules_pulls_nothing_heavy() -> None:
    code = (
        "import sys, strokecast.params, strokecast.common.stage, strokecast.common.files, strokecast.models.common.registry, strokecast.commands.cli\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'great_expectations', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr


def test_a_process_of_its_own_gives_back_what_was_made_and_what_was_raised() -> None:
    assert in_its_own_process(os.path.join, ("a", "b")) == "a/b"
    assert in_its_own_process(os.getpid, ()) != os.getpid()
    with pytest.raises(FileNotFoundError, match="nothing_there"):
        in_its_own_process(os.listdir, ("nothing_there",))
