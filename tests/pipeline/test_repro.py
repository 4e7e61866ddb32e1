"""`dvc repro` runs the complete pipeline; after an edit it reruns only the stages that depend on it."""

from __future__ import annotations

import ast
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.paths import CODE, MODELS


def test_the_leaderboard_has_every_model_of_every_task(built: Any) -> None:
    rows = (built.root / "reports/leaderboard.csv").read_text().splitlines()
    for name in built.models:
        assert any(name in row for row in rows[1:]), f"{name} is missing from the leaderboard"
    board = built.board()
    assert set(board) == built.training_ids()
    assert len(board) == len(built.models)


def test_a_second_repro_runs_only_sync(project: Any) -> None:
    project.repro()  # DVC hashes every file of a new copy once
    started = time.monotonic()
    assert project.repro() == ["sync"]
    assert time.monotonic() - started < 15  # a loose limit: takes less than 5 s on an idle machine


def test_stages_import_only_what_they_depend_on(built: Any) -> None:
    deps = {}
    lock = built.lock()
    for name, stage in lock.items():
        deps[name] = [built.root / dep["path"] for dep in stage.get("deps", [])]
        for digests in [dep for dep in deps[name] if dep.parent == built.root / CODE]:
            deps[name] += [built.root / place for place in json.loads(digests.read_text())["places"]]
    logs = {path.stem: json.loads(path.read_text()) for path in built.imports.glob("*.json")}
    assert set(logs) == set(lock), "every stage recorded its imports"
    for name, log in logs.items():
        files = [Path(file) for file in log["files"]]
        assert files, f"{name} imported nothing of strokecast"
        for file in files:
            assert file.is_relative_to(built.root), f"{name} imported {file} from outside the project"
            if name == "sync":  # always runs, so it needs no deps
                continue
            if file.name == "__init__.py" and _is_docstring(file):
                continue
            if name == "evaluate-draw" and file.parent.name == "classify" and file.stem == "logistic":
                continue  # the judge's module: an edit retrains the judge, which changes models/judge, a dep
            covered = any(file == dep or dep in file.parents for dep in deps[name])
            assert covered, f"{name} imports {file.relative_to(built.root)}, which its deps do not cover"


def _is_docstring(path: Path) -> bool:
    """Whether an `__init__.py` holds only a docstring, so that an edit cannot change an outcome."""
    body = ast.parse(path.read_text()).body
    return len(body) == 1 and isinstance(body[0], ast.Expr)


@pytest.mark.slow  # runs each stage in a process of its own
def test_stages_without_networks_do_not_import_tensorflow(project: Any) -> None:
    light = ("params", "download@series", "validate@series", "judge", "compare", "sync")
    for name in (*light, "train-forecast@seasonal_naive_7", "train-classify@logistic"):
        project.run("dvc", "repro", "--force", "--single-item", name)
        assert not json.loads((project.imports / f"{name}.json").read_text())["tensorflow"], name


@pytest.mark.slow
def test_an_edit_reruns_its_dependents_and_undoing_it_uses_the_run_cache(project: Any) -> None:
    before = project.board()
    dependents = ["params", "train-classify@gru", "judge", "evaluate-classify", "compare", "sync"]

    project.edit_params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=9))
    assert project.repro() == dependents
    project.edit_params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=8))
    assert project.repro() == ["params", "sync"], "all other stages come from the run cache"
    board = project.board()
    assert project.training_ids() <= set(board)
    assert len(board) == len(project.models) + 1, "those of the workspace and the one with 9 units"
    assert {k: board[k] for k in before} == before

    source = project.root / "src/strokecast" / MODELS / "classify/gru.py"
    text = source.read_text()
    source.write_text(text + "\n# a comment\n")
    assert project.repro() == ["params", "code", *dependents[1:]]
    source.write_text(text)
    assert project.repro() == ["params", "sync"]
    board = project.board()
    assert {k: board[k] for k in before} == before


