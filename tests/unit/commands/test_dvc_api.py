"""The internals of DVC that `strokecast repro` uses exist and behave as expected."""

from __future__ import annotations

import errno
import hashlib
import inspect
import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dvc import dvcfile, lock, rwlock
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc.repo import reproduce as dvc_reproduce
from dvc.stage import PipelineStage, Stage, decorators
from dvc.utils.serialize import modify_yaml

from strokecast.commands import dvc_api
from strokecast.common.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


def test_dvc_has_the_internals_that_are_used() -> None:
    assert list(inspect.signature(dvc_reproduce.get_active_graph).parameters) == ["graph"]
    assert next(iter(inspect.signature(dvc_reproduce.plan_repro).parameters)) == "graph"
    for name in ("reproduce", "run", "dump", "changed", "changed_entries"):
        assert callable(getattr(PipelineStage, name)), name
    assert "always_changed" in parameters(Stage.__init__)
    assert {"tmp_dir", "friendly", "wait"} <= parameters(lock.make_lock) | parameters(lock.Lock.__init__)
    assert dvcfile.modify_yaml is modify_yaml, "writes dvc.lock and is replaced in forked processes"
    assert "modify_yaml" in inspect.getsource(dvcfile.Lockfile.dump_stages)
    assert hasattr(Repo, "index")
    assert hasattr(Output, "use_cache") or "self.use_cache" in inspect.getsource(Output.__init__)
    assert callable(Output.changed_cache)
    assert {"pid": int, "cmd": str} == rwlock.INFO_SCHEMA
    assert rwlock.RWLOCK_FILE == "rwlock"
    assert 'cmd = " ".join(sys.argv)' in inspect.getsource(decorators.rwlocked)
    # `_reproduce` does what `dvc repro --single-item` does for a stage.
    source = inspect.getsource(dvc_reproduce._reproduce_stage)
    assert "stage.reproduce(**kwargs)" in source
    assert "stage.dump(update_pipeline=False)" in source


def test_dvc_errors_become_one_line() -> None:
    with pytest.raises(UserError, match=r"^outer: inner$"), dvc_api.one_line_errors():
        try:
            raise ValueError("inner")
        except ValueError as error:
            raise DvcException("outer") from error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "x.tmp"),
            "DVC cannot save its data: the disk is full ",
        ),
        (sqlite3.OperationalError("database or disk is full"), "DVC cannot save its data: the disk is full"),
        (
            OSError(errno.EROFS, "Read-only file system", "/c/a.tmp"),
            "/c/a.tmp: DVC cannot write here: read-only file system; ",
        ),
        (
            lock.LockError("Unable to acquire lock"),
            ".dvc/tmp/lock: another process has locked this project, and ",
        ),
    ],
)
def test_disks_and_locks_become_one_line(
    error: Exception, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"^{re.escape(line)}"), dvc_api.one_line_errors():
        raise error


def test_another_error_of_the_system_is_a_bug() -> None:
    with pytest.raises(FileNotFoundError), dvc_api.one_line_errors():
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")


def change(data: dict[str, Any]) -> None:
    stages = data["stages"]
    first, second, *_ = stages
    stages[first]["deps"][0]["md5"] = "0" * 32
    stages[second] = {"cmd": "python 'x' # y", "outs": [{"path": "a: b", "size": 3}]}
    stages["new@stage"] = {"cmd": "echo", "deps": [{"path": "x", "hash": "md5", "md5": "1e5", "size": 1}]}


def test_the_lock_has_the_bytes_that_dvc_writes(tmp_path: Path) -> None:
    lock_text = (ROOT / "dvc.lock").read_text(encoding="utf-8")
    text = "".join(re.split(r"(?m)^(?=  \S)", lock_text)[:7])  # the head and six stages
    ours, theirs = tmp_path / "ours.lock", tmp_path / "theirs.lock"
    for path, modify in ((ours, dvc_api.modify_lock), (theirs, modify_yaml)):
        path.write_text(text, encoding="utf-8")
        with modify(str(path)) as data:
            change(data)
    assert ours.read_text(encoding="utf-8") == theirs.read_text(encoding="utf-8") != text


def test_a_lock_that_does_not_exist_yet(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.lock", tmp_path / "theirs.lock"
    for path, modify in ((ours, dvc_api.modify_lock), (theirs, modify_yaml)):
        with modify(str(path)) as data:
            data.update({"schema": "2.0"})
            data["stages"] = {"a": {"cmd": "x"}}
    assert ours.read_text(encoding="utf-8") == theirs.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "schema: '2.0'\nstages: {}\n", "# mine\nschema: '2.0'\nstages:\n    a: {cmd: x}\n"]
)
def test_a_lock_in_another_form_keeps_its_contents(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dvc.lock"
    path.write_text(text, encoding="utf-8")
    with dvc_api.modify_lock(str(path)) as data:
        data.setdefault("schema", "2.0")
        data["stages"] = {**(data.get("stages") or {}), "b": {"cmd": "y"}}
        expected = dict(data)
    from dvc.utils.serialize import load_yaml

    assert load_yaml(str(path)) == expected


@pytest.mark.parametrize(("config", "kind"), [({}, lock.Lock), ({"hardlink_lock": True}, lock.HardlinkLock)])
def test_the_lock_is_of_the_kind_that_the_configuration_sets(
    config: dict[str, Any], kind: type, tmp_path: Path
) -> None:
    repo = SimpleNamespace(tmp_dir=str(tmp_path), config={"core": config})
    assert type(dvc_api.waiting_lock(repo)) is kind


@pytest.mark.parametrize("edited", [False, True])
def test_outputs_that_the_cache_lost_are_saved_again_and_their_stage_does_not_run(
    edited: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["strokecast", "repro"])
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  train:\n    cmd: never runs\n    outs:\n    - model\n")
    (tmp_path / "model").write_text("weights")
    md5 = hashlib.md5(b"weights").hexdigest()
    (tmp_path / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  train:\n    cmd: never runs\n    outs:\n    - path: model\n      hash: md5\n"
        f"      md5: {md5}\n      size: 7\n"
    )
    if edited:
        (tmp_path / "model").write_text("other weights")
    assert dvc_api.plan(lambda line: None).stale == ({"train"} if edited else set())
    assert (tmp_path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).exists() is not edited


def test_a_merge_conflict_in_dvc_lock_is_one_line_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text("schema: '2.0'\n<<<<<<< HEAD\nx: 1\n=======\nx: 2\n>>>>>>> other\n")
    with pytest.raises(UserError) as error, dvc_api.one_line_errors():
        raise DvcException("unable to read: 'dvc.lock', YAML file structure is corrupted")
    assert str(error.value) == (
        "dvc.lock, line 2: git left marks of a merge conflict; run `git checkout --ours dvc.lock` (or `--theirs`), `dvc checkout` "
        "and run again: only what differs from that side runs"
    )
