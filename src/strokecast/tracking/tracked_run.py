"""A training and its MLflow run: live curves while it trains, run.json and pyfunc when it ends.

with TrackedRun.start(job, spec) as run:
    facts = train_network(job, ..., on_epoch=run.log_epoch, checkpoint_dir=run.checkpoint_dir)
    run.finish(folder, facts)
# the folder is renamed into place
run.finalize(job.model_dir)

A training that had finished when its stage was killed is copied by `run.restore(folder)` and does not train again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.tracking import board, process_tags, run_record, store, store_health, training_lock
from strokecast.tracking.live_log import LiveLog
from strokecast.tracking.training_lock import SYSTEM_METRICS, TrainingLock
from strokecast.training.job import TrainingJob

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from strokecast.tracking.system import Sampler

_RUN_JSON_KEYS = (
    "training_id",
    "task",
    "name",
    "seed",
    "status",
    "reason",
    "started_ms",
    "ended_ms",
    "parameters",
    "train_seconds",
    "best_epoch",
    "examples_per_second",
    "flops_per_example",
    "flops_per_second",
    "device",
    "precision",
    "cudnn",
    "replicas",
    "git_commit",
    "git_dirty",
    "dvc_stage",
    "dvc_exp_name",
    "jobs",
    "dataset",
    "kind",
    "residual",
    "correction",
    "remark",
)


class TrackedRun:
    """A training and its MLflow run. As a context manager, it sets the run to RUNNING."""

    def __init__(self, job: TrainingJob, spec: Mapping[str, Any], lock: TrainingLock) -> None:
        self._job, self._spec, self._lock = job, spec, lock
        self._run: dict[str, Any] = {
            "training_id": lock.training_id,
            "task": job.task,
            "name": job.name,
            "seed": job.seed,
            "status": "running",
            "started_ms": lock.started_ms,
            "git_commit": _git("rev-parse", "HEAD"),
            "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!dvc.lock")),
            "dvc_stage": os.environ.get("DVC_STAGE"),
            "dvc_exp_name": os.environ.get("DVC_EXP_NAME"),
            "jobs": int(os.environ.get("STROKECAST_JOBS", 1)),
            "dataset": {"name": _dataset_name(spec), "digest": spec["digest"], "source": spec["source"]},
            "kind": job.architecture.kind,
        }
        self._finished = lock.finished(training_lock.code_digest(job.task))
        self._live = LiveLog()
        self._sampler: Sampler | None = None
        self._terminated = False

    @classmethod
    def start(cls, job: TrainingJob, spec: Mapping[str, Any]) -> Self:
        """Start a training, or resume an unfinished one with the same `resume_key`.

        A resumed training keeps its training_id, its checkpoints and its MLflow run. Without a checkpoint it
        starts over in a new run. One that had finished before DVC recorded it is kept, see `restore`. If another
        process runs the same job at this moment, this training gets a training_id of its own.

        Args:
            job: the training.
            spec: `spec.json` of the processed data.
        """
        return cls(job, spec, TrainingLock.acquire(job.resume_key))

    @property
    def training_id(self) -> str:
        """The id of this training in `run.json` and on the board."""
        return self._lock.training_id

    @property
    def checkpoint_dir(self) -> Path | None:
        """Folder for the training's checkpoints; None: no checkpoints."""
        return self._lock.record_dir

    def restore(self, folder: Path) -> dict[str, Any] | None:
        """Copy the training to `folder` if it had finished before DVC recorded it, and the same code made it.

        Args:
            folder: folder of the training, which does not exist yet; `finalize` follows.

        Returns:
            Its run.json; None if the training has to run.
        """
        if self._finished is None:
            return None
        shutil.copytree(self._finished, folder, copy_function=files.link_or_copy)
        run: dict[str, Any] = files.read_json(folder / "run.json")
        return run

    def __enter__(self) -> Self:
        if self._finished is not None:
            return self  # `finalize` finds or creates its run
        from strokecast.tracking.system import Sampler

        try:
            with store.writing():
                self._live.run_id = self._start_run(store.client()).info.run_id
        except store_health.BoardError as error:
            self._live.stop("the training goes on, and `sync` adds it to the board later", error)
        self._sampler = Sampler(self.checkpoint_dir and self.checkpoint_dir / SYSTEM_METRICS)
        return self

    def _start_run(self, client: MlflowClient) -> Run:
        """Set the run of an unfinished training that can be resumed, or a new one, to RUNNING."""
        current: Run | None = None
        for earlier in board.active_runs(client, self._job.task, self.training_id):
            resumable = board.can_resume(earlier, self._lock.started_ms, self._lock.has_checkpoint)
            if current is None and resumable:
                current = earlier
            else:
                board.supersede(client, earlier)
        if current is None:
            return self._create(client)
        board.resume(client, current, process_tags.current())
        return current

    def _create(self, client: MlflowClient) -> Run:
        return board.create(
            client,
            self._job.task,
            self._job.label,
            self._lock.started_ms,
            run_record.tags(self._run) | process_tags.current() | {"mlflow.runName": self._job.label},
            run_record.params(self._job.to_json(), self._spec, self._run["kind"]),
            run_record.dataset(self._run["dataset"], self._spec),
        )

    def log_epoch(self, row: Mapping[str, float | int]) -> None:
        """Log one row of the history, and the system metrics since the previous one.

        If the board cannot be written, the training continues, and `finalize` or `sync` logs what is missing.
        """
        points: dict[str, set[run_record.Point]] = {}
        for key, point in run_record.curve_points({column: str(value) for column, value in row.items()}):
            points.setdefault(key, set()).add(point)
        self._log(points)

    def _log(self, points: dict[str, set[run_record.Point]]) -> None:
        if self._sampler is not None:
            self._sampler.save()  # first: whatever is on the board has to be in the record too
        for timestamp, name, value, step in self._sampler.new_samples() if self._sampler else []:
            points.setdefault(name, set()).add((step, timestamp, value))
        self._live.log(points)

    def finish(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write run.json, system.csv, curves.png and pyfunc/ beside the trained model in `folder`.

        Args:
            folder: folder of the training, before it is renamed into place.
            facts: result of `training.run.train`.
        """
        assert self._sampler is not None, "start() returns a context manager"
        self._sampler.stop()
        self._sampler.write(folder / "system.csv")
        self._run |= {"status": "finished", "ended_ms": _now_ms(), **facts}
        self._write_run_json(folder)
        from strokecast.tracking import curves, pyfunc

        curves.plot(folder / "history.csv", folder / "curves.png", f"{self._job.task}: {self._job.label}")
        pyfunc.save(folder, self._run)
        self._finished = self._lock.keep(folder, training_lock.code_digest(self._job.task))
        self._log({})

    def finalize(self, folder: Path) -> str | None:
        """Complete the run from the folder in its final place. `sync` removes the record once dvc.lock names the training.

        If the board cannot be written, one warning says so, and `sync` adds the training later.

        Returns:
            MLflow's id of the run; None if there is none.
        """
        run_id = None
        try:
            run_id = board.ensure_run(folder)
        except store_health.BoardError as error:
            self._live.stop("the model is kept, and `sync` adds it to the board later", error)
        self._terminated = True
        self._lock.release()
        return run_id

    def mark_failed(self, folder: Path, reason: str) -> None:
        """Mark the training FAILED, and leave nothing but a run.json with the reason in `folder`.

        Its record stays, with the last good checkpoint.
        """
        if self._sampler is not None:
            self._sampler.stop()
        self._run |= {"status": "failed", "reason": reason, "ended_ms": _now_ms()}
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
        self._write_run_json(folder)
        self._terminate("FAILED", reason)
        self._terminated = True
        self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sampler is not None:
            self._sampler.stop()
        if error is None or self._terminated:
            return
        if self._finished is not None:  # another seed failed
            self.finalize(self._finished)
            return
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        try:
            self._terminate("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", reason)
        finally:
            self._lock.release()

    def _write_run_json(self, folder: Path) -> None:
        values = {key: self._run[key] for key in _RUN_JSON_KEYS if key in self._run}
        files.write_json(folder / "run.json", values)

    def _terminate(self, status: str, reason: str) -> None:
        try:
            if self._live.run_id is not None:
                board.terminate(self._live.run_id, status, " ".join(reason.split())[:500])
        except store_health.BoardError as failure:
            self._live.stop(f"the run could not be marked {status}", failure)


def summary(facts: Mapping[str, Any]) -> str:
    """Result of a training in a few words."""
    corrections = dict.fromkeys(facts.get("correction", {}).values())
    corrected = f", corrected by {' or '.join(corrections)}" if corrections else ""
    if facts["kind"] == "rule":
        remark = f", {facts['remark']}" if facts.get("remark") else ""
        return f"statistical model, fitted on the training days in {facts['train_seconds']:.1f} s{corrected}{remark}"
    if facts["kind"] == "estimator":
        return f"fitted, {facts['parameters']:,} parameters, {facts['train_seconds']:.1f} s{corrected}"
    residual = f", residual {facts['residual']}" if facts.get("residual", "none") != "none" else ""
    cudnn = f", cuDNN: {facts['cudnn']}" if facts.get("cudnn") else ""
    return (
        f"{facts['parameters']:,} parameters, best epoch {facts['best_epoch']}, {facts['train_seconds']:.1f} s"
        f"{residual}{corrected}{cudnn}"
    )


def _dataset_name(spec: Mapping[str, Any]) -> str:
    return f"{spec['task']}: {spec['name']}" if spec.get("name") else f"{spec['task']}: {spec['source']}"


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
