"""A training on the board while it runs, and what it leaves in its folder.

with live.begin(...) as training:
    facts = train_network(..., on_epoch=training.epoch)
    training.finish(folder, facts)
# the folder is renamed into place
training.settle(folder)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from strokecast import files, paths
from strokecast.tracking import board as boards
from strokecast.tracking import row as rows
from strokecast.tracking import store

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from strokecast.tracking.system import Sampler


def begin(
    task: str,
    name: str,
    seed: int,
    below: str,
    config: Mapping[str, Any],
    recipe: Mapping[str, Any] | None,
    spec: Mapping[str, Any],
) -> Training:
    """Prepare a training; used as a context, it is on the board as RUNNING.

    A training that was killed and is begun again keeps its training_id, and its new run takes
    the place of the unfinished one. If another process trains the very same thing at this
    moment, this one gets an id of its own.

    Args:
        task: of `strokecast.params.TASKS`.
        name: the architecture.
        seed: of this training.
        below: its folder below `models/<task>/<name>`: "" for the first seed, `seed-<n>` for another.
        config: all fields of the architecture's config, as JSON values.
        recipe: all fields of the recipe, as JSON values; None for a rule.
        spec: `spec.json` of the processed data.
    """
    told = {
        "task": task,
        "name": name,
        "seed": seed,
        "config": dict(config),
        "training": recipe and dict(recipe),
    }
    key = hashlib.sha256(json.dumps([told, spec["digest"]], sort_keys=True).encode()).hexdigest()[:32]
    training_id, guard = _claim(key)
    run = {
        "training_id": training_id,
        "task": task,
        "name": name,
        "seed": seed,
        "status": "running",
        "started_ms": _now(),
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!dvc.lock")),
        "dvc_stage": os.environ.get("DVC_STAGE"),
        "dvc_exp_name": os.environ.get("DVC_EXP_NAME"),
        "dataset": {"name": _dataset_name(spec), "digest": spec["digest"], "source": spec["source"]},
        "kind": "rule" if recipe is None else "network",
    }
    return Training(run, told, spec, f"{name}-{below.replace('-', '')}" if below else name, key, guard)


def summary(facts: Mapping[str, Any]) -> str:
    """What came out of a training, in a few words."""
    if facts["kind"] == "rule":
        return "a rule, nothing to train"
    return f"{facts['parameters']:,} parameters, best epoch {facts['best_epoch']}, {facts['train_seconds']:.1f} s"


class Training:
    """A begun training: its id, its run on the board, its system metrics."""

    def __init__(
        self,
        run: dict[str, Any],
        told: Mapping[str, Any],
        spec: Mapping[str, Any],
        run_name: str,
        key: str,
        guard: BaseFileLock | None,
    ) -> None:
        self._run, self._told, self._spec, self._name = run, told, spec, run_name
        self._key, self._guard = key, guard
        self._run_id: str | None = None
        self._sampler: Sampler | None = None
        self._settled = self._mute = False

    @property
    def training_id(self) -> str:
        """The id that `run.json` and the board know this training by."""
        return str(self._run["training_id"])

    def __enter__(self) -> Self:
        from strokecast.tracking.system import Sampler

        store.initialise()
        run = self._run
        with store.lock():
            board = store.client()
            for earlier in boards.active_runs(board, run["task"], self.training_id):
                boards.supersede(board, earlier)
            tags = rows.tags(run) | _process() | {"mlflow.runName": self._name}
            params = rows.params(self._told, self._spec, run["kind"])
            data = rows.dataset(run["dataset"], self._spec)
            made = boards.create(board, run["task"], self._name, run["started_ms"], tags, params, data)
        self._run_id = made.info.run_id
        self._sampler = Sampler()
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

        curves.draw(folder / "history.csv", folder / "curves.png", f"{self._run['task']}: {self._name}")
        pyfunc.save(folder, self._run)
        self._log({})

    def settle(self, folder: Path) -> str | None:
        """Complete the run from the folder in its final place and let go of the training's id.

        Returns:
            MLflow's id of the run.
        """
        run_id = boards.ensure_run(folder)
        self._settled = True
        if self._guard is not None:
            shutil.rmtree(_records() / self._key, ignore_errors=True)
        self._release()
        return run_id

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sampler is not None:
            self._sampler.stop()
        if error is None or self._settled:
            return
        from mlflow.exceptions import MlflowException

        try:
            if self._run_id is not None:
                status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
                end(self._run_id, status, " ".join(f"{type(error).__name__}: {error}".split())[:500])
        except (MlflowException, OSError) as failure:  # the first error is the one to show
            print(f"the board could not be told: {str(failure).splitlines()[0]}", file=sys.stderr, flush=True)
        finally:
            self._release()

    def _release(self) -> None:
        if self._guard is not None:
            self._guard.release()


_ORDER = (
    *(
        "training_id",
        "task",
        "name",
        "seed",
        "status",
        "started_ms",
        "ended_ms",
        "parameters",
        "train_seconds",
    ),
    *("best_epoch", "examples_per_second", "device", "git_commit", "git_dirty", "dvc_stage", "dvc_exp_name"),
    *("dataset", "kind"),
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


def _records() -> Path:
    return paths.board_root() / ".strokecast" / "trainings"


def _claim(key: str) -> tuple[str, BaseFileLock | None]:
    """The training_id for `key`: that of a killed training, or a new one; the lock held meanwhile."""
    from filelock import FileLock, Timeout

    _records().mkdir(parents=True, exist_ok=True)
    guard = FileLock(str(_records() / f"{key}.lock"))
    try:
        guard.acquire(timeout=0)
    except Timeout:
        return str(uuid.uuid4()), None
    record = _records() / key / "run.json"
    try:
        return str(files.read_json(record)["training_id"]), guard
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        fresh = str(uuid.uuid4())
        files.write_json(record, {"training_id": fresh})
        return fresh, guard


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
