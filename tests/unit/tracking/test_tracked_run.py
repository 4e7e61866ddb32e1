"""The run of a training while it trains, when it ends, fails or is killed."""

from __future__ import annotations

import csv
import dataclasses
import errno
import functools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from strokecast.commands import sync
from strokecast.common import disks, files
from strokecast.common.errors import UserError
from strokecast.params import ForecastRecipe
from strokecast.tracking import board, live_log, local_store, store, store_health, training_lock
from strokecast.tracking.remote_store import RemoteStore
from strokecast.tracking.tracked_run import TrackedRun
from strokecast.training.job import TrainingJob

Make = Callable[..., Path]
RECIPE = ForecastRecipe(epochs=3)
FACTS = {
    "kind": "network",
    "parameters": 300,
    "train_seconds": 0.5,
    "best_epoch": 2,
    "examples_per_second": 99.5,
    "device": "cpu",
}


def job_of(
    seed: int = 1, units: int = 8, recipe: ForecastRecipe = RECIPE, digest: str = "d" * 64
) -> TrainingJob:
    job = TrainingJob.create("forecast", "gru", seed, {"units": units}, recipe, digest)
    return dataclasses.replace(job, code_digest="code")


JOB = job_of()


@pytest.fixture
def spec(specs: dict[str, Any]) -> dict[str, Any]:
    return specs["forecast"]


