"""A task without an enabled model is skipped by every stage, by `strokecast repro` and by `dvc repro`; the others go on."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def _tasks_on_the_leaderboard(project: Any) -> set[str]:
    with (project.root / "reports/leaderboard.csv").open() as file:
        return {row["task"] for row in csv.DictReader(file)}


def test_tasks_are_switched_off_and_on_again(project: Any) -> None:
    def switch_off(values: Any) -> None:
        values["models"]["watch"]["frame_average"]["enabled"] = False
        values["models"]["draw"] = {}
        del values["models"]["classify"]

    def damage_what_is_not_needed(values: Any) -> None:
        values["features"]["watch"]["by"] = "time"  # the source does not record it

    before = (project.root / "params.yaml").read_text()
    board = project.board()
    assert _tasks_on_the_leaderboard(project) == {"classify", "watch", "draw", "forecast"}
    project.edit_params(switch_off)
    project.edit_params(damage_what_is_not_needed)
    output = project.run("strokecast", "repro").stdout
    assert "skipped, because no model is enabled: classify, watch, draw" in output
    assert "[preprocess@watch] skipped: no model of watch is enabled" in output
    assert _tasks_on_the_leaderboard(project) == {"forecast"}
    assert project.board().keys() == board.keys(), "runs of earlier trainings stay"
    metrics = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    assert not [name for name in metrics if name.startswith("reports/watch/") and metrics[name]["data"]]
    assert metrics["reports/forecast/metrics/linear.json"]["data"]
    assert project.repro() == ["sync"]

    (project.root / "params.yaml").write_text(before)
    project.run("strokecast", "repro")
    assert _tasks_on_the_leaderboard(project) == {"classify", "watch", "draw", "forecast"}
    assert project.board().keys() == board.keys(), "trained once"


def test_a_mistake_in_params_yaml_deletes_nothing(project: Any) -> None:
    def outputs() -> set[str]:
        folders = ("data", "models", "reports")
        return {str(path) for folder in folders for path in (project.root / folder).rglob("*")}

    before = outputs()
    project.edit_params(lambda values: values["features"].update(wach={}))
    assert "did you mean 'watch'?" in project.run("dvc", "repro", check=False).stderr
    assert outputs() == before
