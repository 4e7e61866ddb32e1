"""Which trainings are judged, which are named and passed over, and which are an error."""

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.common import tables
from strokecast.evaluation.common.predictions import finite
from strokecast.evaluation.common.trainings import check_data, curves, roster
from strokecast.params import ModelEntry

ON = ModelEntry()


def test_order_of_params_and_seeds(train, tmp_path):
    train("classify", "a")
    train("classify", "b", seed=5)
    train("classify", "b", seed=2, further=True)
    found = roster("classify", {"b": ModelEntry(seeds=(5, 2)), "a": ON}, tmp_path / "models")
    assert [(t.name, t.seed) for t in found.trainings] == [("b", 5), ("b", 2), ("a", 1)]
    assert found.names == ["b", "a"]
    assert found.trainings[1].folder == tmp_path / "models/classify/b/seed-2"
    assert found.passed_over() == ""


def test_off_and_leftover_models_are_named_and_not_judged(train, tmp_path):
    train("classify", "a")
    train("classify", "gone")
    train("classify", "off", status="off")
    found = roster("classify", {"a": ON, "off": ModelEntry(enabled=False)}, tmp_path / "models")
    assert found.names == ["a"]
    assert found.passed_over() == "not shown: switched off: off; left over, no longer in params.yaml: gone"


def test_all_off_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no model of classify is switched on"):
        roster("classify", {"a": ModelEntry(enabled=False)}, tmp_path / "models")


def test_a_missing_training_is_named(train, tmp_path):
    train("classify", "a")
    with pytest.raises(UserError, match=r"classify/a/seed-3: no training of a with seed 3; run `dvc repro`"):
        roster("classify", {"a": ModelEntry(seeds=(1, 3))}, tmp_path / "models")


def test_an_unfinished_training_is_named(train, tmp_path):
    train("classify", "a", status="running")
    with pytest.raises(UserError, match=r"the training of a is 'running'; allowed: finished \| failed"):
        roster("classify", {"a": ON}, tmp_path / "models")


def test_a_failed_training_is_named_and_not_judged(train, tmp_path):
    train("classify", "a")
    train("classify", "b", seed=1, status="failed")
    train("classify", "b", seed=3, further=True)
    found = roster("classify", {"a": ON, "b": ModelEntry(seeds=(1, 3))}, tmp_path / "models")
    assert [(t.name, t.seed) for t in found.trainings] == [("a", 1), ("b", 3)]
    assert found.passed_over() == "not shown: training failed: b"
    assert found.not_shown == ["b"]


def test_every_training_failed_is_an_error(train, tmp_path):
    train("classify", "a", status="failed")
    with pytest.raises(UserError, match=r"every training of classify failed \(a\)"):
        roster("classify", {"a": ON}, tmp_path / "models")


def test_a_folder_of_another_seed_is_named(train, tmp_path):
    train("classify", "a", seed=1)
    with pytest.raises(UserError, match="holds a with seed 1; allowed: a with seed 4"):
        roster("classify", {"a": ModelEntry(seeds=(4,))}, tmp_path / "models")


def test_a_training_on_other_data_is_named(train, tmp_path):
    train("classify", "a")
    found = roster("classify", {"a": ON}, tmp_path / "models")
    check_data(found.trainings, "d1")
    with pytest.raises(UserError, match="a was trained on other data"):
        check_data(found.trainings, "d2")


def test_a_diverged_training_is_named(train, tmp_path):
    train("classify", "a")
    (training,) = roster("classify", {"a": ON}, tmp_path / "models").trainings
    assert finite(np.ones(3), training).tolist() == [1, 1, 1]
    with pytest.raises(UserError, match="a \\(seed 1\\) diverged"):
        finite(np.array([1.0, np.nan]), training)


def test_curves_of_all_trainings(train, tmp_path):
    train("classify", "a")
    train("classify", "b", seed=1)
    train("classify", "b", seed=2, further=True)
    train("classify", "r", kind="rule")
    entries = {"a": ON, "b": ModelEntry(seeds=(1, 2)), "r": ON}
    rows = curves(roster("classify", entries, tmp_path / "models"), ("valid_loss",))
    assert [(r["model"], r["epoch"]) for r in rows][::3] == [("a", 1), ("b", 1), ("b-seed2", 1)]
    assert rows[1]["valid_loss"] == pytest.approx(1.1)


def test_tables_write_undefined_values_as_empty_cells(tmp_path):
    rows = [{"a": 1 / 3, "b": float("nan"), "c": None}, {"a": 7, "c": "x,y"}]
    tables.write_csv(tmp_path / "t.csv", ("a", "b", "c"), rows)
    assert (tmp_path / "t.csv").read_bytes() == b'a,b,c\n0.333333,,\n7,,"x,y"\n'


def test_undefined_figures_are_left_out():
    assert tables.tidy_all({"mae": 1234567.0, "mase": float("nan")}) == {"mae": 1234570.0}


def test_mean_and_spread():
    assert tables.mean_and_spread([{"x": 1.0}]) == {"x": 1.0}
    assert tables.mean_and_spread([{"x": 1.0}, {"x": 3.0}]) == {"x": 2.0, "x_spread": pytest.approx(2**0.5)}
