"""Which trained models are evaluated, which are excluded, and which are an error."""

import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.common.trained_models import (
    check_same_data,
    find_trained_models,
    learning_curve_rows,
)
from strokecast.params import ModelEntry

ENABLED = ModelEntry()


def test_the_order_is_that_of_params_and_seeds(train, tmp_path):
    train("classify", "a")
    train("classify", "b", seed=5)
    train("classify", "b", seed=2)
    models = find_trained_models(
        "classify", {"b": ModelEntry(seeds=(5, 2)), "a": ENABLED}, tmp_path / "models"
    )
    assert [model.key for model in models.finished] == [("b", 5), ("b", 2), ("a", 1)]
    assert models.names == ["b", "a"]
    assert models.finished[1].folder == tmp_path / "models/classify/b/seed-2"
    assert models.excluded_message() == ""


def test_disabled_and_obsolete_models_are_named_and_not_evaluated(train, tmp_path):
    train("classify", "a")
    train("classify", "gone")
    train("classify", "off", status="off")
    models = find_trained_models(
        "classify", {"a": ENABLED, "off": ModelEntry(enabled=False)}, tmp_path / "models"
    )
    assert models.names == ["a"]
    assert models.excluded_message() == "not evaluated: disabled: off; no longer in params.yaml: gone"


def test_a_missing_training_is_named(train, tmp_path):
    train("classify", "a")
    with pytest.raises(UserError, match=r"classify/a/seed-3: a has no training with seed 3; run `dvc repro`"):
        find_trained_models("classify", {"a": ModelEntry(seeds=(1, 3))}, tmp_path / "models")


def test_an_unfinished_training_is_named(train, tmp_path):
    train("classify", "a", status="running")
    with pytest.raises(
        UserError, match=r"training of a has the status 'running'; allowed: finished \| failed"
    ):
        find_trained_models("classify", {"a": ENABLED}, tmp_path / "models")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "is not valid JSON ("), ("[]", "is not a JSON object"), ("{}", "lacks name, seed, status")],
)
def test_a_damaged_run_json_is_named(train, tmp_path, text, reason):
    train("classify", "a")
    path = tmp_path / "models/classify/a/seed-1/run.json"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        find_trained_models("classify", {"a": ENABLED}, tmp_path / "models")
    assert str(error.value).startswith(f"{path}: {reason}")


def test_a_failed_training_is_named_and_not_evaluated(train, tmp_path):
    train("classify", "a")
    train("classify", "b", seed=1, status="failed")
    train("classify", "b", seed=3)
    models = find_trained_models(
        "classify", {"a": ENABLED, "b": ModelEntry(seeds=(1, 3))}, tmp_path / "models"
    )
    assert [model.key for model in models.finished] == [("a", 1), ("b", 3)]
    assert models.excluded_message() == "not evaluated: training failed: b-seed1"
    assert models.excluded == ["b-seed1"]


def test_only_failed_trainings_are_an_error(train, tmp_path):
    train("classify", "a", status="failed")
    with pytest.raises(UserError, match=r"every training of classify failed \(a-seed1\)"):
        find_trained_models("classify", {"a": ENABLED}, tmp_path / "models")


def test_a_folder_with_another_seed_is_named(train, tmp_path):
    train("classify", "a", seed=1).rename(tmp_path / "models/classify/a/seed-4")
    with pytest.raises(UserError, match="holds a with seed 1; allowed: a with seed 4"):
        find_trained_models("classify", {"a": ModelEntry(seeds=(4,))}, tmp_path / "models")


def test_a_model_trained_on_other_data_is_named(train, tmp_path):
    train("classify", "a")
    models = find_trained_models("classify", {"a": ENABLED}, tmp_path / "models")
    check_same_data(models.finished, "d1")
    with pytest.raises(UserError, match="a was trained on other data"):
        check_same_data(models.finished, "d2")


def test_learning_curves_of_all_trained_models(train, tmp_path):
    train("classify", "a")
    train("classify", "b", seed=1)
    train("classify", "b", seed=2)
    train("classify", "r", kind="rule")
    entries = {"a": ENABLED, "b": ModelEntry(seeds=(1, 2)), "r": ENABLED}
    rows = learning_curve_rows(find_trained_models("classify", entries, tmp_path / "models"), ("valid_loss",))
    assert [(row["model"], row["epoch"]) for row in rows][::3] == [("a", 1), ("b", 1), ("b-seed2", 1)]
    assert rows[1]["valid_loss"] == pytest.approx(1.1)
