"""The evaluation of a task without an enabled model: results of an earlier run are replaced by a report without models."""

import pytest

from strokecast import params
from strokecast.common import paths
from strokecast.common.files import read_json
from strokecast.evaluation.common.run import evaluate


@pytest.mark.parametrize("models", [{}, {"conv3d": {"enabled": False}}], ids=str)
def test_a_task_without_an_enabled_model_is_skipped(models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = paths.REPORTS / "watch"
    report.mkdir(parents=True)
    (report / "predictions.parquet").write_text("of an earlier run")
    line, trained_models = evaluate("watch", params.parse({"models": {"watch": models}}))
    assert line == "skipped: no model of watch is enabled"
    assert not trained_models.finished
    assert sorted(path.name for path in report.iterdir()) == ["metrics", "metrics.json", "summary.json"]
    assert read_json(report / "summary.json") == {"task": "watch", "models": [], "outcome": line}
