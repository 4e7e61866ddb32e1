"""The comment on a pull request: what it says of each model, task and champion, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = ROOT / ".github" / "workflows"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compare_leaderboards", ROOT / "tools" / "compare_leaderboards.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def model(name: str, metric: str, value: float | None, width: float = 0.0) -> dict[str, Any]:
    if value is None:
        return {"model": name, metric: None}
    return {"model": name, metric: value, f"{metric}_low": value - width, f"{metric}_high": value + width}


def write(folder: Path, task: str, metric: str, models: list[dict[str, Any]], **facts: Any) -> Path:
    summary = {"headline": metric, "champion": {"model": models[0]["model"]}, "models": models, **facts}
    (folder / task).mkdir(parents=True, exist_ok=True)
    (folder / task / "summary.json").write_text(json.dumps(summary))
    return folder


def row(comment: str, name: str) -> list[str]:
    (line,) = [line for line in comment.splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_share_in_points_and_what_lies_outside_the_interval(script: ModuleType, tmp_path: Path) -> None:
    base = [
        model("gru", "accuracy", 0.80, 0.02),
        model("lstm", "accuracy", 0.70, 0.02),
        model("same", "accuracy", 0.5),
    ]
    head = [model("gru", "accuracy", 0.81), model("lstm", "accuracy", 0.60), model("same", "accuracy", 0.5)]
    comment = script.compare(
        write(tmp_path / "a", "classify", "accuracy", base),
        write(tmp_path / "b", "classify", "accuracy", head),
    )
    assert comment.startswith(script.MARKER)
    assert row(comment, "gru") == ["80.0 %", "81.0 %", "+1.0", ""]
    assert row(comment, "lstm") == ["70.0 %", "60.0 %", "-10.0", "**outside, worse**"]
    assert row(comment, "same") == ["50.0 %", "50.0 %", "0", ""]
    assert "`gru`, as before" in comment


def test_a_lower_error_is_better(script: ModuleType, tmp_path: Path) -> None:
    base = write(tmp_path / "a", "forecast", "mae", [model("linear", "mae", 200.0, 10.0)])
    head = write(tmp_path / "b", "forecast", "mae", [model("linear", "mae", 150.0, 10.0)])
    assert row(script.compare(base, head), "linear") == ["200", "150", "-50", "**outside, better**"]
    assert row(script.compare(head, base), "linear")[-1] == "**outside, worse**"


def test_new_removed_and_unjudged_models(script: ModuleType, tmp_path: Path) -> None:
    base = write(
        tmp_path / "a",
        "draw",
        "recognised",
        [model("old", "recognised", 0.4), model("free", "recognised", None)],
    )
    head = write(
        tmp_path / "b",
        "draw",
        "recognised",
        [model("young", "recognised", 0.5), model("free", "recognised", None)],
    )
    comment = script.compare(base, head)
    assert row(comment, "young") == ["-", "50.0 %", "", "new"]
    assert row(comment, "old") == ["40.0 %", "-", "", "removed"]
    assert row(comment, "free") == ["-", "-", "", "not judged"]
    assert "`young` (base: `old`)" in comment


def test_another_test_set_and_a_task_of_one_side_are_said(script: ModuleType, tmp_path: Path) -> None:
    rows = [model("gru", "accuracy", 0.8)]
    base = write(tmp_path / "a", "classify", "accuracy", rows, test=1200, source="quickdraw_sample")
    head = write(tmp_path / "b", "classify", "accuracy", rows, test=600, source="quickdraw_sample")
    write(head, "watch", "accuracy", rows)
    comment = script.compare(base, head)
    assert "Not the same test set** (test differ)" in comment
    assert "Only this change evaluates this task" in comment
    assert "### draw" not in comment


@pytest.mark.parametrize("text", [None, "{", "[]", '{"models": []}'])
def test_a_folder_without_a_leaderboard_is_one_line(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    (tmp_path / "base" / "classify").mkdir(parents=True)
    if text is not None:
        (tmp_path / "base" / "classify" / "summary.json").write_text(text)
    head = write(tmp_path / "head", "classify", "accuracy", [model("gru", "accuracy", 0.8)])
    output = tmp_path / "comment.md"
    assert script.main(["--base", str(tmp_path / "base"), "--head", str(head), "--output", str(output)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / 'base'}")
    assert not output.exists()


def test_the_workflow_calls_the_script_as_it_is(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command of the workflow, run on two report folders laid out as its two checkouts."""
    steps = yaml.safe_load((WORKFLOWS / "leaderboard.yml").read_text())["jobs"]["tour"]["steps"]
    (run,) = [step["run"] for step in steps if step.get("name") == "compare"]
    (command,) = [line for line in run.splitlines() if "compare_leaderboards.py" in line]
    words = shlex.split(command)
    assert (ROOT / words[1].removeprefix("head/")).is_file()
    for side in ("base", "head"):
        write(tmp_path / side / "reports", "classify", "accuracy", [model("gru", "accuracy", 0.8)])
    (tmp_path / "comment").mkdir()
    monkeypatch.chdir(tmp_path)
    assert script.main(words[2:]) == 0
    posted = yaml.safe_load((WORKFLOWS / "leaderboard-comment.yml").read_text())["jobs"]["comment"]["steps"][
        -1
    ]["run"]
    marker = re.search(r'== "(<!--.*-->)"', posted)
    assert marker
    assert (tmp_path / "comment/comment.md").read_text().splitlines()[0] == marker[1]


def test_the_workflow_that_may_write_runs_nothing_of_the_pull_request() -> None:
    text = (WORKFLOWS / "leaderboard-comment.yml").read_text()
    assert "checkout" not in text
    assert yaml.safe_load((WORKFLOWS / "leaderboard.yml").read_text())["permissions"] == {"contents": "read"}
