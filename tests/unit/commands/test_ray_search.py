"""The events of a trial on a cluster, and its end."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from click.testing import CliRunner

from strokecast.commands import ray_search
from strokecast.commands.cli import main
from strokecast.common.errors import UserError
from strokecast.training.guards import TrainingError


class Trial:
    """The events of a trial, and what they were passed on as."""

    def __init__(self) -> None:
        self.steps: list[Any] = []
        self.epochs: list[int] = []
        self.events = ray_search._Events(
            lambda step, score: self.steps.append((step, score)), lambda row: self.epochs.append(row["epoch"])
        )

    def print(self, *events: Any) -> None:
        lines = [f"strokecast-trial: {json.dumps(event)}\n" for event in events]
        self.events.handle("".join(lines).encode())


def test_a_retry_reports_no_step_twice() -> None:
    trial = Trial()
    first = [["epoch", {"epoch": 1}], ["report", [1, 0.5]], ["epoch", {"epoch": 2}], ["report", [2, 0.6]]]
    trial.print(*first[:3])
    trial.print(*first, ["score", 0.7])
    assert trial.steps == [(1, 0.5), (2, 0.6)]
    assert trial.epochs == [1, 2]
    assert trial.events.score(0, "models.classify.gru") == 0.7


@pytest.mark.parametrize(
    ("event", "code", "error", "message"),
    [
        (["failed", "the loss is nan"], 0, TrainingError, "^the loss is nan$"),
        (["user_error", "a wrong file"], 0, UserError, "^a wrong file$"),
        (["report", [1, 0.5]], -signal.SIGKILL, TrainingError, "models.classify.gru: its process was ended by SIGKILL"),
    ],
)  # fmt: skip
def test_a_trial_that_gives_no_score(event: Any, code: int, error: type[Exception], message: str) -> None:
    trial = Trial()
    trial.print(event)
    with pytest.raises(error, match=message) as caught:
        trial.events.score(code, "models.classify.gru")
    assert type(caught.value) is error


def test_a_node_that_cannot_train_ends_the_search_with_its_last_line() -> None:
    trial = Trial()
    trial.events.handle(b"Traceback\nModuleNotFoundError: No module named 'optuna'\n\n")
    with pytest.raises(
        UserError, match=r"exit code 1: ModuleNotFoundError.*; check that all nodes"
    ) as caught:
        trial.events.score(1, "models.classify.gru")
    assert not isinstance(caught.value, TrainingError), "it would count as one of the trials"


def test_jobs_need_a_cluster(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "params.yaml").touch()
    monkeypatch.chdir(tmp_path)
    command = ["tune", "--task", "classify", "--model", "gru"]
    result = CliRunner().invoke(main, [*command, "--jobs", "2"])
    assert result.exit_code == 1
    assert (
        "error: --jobs: a search on this machine runs one trial at a time; add --executor ray"
        in result.output
    )
