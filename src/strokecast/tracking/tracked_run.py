"""A training and its MLflow run: live curves while it trains, run.json and pyfunc when it ends.

with TrackedRun.start(job, spec) as run:
    facts = train_network(job, ..., on_epoch=run.log_epoch, checkpoint_dir=run.checkpoint_dir)
    run.finish(folder, facts)
# the folder is renamed into place
run.finalize(job.model_dir)
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.tracking import board, run_record, store
from strokecast.tracking.training_lock import SYSTEM_METRICS, TrainingLock
from strokecast.training.job import TrainingJob

if TYPE_CHECKING:
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
    "device",
    "git_commit",
    "git_dirty",
    "dvc_stage",
    "dvc_exp_name",
    "jobs",
    "dataset",
    "kind",
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
        self._run_id: str | None = None
        self._sampler: Sampler | None = None
        self._terminated = False
        self._live_logging = True

    @classmethod
    def start(cls, job: TrainingJob, spec: Mapping[str, Any]) -> Self:
        """Start a training, or resume an unfinished one with the same `resume_key`.

        A resumed training keeps its training_id, its checkpoints and its MLflow run. Without a checkpoint it
        starts over in a new run. If another process runs the same job at this moment, this training gets a
        training_id of its own.

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

    def __enter__(self) -> Self:
        from strokecast.tracking.system import Sampler

        store.initialise()
        with store.lock():
            client = store.client()
            current: Run | None = None
            for earlier in board.active_runs(client, self._job.task, self.training_id):
                resumable = board.can_resume(earlier, self._lock.started_ms, self._lock.has_checkpoint)
                if current is None and resumable:
                    current = earlier
                else:
                    board.supersede(client, earlier)
            if current is not None:
                board.resume(client, current, _process_tags())
            else:
                current = self._create(client)
        self._run_id = current.info.run_id
        self._sampler = Sampler(self.checkpoint_dir and self.checkpoint_dir / SYSTEM_METRICS)
        return self

    def _create(self, client: Any) -> Run:
        return board.create(
            client,
            self._job.task,
            self._job.label,
            self._lock.started_ms,
            run_record.tags(self._run) | _process_tags() | {"mlflow.runName": self._job.label},
            run_record.params(self._job.to_json(), self._spec, self._run["kind"]),
            run_record.dataset(self._run["dataset"], self._spec),
        )

    def log_epoch(self, row: Mapping[str, float | int]) -> None:
        """Log one row of the history, and the system metrics since the previous one.

        If the board cannot be written, the training continues, and `finalize` logs what is missing.
        """
        points: dict[str, set[run_record.Point]] = {}
        for key, point in run_record.curve_points({column: str(value) for column, value in row.items()}):
            points.setdefault(key, set()).add(point)
        self._log(points)

    def _log(self, points: dict[str, set[run_record.Point]]) -> None:
        from mlflow.exceptions import MlflowException

        if self._sampler is not None:
            self._sampler.save()  # first: whatever is on the board has to be in the record too
        for timestamp, name, value, step in self._sampler.new_samples() if self._sampler else []:
            points.setdefault(name, set()).add((step, timestamp, value))
        if self._run_id is None or not self._live_logging:
            return
        try:
            board.log_points(store.client(), self._run_id, points)
        except MlflowException as error:
            self._live_logging = False
            print(f"live curves stop here: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)

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
        self._log({})

    def finalize(self, folder: Path) -> str | None:
        """Complete the run from the folder in its final place, and remove the training's record.

        Returns:
            MLflow's id of the run.
        """
        run_id = board.ensure_run(folder)
        self._terminated = True
        self._lock.finish()
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
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        try:
            self._terminate("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", reason)
        finally:
            self._lock.release()

    def _write_run_json(self, folder: Path) -> None:
        values = {key: self._run[key] for key in _RUN_JSON_KEYS if key in self._run}
        files.write_json(folder / "run.json", values)

    def _terminate(self, status: str, reason: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            if self._run_id is not None:
                terminate(self._run_id, status, " ".join(reason.split())[:500])
        except (MlflowException, OSError) as failure:  # the first error is the one to show
            message = str(failure).splitlines()[0]
            print(f"the run could not be marked {status}: {message}", file=sys.stderr, flush=True)


def summary(facts: Mapping[str, Any]) -> str:
    """Result of a training in a few words."""
    if facts["kind"] == "rule":
        return "statistical model, nothing to train"
    if facts["kind"] == "estimator":
        return f"fitted, {facts['parameters']:,} parameters, {facts['train_seconds']:.1f} s"
    return f"{facts['parameters']:,} parameters, best epoch {facts['best_epoch']}, {facts['train_seconds']:.1f} s"


def terminate(run_id: str, status: str, reason: str) -> None:
    """Set an unfinished run to FAILED or KILLED, with the reason as a tag."""
    with store.lock():
        client = store.client()
        client.set_tag(run_id, store.FAILURE, reason)
        run_tags = client.get_run(run_id).data.tags
        for key in store.PROCESS:
            if key in run_tags:
                client.delete_tag(run_id, key)
        client.set_terminated(run_id, status)


def is_alive(process_tags: Mapping[str, str]) -> bool:
    """Whether the process of an unfinished run may still exist. One on another host always may."""
    host, pid, started = (process_tags.get(key, "") for key in store.PROCESS)
    if host != socket.gethostname():
        return True
    import psutil

    try:
        return abs(psutil.Process(int(pid)).create_time() * 1000 - float(started)) < 2000
    except (psutil.NoSuchProcess, ValueError):
        return False


def _process_tags() -> dict[str, str]:
    import psutil

    started = str(int(psutil.Process().create_time() * 1000))
    return dict(zip(store.PROCESS, (socket.gethostname(), str(os.getpid()), started), strict=True))


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
