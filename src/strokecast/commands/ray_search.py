"""The trials of `strokecast tune --executor ray`: each is a task of a Ray cluster, on any node; the study stays here.

A trial whose node dies starts again on another one with the same values. Steps that the retry repeats are dropped, so the
study sees every step once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.commands import ray_cluster
from strokecast.commands.ray_task import POLL_SECONDS, output_file, run_command
from strokecast.common import signals
from strokecast.common.errors import UserError
from strokecast.models.common.search_space import Value
from strokecast.params import Params
from strokecast.training.guards import TrainingError
from strokecast.tuning.objective import Objective, OnEpoch, Report
from strokecast.tuning.trial_process import Event, TrialJob, read_events

_ENDED_BY_SIGNAL = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # exit codes of `trial_process`
_CANCEL_SECONDS = 60.0  # in which a trial that is stopped ends on its node


class RayObjective(Objective):
    """An `Objective` whose trials train on a cluster. As a context manager, it ends the connection.

    Args:
        settings, task, name, epochs, folds: see `Objective`.
        address: of the cluster.

    Raises:
        UserError: if the data are not processed, the cluster does not answer, or a node does not see the project.
    """

    def __init__(
        self, settings: Params, task: str, name: str, epochs: int | None, folds: int, address: str
    ) -> None:
        super().__init__(settings, task, name, epochs, folds)
        self._ray = ray_cluster.connect(address)
        self.cluster = ray_cluster.inspect(self._ray, address)

    def __enter__(self) -> RayObjective:
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def train(self, values: Mapping[str, Value], report: Report, on_epoch: OnEpoch) -> float:
        """See `Objective.train`. Several threads may call it. It ends by `Interrupted` soon after `stopped` is set.

        Raises:
            TrainingError: also if the process of the trial is killed, or takes more memory than its node has.
        """
        job = TrialJob(
            self._settings.model_dump(mode="json"),
            self.task,
            self.name,
            self._epochs,
            self._folds,
            self.spec["digest"],
            values,
        )
        command = [sys.executable, "-m", "strokecast.tuning.trial_process", job.to_json()]
        resources = self._settings.runtime.ray.train.model_dump()
        events = _Events(report, on_epoch)
        with output_file() as output:
            task = self._ray.remote(run_command).options(
                name=f"tune-{self.task}@{self.name}", max_retries=ray_cluster.MAX_RETRIES, **resources
            )
            result = task.remote(command, str(Path.cwd()), dict(os.environ), str(output.path))
            try:
                while not self._ray.wait([result], timeout=POLL_SECONDS)[0]:
                    events.handle(output.new_lines())
                    if self.stopped.is_set():
                        raise signals.Interrupted(signal.SIGINT)
                code = self._code(result)
                events.handle(output.new_lines())
            except BaseException:  # a pruned trial too: what it computes is not needed any more
                self._cancel(result)
                raise
        return events.score(code, f"models.{self.task}.{self.name}")

    def _code(self, result: Any) -> int:
        """The exit code of a trial that has ended."""
        errors = self._ray.exceptions
        try:
            return int(self._ray.get(result))
        except errors.OutOfMemoryError as error:
            raise TrainingError(
                ray_cluster.message(error), location=f"models.{self.task}.{self.name}"
            ) from None
        except errors.RayError as error:
            raise UserError(
                f"the cluster lost a trial: {ray_cluster.message(error)}",
                location=f"models.{self.task}.{self.name}",
                fix="check the nodes (`ray status`); the same command goes on with the search",
            ) from None

    def _cancel(self, result: Any) -> None:
        deadline = time.monotonic() + _CANCEL_SECONDS
        with contextlib.suppress(self._ray.exceptions.RayError):  # the reason of the end is the error to show
            self._ray.cancel(result)
            while time.monotonic() < deadline and not self._ray.wait([result], timeout=POLL_SECONDS)[0]:
                pass


class _Events:
    """Passes on what a trial reports, each step and each epoch once."""

    def __init__(self, report: Report, on_epoch: OnEpoch) -> None:
        self._report, self._on_epoch = report, on_epoch
        self._step = self._epoch = -1
        self._last: Event | None = None
        self._line = ""

    def handle(self, output: bytes) -> None:
        """Handle further complete lines of the trial's output."""
        if plain := [line for line in output.decode(errors="replace").splitlines() if line.strip()]:
            self._line = plain[-1]
        for event in read_events(output):
            self._last = event
            if event.kind == "epoch" and int(event.value["epoch"]) > self._epoch:
                self._epoch = int(event.value["epoch"])
                self._on_epoch(event.value)
            elif event.kind == "report" and event.value[0] > self._step:
                self._step = event.value[0]
                self._report(*event.value)

    def score(self, code: int, location: str) -> float:
        """The score of a trial that has ended.

        Args:
            code: exit code of its process, negative for a signal.
            location: of the model in params.yaml.

        Raises:
            TrainingError: if it could not train with its values, or was killed.
            UserError: if it could not train at all.
        """
        last = self._last or Event("", None)
        kind, value = last.kind, last.value
        if kind == "score":
            return float(value)
        if code == 0 and kind == "failed":
            raise TrainingError(value)
        if code == 0 and kind == "user_error":
            raise UserError(value)
        if code < 0 or code in _ENDED_BY_SIGNAL:
            name = signal.Signals(-code if code < 0 else code - 128).name
            raise TrainingError(f"its process was ended by {name}", location=location)
        raise UserError(
            f"the process of a trial ended with exit code {code}: {self._line}",
            location=location,
            fix="check that all nodes have the same version of strokecast and of its requirements",
        )