@pytest.mark.slow
def test_adding_a_key_at_its_default_or_deleting_it_reruns_nothing(project: Any) -> None:
    project.edit_params(lambda values: values["features"]["forecast"].update(embargo=0))
    assert project.repro() == ["params", "sync"]
    project.edit_params(lambda values: values["features"]["forecast"].pop("horizon"))
    assert project.repro() == ["params", "sync"]
    project.edit_params(
        lambda values: [values["features"]["forecast"].pop(key) for key in ("input_size", "valid_from")]
    )
    assert project.repro() == ["params", "sync"]


@pytest.mark.slow
def test_another_judge_reruns_only_the_evaluation_of_draw(project: Any) -> None:
    project.edit_params(lambda values: values["draw"].update(judge="gru"))
    assert project.repro() == ["params", "judge", "evaluate-draw", "compare", "sync"]
    summary = json.loads((project.root / "reports/draw/summary.json").read_text())
    assert summary["judge"] == "gru"
    project.edit_params(lambda values: values["draw"].update(judge="no_such_model"))
    result = project.run("strokecast", "check", check=False)
    assert result.returncode == 1
    assert "draw.judge" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_dvc_shows_metrics_params_and_plots(project: Any) -> None:
    metrics = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    assert 0 <= metrics["reports/classify/metrics/gru.json"]["data"]["accuracy"] <= 1
    assert metrics["reports/forecast/metrics/linear.json"]["data"]["mae"] > 0
    assert len({key for entry in metrics.values() for key in entry["data"]}) <= 25

    project.edit_params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=12))
    diff = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    assert diff["params.yaml"]["models.classify.gru.config.units"] == {"old": 8, "new": 12, "diff": 4}
    project.repro()
    changed = json.loads(project.run("dvc", "metrics", "diff", "--json").stdout)
    assert "accuracy" in changed["reports/classify/metrics/gru.json"]
    page = project.run("dvc", "plots", "show", "-o", "plots-page").stdout
    html = Path(re.sub(r"^file://", "", page.strip().splitlines()[-1]))
    text = html.read_text()
    for word in ("confusion", "valid", "actual"):
        assert word in text


@pytest.mark.slow
def test_a_model_that_is_switched_off_is_reported_and_leaves_the_leaderboard(project: Any) -> None:
    project.edit_params(lambda values: values["models"]["classify"]["gru"].update(enabled=False))
    output = project.run("dvc", "repro").stdout
    assert "gru" in output
    rows = (project.root / "reports/leaderboard.csv").read_text()
    assert "gru" not in rows
    project.edit_params(lambda values: values["models"]["classify"]["gru"].update(enabled=True))
    assert project.repro() == ["params", "sync"], "everything else comes back from the run cache"
    assert "gru" in (project.root / "reports/leaderboard.csv").read_text()


@pytest.mark.slow
def test_several_seeds_show_mean_and_spread(project: Any) -> None:
    project.edit_params(lambda values: values["models"]["forecast"]["linear"].update(seeds=[1, 2]))
    assert project.repro() == ["params", "train-forecast@linear", "evaluate-forecast", "compare", "sync"]
    metrics = json.loads((project.root / "reports/forecast/metrics.json").read_text())["linear"]
    assert metrics["seeds"] == 2
    assert metrics["mae_spread"] > 0
    ids = project.training_ids()
    assert len(ids) == len(project.models) + 1
    assert ids <= set(project.board())


@pytest.mark.parametrize(
    "stage",
    ["evaluate-classify", "evaluate-watch", "evaluate-draw", "evaluate-forecast", "preprocess@classify"],
)
@pytest.mark.slow
def test_a_forced_stage_writes_the_same_bytes_again(project: Any, stage: str) -> None:
    before = project.lock()[stage]["outs"]
    project.run("dvc", "repro", "--force", "--single-item", stage)
    assert project.lock()[stage]["outs"] == before
