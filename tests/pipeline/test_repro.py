"""What `dvc repro` promises: it all runs, and afterwards only what an edit touches runs."""

from __future__ import annotations

import ast
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.paths import MODELS


def test_leaderboard_has_every_model_of_every_task(built: Any) -> None:
    rows = (built.root / "reports/leaderboard.csv").read_text().splitlines()
    for name in built.models:
        assert any(name in row for row in rows[1:]), f"{name} is missing from the leaderboard"
    board = built.board()
    assert set(board) == built.training_ids()
    assert len(board) == len(built.models)


def test_second_repro_runs_sync_alone_within_five_seconds(project: Any) -> None:
    project.repro()  # DVC looks at every file of a copy once
    started = time.monotonic()
    assert project.repro() == ["sync"]
    assert time.monotonic() - started < 15  # a bound against accidents; the figure is in the closing note


def test_stages_import_only_what_they_depend_on(built: Any) -> None:
    deps = {}
    lock = built.lock()
    for name, stage in lock.items():
        deps[name] = [built.root / dep["path"] for dep in stage.get("deps", [])]
    logs = {path.stem: json.loads(path.read_text()) for path in built.imports.glob("*.json")}
    assert set(logs) == set(lock), "every stage left a list of what it imported"
    for name, log in logs.items():
        files = [Path(file) for file in log["files"]]
        assert files, f"{name} imported nothing of strokecast"
        for file in files:
            assert file.is_relative_to(built.root), f"{name} imported {file} from outside the project"
            if name == "sync":  # runs always, so that what it imports cannot go stale
                continue
            if file.name == "__init__.py" and _is_docstring(file):
                continue
            if name == "evaluate-draw" and file.parent.name == "classify" and file.stem == "logistic":
                continue  # the judge's file: an edit trains it again, which changes models/judge
            allowed = any(file == dep or dep in file.parents for dep in deps[name])
            assert allowed, f"{name} imports {file.relative_to(built.root)}, which is none of its deps"


def _is_docstring(path: Path) -> bool:
    """Whether a package's __init__.py holds nothing that could change an outcome."""
    body = ast.parse(path.read_text()).body
    return len(body) == 1 and isinstance(body[0], ast.Expr)


def test_what_is_no_network_runs_without_tensorflow(built: Any) -> None:
    light = ("params", "download@series", "validate@series", "judge", "compare", "sync")
    for name in (*light, "train-forecast@seasonal_naive_7", "train-classify@logistic"):
        assert not json.loads((built.imports / f"{name}.json").read_text())["tensorflow"], name


@pytest.mark.slow
def test_an_edit_runs_what_it_touches_and_its_undoing_trains_nothing(project: Any) -> None:
    before = project.board()
    touched = ["params", "train-classify@gru", "judge", "evaluate-classify", "compare", "sync"]

    project.params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=9))
    assert project.repro() == touched
    project.params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=8))
    assert project.repro() == ["sync"], "DVC's run cache has the settings, too"
    board = project.board()
    assert project.training_ids() <= set(board)
    assert len(board) == len(project.models) + 1, "the trainings of this workspace and the one with 9 units"
    assert {k: board[k] for k in before} == before

    source = project.root / "src/strokecast" / MODELS / "classify/gru.py"
    text = source.read_text()
    source.write_text(text + "\n# a comment\n")
    assert project.repro() == touched
    source.write_text(text)
    assert project.repro() == ["sync"]
    board = project.board()
    assert {k: board[k] for k in before} == before


@pytest.mark.slow
def test_a_key_at_its_default_and_a_deleted_one_rerun_nothing(project: Any) -> None:
    project.params(lambda values: values["features"]["forecast"].update(embargo=0))
    assert project.repro() == ["params", "sync"]
    project.params(lambda values: values["features"]["forecast"].pop("horizon"))
    assert project.repro() == ["params", "sync"]
    project.params(lambda values: values["features"].pop("forecast"))
    assert project.repro() == ["params", "sync"]


@pytest.mark.slow
def test_another_judge_reruns_the_evaluation_of_draw_alone(project: Any) -> None:
    project.params(lambda values: values["draw"].update(judge="conv_rnn"))
    assert project.repro() == ["params", "judge", "evaluate-draw", "compare", "sync"]
    facts = json.loads((project.root / "reports/draw/summary.json").read_text())
    assert facts["judge"] == "conv_rnn"
    project.params(lambda values: values["draw"].update(judge="no_such_model"))
    done = project.run("strokecast", "check", check=False)
    assert done.returncode == 1
    assert "draw.judge" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_dvc_shows_metrics_params_and_plots(project: Any) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    classify = shown["reports/classify/metrics.json"]["data"]
    assert 0 <= classify["gru"]["accuracy"] <= 1
    assert shown["reports/forecast/metrics.json"]["data"]["linear"]["mae"] > 0

    project.params(lambda values: values["models"]["classify"]["gru"]["config"].update(units=12))
    diff = json.loads(project.run("dvc", "params", "diff", "--json").stdout)
    assert diff["params.yaml"]["models.classify.gru.config.units"] == {"old": 8, "new": 12, "diff": 4}
    project.repro()
    changed = json.loads(project.run("dvc", "metrics", "diff", "--json").stdout)
    assert any(key.startswith("gru.") for key in changed["reports/classify/metrics.json"])
    page = project.run("dvc", "plots", "show", "-o", "plots-page").stdout
    html = Path(re.sub(r"^file://", "", page.strip().splitlines()[-1]))
    text = html.read_text()
    for word in ("confusion", "valid", "actual"):
        assert word in text


@pytest.mark.slow
def test_a_model_switched_off_leaves_the_boards_and_is_named(project: Any) -> None:
    project.params(lambda values: values["models"]["classify"]["conv_rnn"].update(enabled=False))
    output = project.run("dvc", "repro").stdout
    assert "conv_rnn" in output
    rows = (project.root / "reports/leaderboard.csv").read_text()
    assert "conv_rnn" not in rows
    project.params(lambda values: values["models"]["classify"]["conv_rnn"].update(enabled=True))
    assert project.repro() == ["sync"], "everything comes back from the run cache"
    assert "conv_rnn" in (project.root / "reports/leaderboard.csv").read_text()


@pytest.mark.slow
def test_several_seeds_show_mean_and_spread(project: Any) -> None:
    project.params(lambda values: values["models"]["forecast"]["linear"].update(seeds=[1, 2]))
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
