"""The summary files that all tasks share."""

import json


def test_trainings_hold_flat_floats_only(reports):
    for task in ("classify", "forecast"):
        for entry in json.loads((reports / task / "trainings.json").read_text()).values():
            assert all(name.startswith("test/") for name in entry["metrics"])
            assert all(type(value) is float for value in entry["metrics"].values())


def test_pairs_separate_different_models_and_not_equal_ones(reports, read_csv):
    pairs = {(row["a"], row["b"]): row for row in read_csv(reports / "classify/pairs.csv")}
    assert pairs["poor", "good"]["excludes_zero"] == "true"
    assert float(pairs["poor", "good"]["high"]) < 0
    assert pairs["good", "twin"]["excludes_zero"] == "false"
    pairs = {(row["a"], row["b"]): row for row in read_csv(reports / "forecast/pairs.csv")}
    assert pairs["sharp", "offset"]["excludes_zero"] == "true"
