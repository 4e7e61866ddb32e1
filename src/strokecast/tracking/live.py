"""A training on the board while it runs, and what it leaves in its folder.

with TrackedRun.begin(job, spec) as run:
    facts = train_network(job, ..., on_epoch=run.epoch, checkpoint_dir=run.record)
    run.finish(folder, facts)
# the folder is renamed into place
run.settle(job.model_dir)
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
from strokecast.tracking import board as boards
from strokecast.tracking import claim as claims
from strokecast.tracking import row as rows
from strokecast.tracking import store
from strokecast.training.job import TrainingJob

if TYPE_CHECKING:
    from mlflow.entities import Run

    from strokecast.tracking.system import Sampler


def summary(facts: Mapping[str, Any]) -> str:
    """What came out of a training, in a few words."""
    if facts["kind"] == "rule":
        return "a rule, nothing to train"
    if facts["kind"] == "estimator":
        return f"fitted, {facts['parameters']:,} numbers, {facts['train_seconds']:.1f} s"
    return f"{facts['parameters']:,} parameters, best epoch {facts['best_epoch']}, {facts['train_seconds']:.1f} s"


class TrackedRun:
    """A training and its MLflow run: id, live curves, system metrics, run.json.

    Used as a context, the run is RUNNING on the board.
    """

    def __init__(self, job: TrainingJob, spec: Mapping[str, Any], claim: claims.Claim) -> None:
        self._job, self._spec, self._claim = job, spec, claim
        self._run: dict[str, Any] = {
            "training_id": claim.training_id,
            "task": job.task,
            "name": job.name,
            "seed": job.seed,
            "status": "running",
            "started_ms": claim.started_ms,
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
        self._settled = self._mute = False

    @classmethod
    def begin(cls, job: TrainingJob, spec: Mapping[str, Any]) -> Self:
        """Start a training, or resume an unfinished one with the same `resume_key`.

        A resumed training keeps its training_id, its checkpoints and its MLflow run. Without a checkpoint it
        starts over in a new run. If another process trains the same job at this moment, this training gets a
        training_id of its own.

        Args:
            job: the training.
            spec: `spec.json` of the processed data.
        """
        return cls(job, spec, claims.take(job.resume_key))

    @property
    def training_id(self) -> str:
        """The id that `run.json` and the board know this training by."""
        return self._claim.training_id

    @property
    def record(self) -> Path | None:
        """Folder for what the training can go on from; None: nowhere."""
        return self._claim.folder

    def __enter__(self) -> Self:
        from strokecast.tracking.system import Sampler

        store.initialise()
        run = self._run
        with store.lock():
            board = store.client()
            begun: Run | None = None
            for earlier in boards.active_runs(board, run["task"], self.training_id):
                if begun is None and boards.goes_on(earlier, run["started_ms"], self._claim.resumable):
                    begun = earlier
                else:
                    boards.supersede(board, earlier)
            if begun is not None:
                boards.go_on(board, begun, _process())
            else:
                tags = rows.tags(run) | _process() | {"mlflow.runName": self._job.label}
                params = rows.params(self._job.to_json(), self._spec, run["kind"])
                data = rows.dataset(run["dataset"], self._spec)
                begun = boards.create(
                    board, run["task"], self._job.label, run["started_ms"], tags, params, data
                )
        self._run_id = begun.info.run_id
        self._sampler = Sampler(self.record and self.record / claims.SYSTEM)
        return self

    def epoch(self, line: Mapping[str, float | int]) -> None:
        """Log one line of the history, and the system metrics since the one before.

        If the board cannot be written, the training goes on, and `settle` logs what is missing.
        """
        points: dict[str, set[rows.Point]] = {}
        for key, point in rows.curve_points({column: str(value) for column, value in line.items()}):
            points.setdefault(key, set()).add(point)
        self._log(points)

    def _log(self, points: dict[str, set[rows.Point]]) -> None:
        from mlflow.exceptions import MlflowException

        if self._sampler is not None:
            self._sampler.keep()  # first: what is on the board shall be in the record too
        for timestamp, name, value, step in self._sampler.fresh() if self._sampler else []:
            points.setdefault(name, set()).add((step, timestamp, value))
        if self._run_id is None or self._mute:
            return
        try:
            boards.log_points(store.client(), self._run_id, points)
        except MlflowException as error:
            self._mute = True
            print(f"live curves stop here: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)

    def finish(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write run.json, system.csv, curves.png and pyfunc/ beside the trained model in `folder`."""
        assert self._sampler is not None, "begin() is a context"
        self._sampler.stop()
        self._sampler.write(folder / "system.csv")
        self._run |= {"status": "finished", "ended_ms": _now(), **facts}
        files.write_json(folder / "run.json", {key: self._run[key] for key in _ORDER if key in self._run})
        from strokecast.tracking import curves, pyfunc

        curves.draw(folder / "history.csv", folder / "curves.png", f"{self._run['task']}: {self._job.label}")
        pyfunc.save(folder, self._run)
        self._log({})

    def settle(self, folder: Path) -> str | None:
        """Complete the run from the folder in its final place and let go of the training's id.

        Returns:
            MLflow's id of the run.
        """
        run_id = boards.ensure_run(folder)
        self._settled = True
        self._claim.finished()
        return run_id

    def give_up(self, folder: Path, reason: str) -> None:
        """Mark a training that broke FAILED, and leave nothing but a run.json that says why in `folder`.

        Its record is kept: its last good checkpoint is there.
        """
        if self._sampler is not None:
            self._sampler.stop()
        self._run |= {"status": "failed", "reason": reason, "ended_ms": _now()}
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
        files.write_json(folder / "run.json", {key: self._run[key] for key in _ORDER if key in self._run})
        self._tell("FAILED", reason)
        self._settled = True
        self._claim.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sampler is not None:
            self._sampler.stop()
        if error is None or self._settled:
            return
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        try:
            self._tell("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", reason)
        finally:
            self._claim.release()

    def _tell(self, status: str, reason: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            if self._run_id is not None:
                end(self._run_id, status, " ".join(reason.split())[:500])
        except (MlflowException, OSError) as failure:  # the first error is the one to show
            print(f"the board could not be told: {str(failure).splitlines()[0]}", file=sys.stderr, flush=True)


_ORDER = (
    *(
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
    ),
    *("best_epoch", "examples_per_second", "device", "git_commit", "git_dirty", "dvc_stage", "dvc_exp_name"),
    *("jobs", "dataset", "kind"),
)


def end(run_id: str, status: str, reason: str) -> None:
    """Mark an unfinished run FAILED or KILLED, with the reason as a tag."""
    with store.lock():
        board = store.client()
        board.set_tag(run_id, store.FAILURE, reason)
        present = board.get_run(run_id).data.tags
        for key in store.PROCESS:
            if key in present:
                board.delete_tag(run_id, key)
        board.set_terminated(run_id, status)


def alive(process: Mapping[str, str]) -> bool:
    """Whether the process of an unfinished run may still be there: one of another host always may."""
    host, pid, started = (process.get(key, "") for key in store.PROCESS)
    if host != socket.gethostname():
        return True
    import psutil

    try:
        return abs(psutil.Process(int(pid)).create_time() * 1000 - float(started)) < 2000
    except (psutil.NoSuchProcess, ValueError):
        return False


def _process() -> dict[str, str]:
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


def _now() -> int:
    return time.time_ns() // 1_000_000
