"""The trainings of a run start with the longest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strokecast import params
from strokecast.commands import stage_order


def test_the_longest_trainings_start_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {
        "forecast": ("ridge", "linear", "gru"),
        "classify": ("logistic", "lstm"),
        "watch": ("conv3d",),
    }
    models = {task: {name: {"enabled": name != "lstm"} for name in some} for task, some in names.items()}
    settings = params.parse({"models": models, "draw": {"judge": "logistic"}})
    for name, seeds in {"ridge": [2.0], "gru": [30.0, 40.0], "logistic": [0.5]}.items():
        task = "classify" if name == "logistic" else "forecast"
        for seed, seconds in enumerate(seeds):
            record = tmp_path / f"models/{task}/{name}/seed-{seed}/run.json"
            record.parent.mkdir(parents=True)
            record.write_text(json.dumps({"train_seconds": seconds}))
    (tmp_path / "models/classify/logistic/seed-0/run.json").write_text("{")
    trainings = [f"train-{task}@{name}" for task, some in names.items() for name in some]
    needs = {stage: frozenset({"code"}) for stage in (*trainings, "evaluate-classify", "code")}
    ordered = stage_order.longest_first(needs, settings)
    assert ordered == needs
    assert [*ordered] == [
        *("evaluate-classify", "code"),
        "train-watch@conv3d",
        *("train-forecast@linear", "train-forecast@gru", "train-forecast@ridge"),
        *("train-classify@logistic", "train-classify@lstm"),
    ]
    assert stage_order.switched_off(settings) == {"train-classify@lstm"}
