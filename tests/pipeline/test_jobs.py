"""`strokecast repro`, which `make repro` calls, runs stages in parallel and gives the outputs of `dvc repro`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def _change_two_models(values: Any) -> None:
    """Change one model of each of two tasks: neither training depends on the other."""
    values["models"]["classify"]["gru"]["config"].update(units=9)
    values["models"]["forecast"]["linear"]["training"] = {"epochs": 2}


def test_stages_run_in_parallel_and_leave_nothing_for_dvc_repro(project: Any) -> None:
    project.edit_params(_change_two_models)
    result = project.run("strokecast", "repro", "--jobs", "2")
    stages = project.stages_run(result.stdout)
    assert sorted(stages) == [
        "compare",
        "evaluate-classify",
        "evaluate-forecast",
        "judge",
        "params",
        "sync",
        "train-classify@gru",
        "train-forecast@linear",
    ]
    assert stages[0] == "params"
    assert set(stages[1:3]) == {"train-classify@gru", "train-forecast@linear"}
    assert stages[-2:] == ["compare", "sync"], "stages run after those that they depend on"
    runs = [
        project.root / "models" / model_dir / "run.json"
        for model_dir in ("classify/gru/seed-1", "forecast/linear/seed-1")
    ]
    starts, ends, jobs = zip(*(_times(path) for path in runs), strict=True)
    assert max(starts) < min(ends), "both trainings ran at the same time"
    assert jobs == (2, 2), "run.json records that two stages ran at a time"
    assert all(project.board()[_id(path)]["tags"]["strokecast.jobs"] == "2" for path in runs)
    lock = (project.root / "dvc.lock").read_bytes()
    assert project.repro() == ["sync"], "dvc repro has nothing left to do"
    assert (project.root / "dvc.lock").read_bytes() == lock

    again = project.run("strokecast", "repro")
    assert project.stages_run(again.stdout) == ["sync"]
    assert "up to date" in again.stdout
    assert "board complete" in again.stdout
    assert (project.root / "dvc.lock").read_bytes() == lock


def test_forked_stages_give_the_same_bits_as_stages_in_separate_processes(
    project: Any, tmp_path: Path
) -> None:
    def deterministic(values: Any) -> None:
        for task in ("classify", "watch", "forecast"):
            values["training"][task]["deterministic"] = True

    other = project.copy(tmp_path / "other")
    for copy in (project, other):
        copy.edit_params(deterministic)
    forked = project.run("strokecast", "repro", "--jobs", "2")
    assert sum(name.startswith("train-") for name in project.stages_run(forked.stdout)) > 2, (
        "enough stages to fork"
    )
    other.run("dvc", "repro")
    for path in sorted((project.root / "models").rglob("model.keras")):
        counterpart = other.root / path.relative_to(project.root)
        assert _weights(path) == _weights(counterpart), path.relative_to(project.root)


def _weights(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("model.weights.h5")


def test_a_failed_stage_is_reported_in_one_line_and_finished_stages_are_kept(project: Any) -> None:
    architecture = project.root / "src/strokecast/models/watch/frame_average.py"
    text = architecture.read_text()
    start = "    import keras\n"
    assert text.count(start) == 1
    failure = '    raise UserError("not finished yet")\n'
    architecture.write_text(
        text.replace(start, f"    from strokecast.common.errors import UserError\n{failure}{start}")
    )
    project.edit_params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=9))
    result = project.run("strokecast", "repro", "--jobs", "2", check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: failed to reproduce train-watch@frame_average; ")
    assert "[train-watch@frame_average] error: not finished yet" in result.stderr
    stages = project.stages_run(result.stdout)
    assert set(stages[:2]) == {"code", "params"}
    assert set(stages[2:]) == {"train-classify@gru", "train-watch@frame_average"}

    architecture.write_text(f"{text}\n# mended\n")
    rerun = project.stages_run(project.run("strokecast", "repro").stdout)
    assert "train-watch@frame_average" in rerun
    assert "train-classify@gru" not in rerun, "the stage that ran in parallel had finished"


def test_an_unknown_key_is_reported_before_any_stage_runs(project: Any) -> None:
    project.edit_params(lambda values: values["training"].update(speed=3))
    result = project.run("strokecast", "repro", check=False)
    assert result.returncode == 1
    assert project.stages_run(result.stdout) == []
    assert "training.speed" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_after_sigterm_the_stages_save_and_the_next_run_resumes_them(project: Any) -> None:
    before = {_id(path) for path in project.root.glob("models/*/*/seed-*/run.json")}

    def longer(values: Any) -> None:
        values["models"]["classify"]["gru"]["training"] = {"epochs": 120}
        values["models"]["forecast"]["linear"]["training"] = {"epochs": 120}

    project.edit_params(longer)
    running = project.popen(
        "strokecast",
        "repro",
        "--jobs",
        "2",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        project.wait_for_epochs(2, before)
        running.send_signal(signal.SIGTERM)  # to this process only: it passes the signal on to the stages
        _, errors = running.communicate(timeout=120)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 143
    assert "Traceback" not in errors
    interrupted = {
        key for key, run in project.board().items() if key not in before and run["status"] != "FINISHED"
    }
    assert len(interrupted) == 2, "both had started, neither had finished"
    assert project.repro()[-1] == "sync"
    assert interrupted <= project.training_ids(), "both resumed under their own ids"


def _id(path: Path) -> str:
    return str(json.loads(path.read_text())["training_id"])


def _times(path: Path) -> tuple[int, int, int]:
    run = json.loads(path.read_text())
    return run["started_ms"], run["ended_ms"], run["jobs"]
