"""Published results beside those of a run: only for the same windows and metrics."""

import dataclasses
import json

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.board import leaderboard
from strokecast.evaluation.forecast import published
from strokecast.params import ForecastEvaluation

FILE = """
title: A benchmark
source: https://example.org
date: "2026-01-31"
protocol: {{source: made, horizon: 7, windows: 194, first: "2019-06-15", last: "2019-12-25", mean_value: {mean},
  mase_season: 7, mase_scale: train, quantile_levels: [0.5]}}
rows: [{{name: strong, mase: 0.01, mean_weighted_quantile_loss: 0.001}}, {{name: weak, mase: 9.5}}]
"""
SETTINGS = ForecastEvaluation(published="made", quantile_levels=(0.5,), resamples=100)


@pytest.fixture
def results(tmp_path, monkeypatch, forecast_inputs):
    """`published/made.yaml` for the hand-made windows."""
    mean = f"{forecast_inputs.test.actual.mean():.6g}"
    (tmp_path / "made.yaml").write_text(FILE.format(mean=mean))
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    return forecast_inputs.test


@pytest.mark.usefixtures("without_figures", "results")
def test_published_rows_are_marked_and_ranked_by_mase(write_reports, tmp_path):
    write_reports(tmp_path, forecast={"settings": SETTINGS})
    table = leaderboard.read_tables(tmp_path, ("forecast",))[0]
    rows = {row[0].removesuffix(" (champion)"): row for row in table.published.rows}
    assert list(rows) == ["strong", "sharp", "naive", "offset", "weak"]
    assert rows["strong"][1:] == ["0.010", "0.00100", "published, not run here"]
    assert rows["weak"][2] == "-"
    assert rows["sharp"][3] == "this run"
    assert "https://example.org, read 2026-01-31" in table.published.about
    assert not {"strong", "weak"} & {row[0] for row in table.rows}
    leaderboard.write_markdown(tmp_path / "board.md", [table], [])
    assert "published, not run here" in (tmp_path / "board.md").read_text()
    metrics = json.loads((tmp_path / "forecast/metrics.json").read_text())
    assert set(metrics) == {"naive", "sharp", "offset"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mase_season": 1}, "mase_season 7, this evaluation has 1"),
        ({"quantile_levels": (0.4, 0.5)}, r"quantile_levels \[0.5\], this evaluation has \[0.4, 0.5\]"),
        ({"published": "maed"}, r"no file 'maed'; .* made, null; did you mean 'made'"),
    ],
)
def test_another_protocol_is_refused_before_and_after_the_run(results, changes, message):
    settings = SETTINGS.model_copy(update=changes)
    for refuse in (
        lambda: published.published_facts(results, settings),
        lambda: published.require_settings(settings.published, settings, "made", 7),
    ):
        with pytest.raises(UserError, match=message):
            refuse()


def test_other_windows_are_refused(results):
    assert published.published_facts(results, SETTINGS)["title"] == "A benchmark"
    other = {
        "windows": {"first_days": results.first_days[1:], "actual": results.actual[1:]},
        "first": {"first_days": results.first_days + np.timedelta64(1, "D")},
        "mean_value": {"actual": results.actual + 1},
        "source": {"source": "csv"},
    }
    for key, changes in other.items():
        with pytest.raises(UserError, match=f"are of {key} "):
            published.published_facts(dataclasses.replace(results, **changes), SETTINGS)


def test_every_file_is_valid():
    for name in published.names():
        assert published.load(name).rows
