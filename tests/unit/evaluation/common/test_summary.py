"""The summary files that all tasks share."""

import json


def test_trainings_hold_flat_floats_only(reports):
    for task in ("classify", "forecast"):
        for entry in json.loads((reports / task / "trainings.json").read_text()).values():
            metrics = entry["metrics"] | entry["slices"]
            assert all(name.startswith("test/") for name in metrics)
            assert all(type(value) is float for value in metrics.values())
            written = reports / task / f"models/{entry['model']}/seed-{entry['seed']}/metrics.json"
            assert {f"test/{key}": value for key, value in json.loads(written.read_text()).items()} == metrics


def test_slices_are_no_metrics_of_the_board(reports):
    trainings = json.loads((reports / "forecast/trainings.json").read_text())
    for entry in trainings.values():
        assert {"test/mae", "test/crps", "test/coverage_80", "test/mae_day_1", "test/mae_day_7"} <= entry[
            "metrics"
        ].keys()
        assert {"test/mae_day_2", "test/mae_weekday_monday", "test/mae_holiday_holidays"} <= entry[
            "slices"
        ].keys()
        assert not [key for key in entry["metrics"] if "_regime_" in key or key.endswith(("_raw", "_static"))]
    trainings = json.loads((reports / "classify/trainings.json").read_text())
    for entry in trainings.values():
        assert all("_length_" in key for key in entry["slices"])
        assert not [key for key in entry["metrics"] if "_length_" in key]


def test_pairs_separate_different_models_and_not_equal_ones(reports, read_csv):
    pairs = {(row["a"], row["b"]): row for row in read_csv(reports / "classify/pairs.csv")}
    assert pairs["poor", "good"]["excludes_zero"] == "true"
    assert float(pairs["poor", "good"]["high"]) < 0
    assert pairs["good", "twin"]["excludes_zero"] == "false"
    pairs = {(row["a"], row["b"]): row for row in read_csv(reports / "forecast/pairs.csv")}
    assert pairs["sharp", "offset"]["excludes_zero"] == "true"


def test_dvc_compares_a_few_metrics_in_a_file_per_model(reports):
    for task, baseline, columns in (
        ("classify", "poor", ["accuracy", "macro_f1", "log_loss", "ece", "accuracy_minus_poor"]),
        ("forecast", "naive", ["mae", "crps", "coverage_80", "mae_minus_naive"]),
    ):
        files = {path.stem: json.loads(path.read_text()) for path in (reports / task / "metrics").iterdir()}
        everything = json.loads((reports / task / "metrics.json").read_text())
        assert files.keys() == everything.keys()
        for name, metrics in files.items():
            expected = [key for key in columns if name != baseline or "minus" not in key]
            assert {*expected, "parameters", "train_seconds"} <= metrics.keys()
            assert len(metrics) <= len(columns) + 4, "few columns"
            assert metrics.items() <= everything[name].items()
