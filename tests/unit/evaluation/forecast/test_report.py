"""The files of `reports/forecast/`, from hand-made forecasts."""

import json

import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.params import ForecastEvaluation


def test_each_training_has_its_files(reports):
    assert {path.name for path in (reports / "forecast/models/sharp/seed-1").iterdir()} == {
        "by_day.csv", "by_regime.csv", "by_weekday.csv", "by_holiday.csv", "forecast.csv", "forecast.png",
        "metrics.json",
    }  # fmt: skip


def test_predictions_of_every_training_are_stored(reports):
    table = pq.read_table(reports / "forecast/predictions.parquet").to_pandas()
    assert len(table) == 3 * 194 * 7
    offset = table[table["model"] == "offset"]
    assert (offset["forecast"] - offset["actual"]).to_numpy() == pytest.approx(100, abs=0.01)
    assert (offset["hi-80"] - offset["forecast"]).to_numpy() == pytest.approx(6.4, abs=0.02)
    assert (offset["forecast"] - offset["lo-95"]).to_numpy() == pytest.approx(9.8, abs=0.02)


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(reports, write_reports, tmp_path):
    write_reports(tmp_path, forecast={})
    assert digest_tree(tmp_path / "forecast") == digest_tree(reports / "forecast")


def test_regimes_have_metrics_of_their_own(reports, read_csv):
    metrics = json.loads((reports / "forecast/metrics.json").read_text())
    assert metrics["offset"]["mae_regime_before"] == metrics["offset"]["mae_regime_after"] == 100
    path = reports / "forecast/models/naive/seed-1/by_regime.csv"
    table = {row["regime"]: row for row in read_csv(path)}
    total, before, after = (
        float(table[name]["mae"]) * int(table[name]["forecasts"]) / 7 for name in ("all", "before", "after")
    )
    summary = json.loads((reports / "forecast/summary.json").read_text())
    covered = sum(regime["origins"] for regime in summary["regimes"])
    assert covered <= summary["test"]
    assert before + after < total or covered == summary["test"]


def test_every_subset_of_the_test_days_has_metrics_of_its_own(reports, read_csv):
    model_dir = reports / "forecast/models/naive/seed-1"
    trainings = json.loads((reports / "forecast/trainings.json").read_text())
    entry = trainings["id-forecast-naive-1"]
    metrics = entry["metrics"] | entry["slices"]
    for dimension, names in (
        ("day", [str(day) for day in range(1, 8)]),
        ("weekday", ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
        ("holiday", ["holidays", "other_days"]),
    ):
        rows = read_csv(model_dir / f"by_{dimension}.csv")
        assert [row[dimension] for row in rows] == names
        counts = [int(row["forecasts"]) for row in rows]
        assert sum(counts) == 194 * 7
        mean = sum(float(row["mae"]) * count for row, count in zip(rows, counts, strict=True)) / 194 / 7
        assert mean == pytest.approx(metrics["test/mae"], rel=1e-4)
        for row in rows:
            assert metrics[f"test/mae_{dimension}_{row[dimension]}"] == pytest.approx(
                float(row["mae"]), rel=1e-5
            )
            assert 0 <= float(row["coverage_80"]) <= 1


def test_intervals_are_reported_before_and_after_calibration(reports, read_csv):
    metrics = json.loads((reports / "forecast/metrics.json").read_text())
    sharp = metrics["sharp"]
    for percent in (50, 80, 95):
        assert sharp[f"coverage_{percent}"] == pytest.approx(percent / 100, abs=0.05)
    assert sharp["width_80"] == pytest.approx(12.8)
    assert sharp["width_80_raw"] == pytest.approx(6)
    assert sharp["coverage_80_raw"] < 0.6
    assert sharp["crps"] < sharp["crps_raw"]
    assert 0.65 * sharp["mae"] < sharp["crps"] < 0.75 * sharp["mae"]  # 0.71 for a normal distribution
    assert metrics["offset"]["coverage_95"] == 0
    assert "crps_raw" not in metrics["offset"]
    assert sharp["mae_target_bus"] == pytest.approx(7)
    assert "mae_target_bus" not in metrics["offset"]
    table = read_csv(reports / "forecast/plots/coverage.csv")
    assert {row["nominal"] for row in table} == {"50", "80", "95"}
    assert float(table[1]["coverage"]) == pytest.approx(100 * sharp["coverage_80"], rel=1e-4)
    lines = {row["model"] for row in read_csv(reports / "forecast/plots/fan.csv")}
    assert lines == {"actual", "sharp", "lo-80", "hi-80"}


def test_every_forecaster_is_compared_with_the_baseline_at_the_same_origins(reports, read_csv):
    metrics = json.loads((reports / "forecast/metrics.json").read_text())
    key = "mae_minus_naive"
    assert not [name for name in metrics["naive"] if "minus" in name]
    assert metrics["sharp"][key] == pytest.approx(metrics["sharp"]["mae"] - metrics["naive"]["mae"], abs=1e-4)
    assert metrics["sharp"][f"{key}_low"] < metrics["sharp"][key] < metrics["sharp"][f"{key}_high"] < 0
    pairs = {(row["a"], row["b"]): row for row in read_csv(reports / "forecast/pairs.csv")}
    assert metrics["offset"][f"{key}_low"] == -float(pairs["naive", "offset"]["high"])
    trainings = json.loads((reports / "forecast/trainings.json").read_text())
    sharp = trainings["id-forecast-sharp-1"]["metrics"]
    assert sharp[f"test/{key}_high"] == metrics["sharp"][f"{key}_high"]


def test_a_regime_without_forecasts_is_an_error(tmp_path, write_reports):
    late = {"regimes": [{"name": "later", "first": "2021-01-01", "last": "2021-02-01"}]}
    settings = ForecastEvaluation.model_validate(late)
    with pytest.raises(UserError, match=r"regimes\.0: regime 'later'.*allowed: first forecast days from"):
        write_reports(tmp_path, forecast={"settings": settings})


def test_the_outcome_is_one_line(written_reports):
    assert written_reports[1][1].startswith("best sharp MAE 3.9")
