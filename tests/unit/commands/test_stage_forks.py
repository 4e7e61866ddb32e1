"""Stage scripts in forks: what is forked, and what a fork becomes."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dvc.stage import run
from dvc.stage.exceptions import StageCmdFailedError

from strokecast.commands import stage_forks
from strokecast.common import import_hiding, signals

SCRIPT = """
import json, os, sys
from strokecast.common import paths
import strokecast
print(json.dumps([sys.argv, os.getcwd(), os.environ.get("MARK"), os.environ.get("OTHER"), paths.__file__]), flush=True)
if sys.argv[1:] == ["fail"]:
    sys.exit(3)
if sys.argv[1:] == ["break"]:
    raise ValueError("broken")
"""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What went to DVC's own function."""
    monkeypatch.setitem(sys.modules, "tensorflow", type(sys)("tensorflow"))
    return []


@pytest.fixture
def runner(called: list[Any]) -> Any:
    return stage_forks.runner(lambda executable, command, **options: called.append(command))


def test_dvc_calls_a_function_with_these_arguments() -> None:
    code = run._run.__code__
    assert code.co_varnames[:2] == ("executable", "cmd")
    assert "_run(executable, cmd, **kwargs)" in Path(run.__file__).read_text(encoding="utf-8")


def test_other_commands_go_to_dvc(runner: Any, called: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    runner("/bin/sh", "echo stages/train.py", cwd=".", env={})
    monkeypatch.delitem(sys.modules, "tensorflow")
    runner("/bin/sh", "python stages/train.py classify gru", cwd=".", env={})
    assert called == ["echo stages/train.py", "python stages/train.py classify gru"]


@pytest.mark.parametrize(
    ("stages", "with_forecasts"),
    [(["train-draw@sketch_rnn", "train-forecast@mstl"], True), (["evaluate-draw"], False)],
)
def test_only_stages_of_forecasts_preload_their_libraries(
    stages: list[str], with_forecasts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported: list[str] = []
    monkeypatch.setattr(stage_forks, "importlib", SimpleNamespace(import_module=imported.append))
    monkeypatch.setattr(import_hiding, "start_tensorflow", lambda: None)
    monkeypatch.setattr(signals, "mark_as_stage", lambda: None)
    stage_forks.preload(stages)
    gc.unfreeze()
    assert "mlflow.pyfunc" in imported
    assert ("statsforecast.models" in imported) == with_forecasts


@pytest.mark.slow
def test_a_fork_runs_the_script_as_python_would(
    runner: Any,
    called: list[Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHER", "of the parent")
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "x.py").write_text(SCRIPT)
    environment = {key: value for key, value in os.environ.items() if key != "OTHER"} | {"MARK": "1"}
    runner(None, "python stages/x.py a 'b c'", cwd=str(tmp_path), env=environment)
    out = capfd.readouterr().out
    assert f'[["stages/x.py", "a", "b c"], "{tmp_path}", "1", null, ' in out
    with pytest.raises(StageCmdFailedError, match="exited with 3"):
        runner(None, "python stages/x.py fail", cwd=str(tmp_path), env=environment)
    with pytest.raises(StageCmdFailedError):
        runner(None, "python stages/x.py break", cwd=str(tmp_path), env=environment)
    assert "ValueError: broken" in capfd.readouterr().err
    assert not called
    assert os.environ["OTHER"] == "of the parent"