@pytest.fixture
def train(
    spec: dict[str, Any], calibration: dict[str, Any], history_line: Callable[[int], dict[str, Any]]
) -> Callable[..., TrackedRun]:
    """Does what the train stage does, with a text file as the network."""

    def run(folder: Path, epochs: int = 3, fails: BaseException | None = None, seed: int = 1) -> TrackedRun:
        with TrackedRun.start(job_of(seed), spec) as training:
            temporary = folder.parent / f".{folder.name}.tmp"
            temporary.mkdir(parents=True)
            with (temporary / "history.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(history_line(1)))
                writer.writeheader()
                for epoch in range(1, epochs + 1):
                    row = history_line(epoch) | {"timestamp_ms": time.time_ns() // 1_000_000}
                    writer.writerow(row)
                    training.log_epoch(row)
            if fails:
                shutil.rmtree(temporary)
                raise fails
            (temporary / "model.keras").write_text("a network")
            (temporary / "config.json").write_text(json.dumps(job_of(seed).to_json()))
            (temporary / "spec.json").write_text(json.dumps(spec))
            (temporary / "calibration.json").write_text(json.dumps(calibration))
            training.finish(temporary, FACTS)
            temporary.rename(folder)
            return training

    return run


def test_live_run_equals_the_one_rebuilt_from_its_folder(
    train: Any, client: Any, active: Any, describe_run: Any, evaluate: Any
) -> None:
    folder = Path("models/forecast/gru/seed-1")
    training = train(folder)
    [running] = active()
    run_id = training.finalize(folder)
    assert run_id == running.info.run_id, "completed, not created again"
    live_row = describe_run(client, run_id)
    assert live_row["status"] == "FINISHED"
    assert not [tag for tag in live_row["tags"] if tag in store.PROCESS]
    assert len(live_row["histories"]["train/loss"]) == 3
    assert live_row["histories"]["system/cpu_utilization_percentage"]
    assert "plots/curves.png" in live_row["artifacts"]
    assert {"MLmodel", "requirements.txt", "code/strokecast/inference/predictor.py"} <= set(
        live_row["models"][0]["files"]
    )
    board.supersede(client, client.get_run(run_id))
    assert describe_run(client, board.ensure_run(folder)) == live_row
    [record] = (store.folder().parent / ".strokecast/trainings").glob("*/run.json")
    kept = {path.name for path in record.parent.iterdir()}
    assert kept == {"run.json", "finished", "system.csv"}, "until dvc.lock names it"


def test_curves_are_on_the_board_while_it_trains(
    spec: dict[str, Any], client: Any, active: Any, history_line: Any
) -> None:
    with TrackedRun.start(JOB, spec) as training:
        training.log_epoch(history_line(1))
        training.log_epoch(history_line(2))
        [run] = active()
        assert run.info.status == "RUNNING"
        assert run.data.tags[store.ID] == training.training_id
        assert run.data.params["training.epochs"] == "3"
        assert [m.step for m in client.get_metric_history(run.info.run_id, "valid/loss")] == [20, 40]
        assert [d.dataset.digest for d in run.inputs.dataset_inputs] == ["d" * 36]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (UserError("the loss became nan"), "FAILED", "the loss became nan"),
        (ValueError("two\nlines"), "FAILED", "ValueError: two lines"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt:"),
    ],
)
def test_a_failed_run_is_replaced_if_the_training_starts_over(
    train: Any, client: Any, active: Any, error: BaseException, status: str, reason: str
) -> None:
    folder = Path("models/forecast/gru/seed-1")
    with pytest.raises(type(error)):
        train(folder, fails=error)
    [failed] = active()
    assert failed.info.status == status
    assert failed.data.tags[store.FAILURE] == reason
    assert not [tag for tag in failed.data.tags if tag in store.PROCESS]
    training = train(folder)
    training.finalize(folder)
    [run] = active()
    assert (run.info.status, run.info.run_id == failed.info.run_id) == ("FINISHED", False)
    assert client.get_run(failed.info.run_id).data.tags[store.SUPERSEDED] == "true"
    assert run.data.tags[store.ID] == failed.data.tags[store.ID]
    assert store.FAILURE not in run.data.tags


KILLED = """
import dataclasses, json, sys, time
from strokecast.params import ForecastRecipe
from strokecast.tracking.tracked_run import TrackedRun
from strokecast.training.job import TrainingJob
spec, line = json.loads(sys.argv[1])
job = TrainingJob.create("forecast", "gru", 1, {"units": 8}, ForecastRecipe(epochs=3), spec["digest"])
job = dataclasses.replace(job, code_digest="code")
with TrackedRun.start(job, spec) as training:
    training.log_epoch(line)
    print(training.training_id, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_killed_training_keeps_its_id_and_one_run(
    train: Any,
    spec: dict[str, Any],
    client: Any,
    active: Any,
    history_line: Any,
    describe_run: Any,
    record_outputs: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = json.dumps([spec, history_line(1)])
    victim = subprocess.Popen([sys.executable, "-c", KILLED, arguments], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    training_id = victim.stdout.readline().strip()

    assert sync.mark_killed_runs()[0] == 0, "it is alive"
    monkeypatch.setattr(training_lock, "ACQUIRE_TIMEOUT", 0.1)
    other = TrackedRun.start(JOB, spec)
    assert other.training_id != training_id, "another process runs the same job"
    assert other.checkpoint_dir is None, "no checkpoints, which the two would share"

    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(timeout=30)
    assert [run.info.status for run in active()] == ["RUNNING"]
    assert sync.mark_killed_runs()[0] == 1
    [lost] = active()
    assert lost.info.status == "KILLED"
    assert lost.data.tags[store.FAILURE] == "its process has ended"
    assert sync.mark_killed_runs()[0] == 0

    folder = Path("models/forecast/gru/seed-1")
    training = train(folder)
    assert training.training_id == training_id
    run_id = training.finalize(folder)
    [run] = active()
    assert (run.info.status, run.info.run_id) == ("FINISHED", run_id)
    assert run.info.start_time == lost.info.start_time
    completed = describe_run(client, run_id)
    assert len(completed["histories"]["train/loss"]) == 3
    board.supersede(client, run)
    assert describe_run(client, board.ensure_run(folder)) == completed, "equal to one that is rebuilt"
    record_outputs("models/forecast/gru")
    assert TrackedRun.start(JOB, spec).training_id != training_id, "a new training once it is recorded"


def test_a_resumed_training_keeps_its_run_points_and_system_metrics(
    spec: dict[str, Any],
    calibration: dict[str, Any],
    client: Any,
    active: Any,
    history_line: Any,
    describe_run: Any,
    tmp_path: Path,
) -> None:
    """Two epochs, a kill that the board does not notice, the second epoch logged again, a third."""
    begin = functools.partial(TrackedRun.start, JOB, spec)
    first = begin().__enter__()
    for epoch in (1, 2):
        first.log_epoch(history_line(epoch))
    first._sampler.stop()  # type: ignore[union-attr]
    first._lock.release()  # as the end of its process would
    (first.checkpoint_dir / "checkpoint-1.npz").write_text("of the second epoch")  # type: ignore[operator]
    [lost] = active()
    before = {
        key: sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(lost.info.run_id, key))
        for key in lost.data.metrics
    }
    folder = Path("models/forecast/gru/seed-1")
    folder.mkdir(parents=True)
    with begin() as second:
        assert (second.training_id, second.checkpoint_dir) == (first.training_id, first.checkpoint_dir)
        for epoch in (2, 3):
            second.log_epoch(history_line(epoch))
        with (folder / "history.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(history_line(1)))
            writer.writeheader()
            writer.writerows(history_line(epoch) for epoch in (1, 2, 3))
        (folder / "model.keras").write_text("a network")
        (folder / "config.json").write_text(json.dumps(JOB.to_json()))
        (folder / "spec.json").write_text(json.dumps(spec))
        (folder / "calibration.json").write_text(json.dumps(calibration))
        second.finish(folder, FACTS)
        assert second.finalize(folder) == lost.info.run_id
    after = describe_run(client, lost.info.run_id)
    assert (after["start"], after["status"]) == (lost.info.start_time, "FINISHED")
    assert [step for step, _, _ in after["histories"]["train/loss"]] == [20, 40, 60]
    for name, points in before.items():
        assert points == after["histories"][name][: len(points)], f"{name} lost or moved a point"
    steps = [step for step, _, _ in after["histories"]["system/cpu_utilization_percentage"]]
    assert steps == list(range(len(steps)))
    names = {path.name for path in second.checkpoint_dir.iterdir()}  # type: ignore[union-attr]
    assert names == {"run.json", "finished", "system.csv"}, (
        "the copy of the training replaces its checkpoints"
    )
    [run] = active()
    board.supersede(client, run)
    assert describe_run(client, board.ensure_run(folder)) == after


@pytest.mark.parametrize("on_board", ["finalized", "killed before that", "marked as KILLED", "board deleted"])
@pytest.mark.slow
def test_a_training_that_finished_before_dvc_recorded_it_is_kept(
    train: Any, spec: dict[str, Any], client: Any, active: Any, describe_run: Any, on_board: str
) -> None:
    folder = Path("models/forecast/gru/seed-1")
    training = train(folder)
    if on_board == "finalized":
        training.finalize(folder)
    training._lock.release()  # as the end of its process would
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder.parent)  # as DVC does before it runs the stage again
    if on_board == "marked as KILLED":
        [run] = active()
        board.terminate(run.info.run_id, "KILLED", "its process has ended")
    if on_board == "board deleted":
        [run] = active()
        board.supersede(client, run)

    with TrackedRun.start(JOB, spec) as again:
        facts = again.restore(folder)
        assert facts is not None
        assert (facts["training_id"], facts["status"]) == (training.training_id, "finished")
        run_id = again.finalize(folder)
    after = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before
    [run] = active()
    assert (run.info.run_id, run.info.status) == (run_id, "FINISHED")
    assert store.FAILURE not in run.data.tags
    assert len(describe_run(client, run_id)["histories"]["train/loss"]) == 3


@pytest.mark.slow
def test_a_finished_training_stays_finished_if_another_seed_of_its_stage_fails(
    train: Any, spec: dict[str, Any], active: Any, history_line: Any
) -> None:
    folder = Path("models/forecast/gru/seed-1")
    training = train(folder)
    with pytest.raises(UserError), TrackedRun.start(job_of(2), spec) as other:
        other.log_epoch(history_line(1))
        try:
            raise UserError("the loss became nan")
        except UserError as error:
            training.__exit__(UserError, error, None)  # as the stage's ExitStack does
            raise
    states = {run.data.tags[store.ID]: run.info.status for run in active()}
    assert states == {training.training_id: "FINISHED", other.training_id: "FAILED"}


@pytest.mark.slow
def test_a_finished_training_of_other_shared_code_runs_again_under_its_id(
    train: Any, spec: dict[str, Any], client: Any, active: Any
) -> None:
    folder = Path("models/forecast/gru/seed-1")
    first = train(folder)
    first.finalize(folder)
    shutil.rmtree(folder.parent)
    Path("data/code").mkdir(parents=True)
    Path("data/code/series.json").write_text('{"digest": "edited"}')
    assert TrackedRun.start(JOB, spec).restore(folder) is None
    second = train(folder)
    second.finalize(folder)
    assert second.training_id == first.training_id
    assert [run.info.status for run in active()] == ["FINISHED"], "the board has one run of it"


def test_a_training_marked_failed_has_its_reason(
    spec: dict[str, Any], active: Any, history_line: Any
) -> None:
    folder = Path("models/forecast/gru/seed-1")
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("half of it")
    with TrackedRun.start(JOB, spec) as training:
        training.log_epoch(history_line(1))
        (training.checkpoint_dir / "checkpoint-1.npz").write_text("the last good one")  # type: ignore[operator]
        training.mark_failed(folder, "the loss became nan")
    [run] = active()
    assert (run.info.status, run.data.tags[store.FAILURE]) == ("FAILED", "the loss became nan")
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    stored = json.loads((folder / "run.json").read_text())
    assert (stored["status"], stored["reason"]) == ("failed", "the loss became nan")
    assert stored["training_id"] == training.training_id
    assert (training.checkpoint_dir / "checkpoint-1.npz").exists()  # type: ignore[operator]
    assert sync.mark_killed_runs()[0] == 0


def test_another_config_recipe_seed_data_or_code_is_another_training(
    spec: dict[str, Any], project: Path
) -> None:
    jobs = [
        JOB,
        job_of(seed=2),
        job_of(units=9),
        job_of(recipe=ForecastRecipe(epochs=4)),
        job_of(digest="e" * 64),
        dataclasses.replace(JOB, code_digest="other code"),
    ]
    runs = [TrackedRun.start(job, spec) for job in jobs]
    assert len({run.training_id for run in runs}) == 6


@pytest.mark.slow
def test_a_board_that_is_locked_while_it_trains_only_stops_the_live_curves(
    train: Any,
    client: Any,
    describe_run: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from mlflow.exceptions import MlflowException

    def locked(*_: object, **__: object) -> None:
        raise MlflowException("(sqlite3.OperationalError) database is locked\n[SQL: INSERT ...]")

    folder = Path("models/forecast/gru/seed-1")
    with monkeypatch.context() as patch:
        patch.setattr(board, "log_points", locked)
        training = train(folder)
    assert capsys.readouterr().err == (
        "warning: live curves stop here; the end of the training, or `sync`, adds the rest: mlruns/mlflow.db: another "
        "program has locked the MLflow board for more than 20 s; when it has ended, run `strokecast sync`\n"
    )
    seen = describe_run(client, training.finalize(folder))
    assert len(seen["histories"]["train/loss"]) == 3


def test_a_training_on_a_locked_board_is_kept_with_one_warning_and_sync_adds_it(
    train: Any, active: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("params.yaml").write_text("models: {forecast: {gru: {enabled: true}}}")
    monkeypatch.setattr(store_health, "BUSY_TIMEOUT", 0.05)
    folder = Path("models/forecast/gru/seed-1")
    with closing(sqlite3.connect(local_store.database(), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        training = train(folder)
        assert training.finalize(folder) is None
    assert capsys.readouterr().err == (
        "warning: the training goes on, and `sync` adds it to the board later: mlruns/mlflow.db: another program has locked "
        "the MLflow board for more than 0 s; when it has ended, run `strokecast sync`\n"
    )
    assert files.read_json(folder / "run.json")["status"] == "finished"
    assert sync.sync().startswith("board complete: 1 trainings, 1 added")
    [run] = active()
    assert (run.info.status, run.data.tags[store.ID]) == ("FINISHED", training.training_id)


def test_a_training_without_its_server_is_kept_with_one_warning_and_sync_adds_it(
    train: Any, active: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("params.yaml").write_text("models: {forecast: {gru: {enabled: true}}}")
    folder = Path("models/forecast/gru/seed-1")
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing listens there
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        training = train(folder)
        assert training.finalize(folder) is None
        assert capsys.readouterr().err == (
            "warning: the training goes on, and `sync` adds it to the board later: http://127.0.0.1:9: the MLflow server "
            "refuses connections; when it answers, run `strokecast sync`\n"
        )
        with pytest.raises(store_health.BoardError, match="refuses connections"):
            sync.sync()
    assert sync.sync().startswith("board complete: 1 trainings, 1 added")
    [run] = active()
    assert (run.info.status, run.data.tags[store.ID]) == ("FINISHED", training.training_id)


def test_live_curves_stop_if_a_server_is_slow(
    train: Any,
    client: Any,
    describe_run: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = RemoteStore(store.uri())
    monkeypatch.setattr(store, "current", lambda: server)
    monkeypatch.setattr(live_log, "_SECONDS", -1e9)
    folder = Path("models/forecast/gru/seed-1")
    training = train(folder)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "warning: live curves stop here; the end of the training, or `sync`, adds the rest: the MLflow server is slow"
    )
    seen = describe_run(client, training.finalize(folder))
    assert (seen["status"], len(seen["histories"]["train/loss"])) == ("FINISHED", 3)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_text("no database" * 1000), lambda path: (path.unlink(), path.mkdir())]
)
@pytest.mark.slow
def test_a_training_beside_a_damaged_board_is_kept_with_one_warning(
    empty_project: Path, train: Any, damage: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    store.folder().mkdir()
    local_store.database().touch()
    damage(local_store.database())
    folder = Path("models/forecast/gru/seed-1")
    assert train(folder).finalize(folder) is None
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "warning: the training goes on, and `sync` adds it to the board later: mlruns/mlflow.db: the MLflow board is damaged: "
    )
    assert "`strokecast sync --restore`" in line
    assert (folder / "pyfunc" / "MLmodel").is_file()


@pytest.mark.slow
def test_a_full_disk_while_the_model_is_copied_to_the_board_is_one_warning(
    train: Any,
    client: Any,
    active: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("params.yaml").write_text("models: {forecast: {gru: {enabled: true}}}")

    def full(_: Any, model_id: str, folder: str) -> None:
        target = Path(local_store.artifacts("strokecast-forecast"), "models", model_id, "artifacts")
        target.mkdir(parents=True)
        (target / "MLmodel").write_text("half of it")
        reason = f"[Errno 28] No space left on device: '{target}/data'"
        raise shutil.Error([(f"{folder}/data", f"{target}/data", reason)])

    folder = Path("models/forecast/gru/seed-1")
    training = train(folder)
    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.log_model_artifacts", full)
        assert training.finalize(folder) is None
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "warning: the model is kept, and `sync` adds it to the board later: the MLflow board cannot be written: the disk is "
        f"full while writing {local_store.artifacts('strokecast-forecast')}/models/"
    )
    assert f": file system {disks.mount_point(Path())} (" in line
    assert line.endswith("then run `strokecast sync`")
    assert not list(store.folder().rglob("MLmodel")), "no unusable part is left behind"
    assert sync.sync().startswith("board complete: 1 trainings")
    [run] = active()
    assert run.info.status == "FINISHED"
    assert len(client.search_logged_models([run.info.experiment_id])) == 1


def test_a_full_disk_while_the_pyfunc_is_saved_keeps_the_checkpoints(
    project: Path,
    spec: dict[str, Any],
    calibration: dict[str, Any],
    history_line: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "staging"
    folder.mkdir()
    (folder / "history.csv").write_text(",".join(history_line(1)) + "\n")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "pyfunc"))

    monkeypatch.setattr("strokecast.tracking.pyfunc.save", full)
    with pytest.raises(OSError, match="No space left"), TrackedRun.start(JOB, spec) as training:
        assert training.checkpoint_dir is not None
        (training.checkpoint_dir / "checkpoint-3.npz").write_text("of the last epoch")
        training.finish(folder, FACTS)
    again = TrackedRun.start(JOB, spec)
    assert again.training_id == training.training_id
    assert (training.checkpoint_dir / "checkpoint-3.npz").exists()


@pytest.mark.slow
def test_each_seed_has_a_run_of_its_own(train: Any, client: Any) -> None:
    folder = Path("models/forecast/gru/seed-4")
    training = train(folder, seed=4)
    assert client.get_run(training.finalize(folder)).info.run_name == "gru-seed4"


@pytest.mark.slow
def test_git_revision_and_dvc_names_are_tags(
    train: Any, client: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "init", "-q"], check=True)
    Path("code.py").write_text("1")
    Path("dvc.lock").write_text("1")
    subprocess.run(["git", "add", "code.py", "dvc.lock"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    monkeypatch.setenv("DVC_STAGE", "train-forecast@gru")
    monkeypatch.setenv("DVC_EXP_NAME", "witty-name")
    Path("dvc.lock").write_text("2")
    folder = Path("models/forecast/gru/seed-1")
    tags = client.get_run(train(folder).finalize(folder)).data.tags
    assert tags["mlflow.source.git.commit"] == revision
    assert tags["strokecast.git_dirty"] == "false", "dvc.lock changes with every run"
    assert tags["strokecast.dvc_stage"] == "train-forecast@gru"
    assert tags["strokecast.dvc_exp_name"] == "witty-name"
    Path("code.py").write_text("2")
    again = Path("models/forecast/again/seed-1")
    assert client.get_run(train(again, seed=2).finalize(again)).data.tags["strokecast.git_dirty"] == "true"
