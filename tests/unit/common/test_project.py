"""The project is found from any folder inside it; a DVC_ROOT of another project has no effect."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.common import names, paths, project
from strokecast.common.errors import UserError


def test_the_nearest_project_is_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / ".dvc/tmp/exps/tmp1/docs"
    inner.mkdir(parents=True)
    for folder in (tmp_path, inner.parent):
        (folder / "dvc.yaml").touch()
    monkeypatch.chdir(inner)
    assert project.enter() == inner
    assert Path.cwd() == inner.parent


def test_outside_of_a_project_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError, match=r"one above it contains dvc\.yaml; run the command inside the project"
    ):
        project.enter()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UserError, match="the working directory was deleted"):
        project.enter()


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\udcff", "\u202egnp"], ids=ascii)
def test_a_folder_that_no_file_can_name_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "dvc.yaml").touch()
    monkeypatch.chdir(folder)
    with pytest.raises(
        UserError, match=r"the folder's path contains the character U\+.*; rename the folder"
    ) as caught:
        project.enter()
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isascii()


@given(st.characters(exclude_characters="/\0"))
def test_a_folder_of_any_character_is_entered_or_refused(character: str) -> None:
    previous = Path.cwd()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / f"x{character}"
        folder.mkdir()
        (folder / "dvc.yaml").touch()
        os.chdir(folder)
        try:
            project.enter()
            assert not names.problem(folder.name)
        except UserError:
            assert names.problem(folder.name)
        finally:
            os.chdir(previous)


def test_only_a_temporary_copy_logs_to_another_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / ".dvc/tmp/exps/tmp1"
    copy.mkdir(parents=True)
    (copy / "dvc.yaml").touch()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(copy)
    project.enter()
    assert paths.board_root() == tmp_path
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "another project"))
    project.enter()
    assert "DVC_ROOT" not in os.environ
    assert paths.board_root() == copy


def test_a_temporary_copy_belongs_to_its_project_where_dvcs_temporary_folder_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "scratch" / "exps" / "copy"
    copy.mkdir(parents=True)
    (tmp_path / "project" / ".dvc").mkdir(parents=True)
    (tmp_path / "project" / ".dvc" / "tmp").symlink_to(tmp_path / "scratch")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    monkeypatch.chdir(copy)
    project.forget_foreign_root()
    assert os.environ["DVC_ROOT"] == str(tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    project.forget_foreign_root()
    assert "DVC_ROOT" not in os.environ
