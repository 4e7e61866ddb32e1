"""One trial in a process of its own, on any machine.

    python -m strokecast.tuning.trial_process '{"task": "classify", ...}'    # see `TrialJob`

It prints its progress and its score as marked lines, which `read_events` reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from strokecast.common import environment, signals
from strokecast.common.errors import UserError
from strokecast.models.common.search_space import Value
from strokecast.params import Params
from strokecast.training.guards import TrainingError
from strokecast.tuning.objective import Objective

_MARK = b"strokecast-trial: "


@dataclass(frozen=True)
class TrialJob:
    """The trial, and what all trials have in common.

    Attributes:
        settings: `params.yaml` as it was when the search began.
        task: of the model.
        name: of the model.
        epochs: of each trial instead of the recipe's; None: those of the recipe.
        folds: rolling origins of a forecaster.
        digest: of the processed data that the search began with.
        values: of the trial: `config.<key>` or `training.<key>` → value.
    """

    settings: Mapping[str, Any]
    task: str
    name: str
    epochs: int | None
    folds: int
    digest: str
    values: Mapping[str, Value]

    def to_json(self) -> str:
        """The argument of the process."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Event:
    """One marked line.

    Attributes:
        kind: `epoch`, `report`, `score`, `failed` or `user_error`.
        value: a row of the history; the step and the score so far; the score; the message of a `TrainingError`, or of
            another `UserError`.
    """

    kind: str
    value: Any


def read_events(output: bytes) -> Iterator[Event]:
    """The events in complete lines of the output of the process; other lines, and lines cut by its death, are passed over."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            try:
                kind, value = json.loads(line.removeprefix(_MARK))
            except ValueError:  # cut: the process was killed, and the trial runs again from its beginning
                continue
            yield Event(kind, value)


def _print_event(kind: str, value: Any) -> None:
    """Print an event on a new line, because a killed process may have left an incomplete one in the same file."""
    line = b"\n" + _MARK + json.dumps([kind, value]).encode() + b"\n"
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main(argument: str) -> None:
    """Train and print the events.

    Args:
        argument: from `TrialJob.to_json`.

    Raises:
        SystemExit: 130 on SIGINT, 143 on SIGTERM.
    """
    environment.quiet()
    job = TrialJob(**json.loads(argument))
    try:
        with signals.handled_by(signals.raise_interrupted):
            _print_event("score", _train(job))
    except TrainingError as error:
        _print_event("failed", str(error))
    except UserError as error:
        _print_event("user_error", str(error))
    except signals.Interrupted as error:
        raise SystemExit(128 + error.number) from None


def _train(job: TrialJob) -> float:
    settings = Params.model_validate(job.settings)
    with Objective(settings, job.task, job.name, job.epochs, job.folds) as objective:
        if objective.spec["digest"] != job.digest:
            raise UserError(
                "the processed data have changed since the search began",
                location=f"data/processed/{job.task}",
                fix="start the search again with another --name",
            )
        return objective.train(
            job.values,
            lambda step, score: _print_event("report", [step, score]),
            lambda row: _print_event("epoch", dict(row)),
        )


if __name__ == "__main__":
    main(sys.argv[1])
