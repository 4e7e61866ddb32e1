"""The process of one trial: its events, and what is read from an output that was cut."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from strokecast.params import Params
from strokecast.training.guards import TrainingError
from strokecast.tuning import trial_process
from strokecast.tuning.trial_process import Event, TrialJob, read_events

JOB = TrialJob(Params().model_dump(mode="json"), "classify", "gru", 2, 3, "digest", {"config.units": 8})


class OtherData:
    """An objective whose data are not those of the search."""

    spec: ClassVar = {"digest": "another"}

    def __init__(self, settings: Params, *arguments: Any) -> None:
        assert settings == Params()
        assert arguments == ("classify", "gru", 2, 3)

    def __enter__(self) -> OtherData:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class SameData(OtherData):
    """One that trains two epochs."""

    spec: ClassVar = {"digest": "digest"}

    def train(self, values: Any, report: Any, on_epoch: Any) -> float:
        assert values == {"config.units": 8}
        for epoch, score in ((1, 0.25), (2, 0.5)):
            on_epoch({"epoch": epoch, "valid_accuracy": score})
            report(epoch, score)
        return 0.75


def test_lines_say_how_the_trial_goes(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    monkeypatch.setattr(trial_process, "Objective", SameData)
    trial_process.main(JOB.to_json())
    output = b"a warning of TensorFlow" + capfdbinary.readouterr().out
    assert [(event.kind, event.value) for event in read_events(output)] == [
        ("epoch", {"epoch": 1, "valid_accuracy": 0.25}),
        ("report", [1, 0.25]),
        ("epoch", {"epoch": 2, "valid_accuracy": 0.5}),
        ("report", [2, 0.5]),
        ("score", 0.75),
    ]
    marked = next(line for line in output.splitlines() if b"report" in line)
    assert list(read_events(marked[:-4] + output)) == list(read_events(output)), (
        "a cut line costs the next one"
    )


def test_mistakes_and_failed_trainings_are_events(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    def fail(*arguments: Any) -> float:
        raise TrainingError("the loss is nan", location="models.classify.gru")

    monkeypatch.setattr(trial_process, "Objective", OtherData)
    trial_process.main(JOB.to_json())
    monkeypatch.setattr(trial_process, "Objective", SameData)
    monkeypatch.setattr(SameData, "train", fail)
    trial_process.main(JOB.to_json())
    refused, failed = read_events(capfdbinary.readouterr().out)
    assert refused.kind == "user_error"
    assert "data/processed/classify: the processed data have changed since the search began" in refused.value
    assert failed == Event("failed", "models.classify.gru: the loss is nan")


def test_the_argument_is_plain_json() -> None:
    assert TrialJob(**json.loads(JOB.to_json())) == JOB
