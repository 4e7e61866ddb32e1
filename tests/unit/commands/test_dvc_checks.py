"""Checks of many stages at a time give DVC's own hashes, and read each folder once."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc import rwlock
from dvc.lock import LockError
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import decorators

from strokecast.commands import dvc_checks

PIPELINE = """
stages:
  a: {cmd: x, outs: [models/a]}
  a-b: {cmd: x, outs: [models/a-b, models/list.json]}
  deep: {cmd: x, outs: [models/deep/er]}
  empty: {cmd: x, outs: [models/empty]}
  link: {cmd: x, outs: [models/link]}
  report: {cmd: x, deps: [models, src, src/own/code.py, models/a/spec.json], outs: [report.json]}
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    for folder in (".dvc", "models/a/part", "models/a-b", "models/deep/er", "models/empty", "far", "src/own"):
        (tmp_path / folder).mkdir(parents=True)
    Path(".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    Path(".dvcignore").write_text("*.pyc\n")
    Path("dvc.yaml").write_text(PIPELINE)
    names = ("a/spec.json", "a/part/x", "a/skipped.pyc", "a-b/x", "list.json", "deep/er/é", "deep/y")
    for name in (*(f"models/{name}" for name in names), "far/z", "src/own/code.py", "report.json"):
        Path(name).write_text(name)
    Path("models/link").symlink_to(tmp_path / "far")
    return Repo()


def test_hashes_are_those_of_dvc_and_folders_are_read_once(
    repo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = list(repo.index.stages)
    items = [item for stage in stages for item in (*stage.deps, *stage.outs)]
    expected = {str(item): item.get_hash() for item in items}
    read: list[str] = []
    build: Callable[..., Any] = Output._build

    def counted(item: Any, store: Any, path: str, *arguments: Any, **options: Any) -> Any:
        read.append(Path(path).name)
        return build(item, store, path, *arguments, **options)

    monkeypatch.setattr(Output, "_build", counted)
    get_hash, lock = Output.get_hash, rwlock.rwlock
    with repo.lock, dvc_checks.each_folder_once(repo, stages):
        assert {str(item): item.get_hash() for item in items} == expected
        assert all(stage.changed() for stage in stages), "there is no dvc.lock"
    assert (Output.get_hash, rwlock.rwlock) == (get_hash, lock)
    assert len(read) == len(set(read))
    assert not {"a", "a-b", "er"} & set(read), "parts of models"


def test_a_file_that_another_process_writes_is_refused(repo: Any) -> None:
    entry = {"write": {str(Path("models/deep").absolute()): {"pid": 1, "cmd": "other"}}, "read": {}}
    (Path(repo.tmp_dir) / "rwlock").write_text(json.dumps(entry))
    with repo.lock, pytest.raises(LockError), dvc_checks.each_folder_once(repo, repo.index.stages):
        pass


def test_dvc_looks_its_lock_up_for_each_stage() -> None:
    assert "from dvc.rwlock import rwlock" in inspect.getsource(decorators.rwlocked.__wrapped__)
