"""What would stop DVC or a stage later is found before anything runs, and said with the way that works."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strokecast.commands import workspace
from strokecast.common.errors import UserError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a project in which all is well."""
    root = tmp_path / "project"
    for name in (".git", ".dvc/tmp", "data/raw/series", "models/classify/gru", "reports/classify"):
        (root / name).mkdir(parents=True)
    monkeypatch.chdir(root)
    workspace.check()
    return root


def test_links_that_dvc_makes_are_allowed(root: Path) -> None:
    (root / "reports/leaderboard.csv").symlink_to(root / ".dvc/cache/files/md5/12/3456")
    (root / "data/raw/series/series.csv").symlink_to(root / "dvc.yaml")
    (root / "mlruns").symlink_to(root.parent)
    workspace.check()


@pytest.mark.parametrize("name", ["data", "data/raw", "data/raw/series", "models/classify/gru", "reports"])
@pytest.mark.parametrize("mounted", [True, False])
def test_a_link_to_a_big_disk_is_refused(name: str, mounted: bool, root: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk/folder"
    disk.parent.mkdir()
    if mounted:
        disk.mkdir()
    (root / name).rename(tmp_path / "moved")
    (root / name).symlink_to(disk)
    with pytest.raises(UserError) as caught:
        workspace.check()
    line = str(caught.value)
    assert line.startswith(f"{name}: is a link to {disk}")
    assert f"`dvc cache dir --local {disk.parent}/dvc-cache`" in line


def test_a_downloaded_archive_has_no_git_repository(root: Path) -> None:
    (root / ".git").rmdir()
    with pytest.raises(UserError, match=r"not in a git repository.*`git init`.*core\.no_scm true"):
        workspace.check()
    (root / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    workspace.check()


def test_an_environment_in_which_mlflow_fails_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace.sys, "prefix", "/home/100% mine/.venv")
    with pytest.raises(UserError, match=r"100% mine/\.venv: the path of the Python environment contains %"):
        workspace.check()


@pytest.mark.parametrize("name", ["{z}", "a}", "{"])
def test_a_path_with_which_dvc_fails_is_refused(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.rename(root.parent / name))
    with pytest.raises(UserError, match=r"the path of the project contains \{ or \}, and DVC fails there"):
        workspace.check()


def test_a_copy_without_hidden_folders_is_refused(root: Path) -> None:
    (root / ".dvc").rename(root / "dvc")
    with pytest.raises(UserError, match=r"no folder \.dvc"):
        workspace.check()


@pytest.mark.parametrize("name", [".", "data", "models", ".dvc/tmp"])
def test_a_folder_that_cannot_be_written_to_is_refused(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != Path(name) and access(path, mode))
    with pytest.raises(
        UserError, match=r"/: cannot be written to, no permission; change its owner"
    ) as caught:
        workspace.check()
    assert str(caught.value).startswith(str(Path(name).absolute()))


def test_a_file_in_place_of_a_folder_is_refused(root: Path) -> None:
    (root / "data").rename(root / "old")
    (root / "data").touch()
    with pytest.raises(UserError, match="data: is a file; allowed: a folder"):
        workspace.check()
