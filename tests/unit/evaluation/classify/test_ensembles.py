"""Ensembles of classifiers are rows of their own: chosen on validation, combined from the members' test probabilities."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.classify.ensembles import WithEnsembles, add_ensembles
from strokecast.evaluation.common.champion import read_validation
from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.features.records import numpy_reader
from strokecast.inference import class_probabilities, combination_folder, predictor, selection
from strokecast.models.common.estimators import Logistic, NearestNeighbours
from strokecast.params import Ensemble, ModelEntry
from strokecast.tracking import combination_pyfunc

SETTINGS = {
    "mean": Ensemble(members=("nearest_neighbour", "logistic")),
    "best_two": Ensemble(top=2, weights="log_loss"),
    "four": Ensemble(top=4),
}
DRAWINGS = pd.DataFrame({"strokes": [[[5, 0, 0], [0, 5, 1]], [[1, 1, 0], [9, 2, 0], [0, 3, 1]]]})


@pytest.fixture
def combined(
    train: Callable[..., Path], tmp_path: Path, processed_sketches: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[WithEnsembles, Any, Any]:
    """Two estimators, of which one has two seeds, and their ensembles."""
    processed, spec = processed_sketches
    configs: dict[str, Any] = {"nearest_neighbour": {"neighbours": 1}, "logistic": {}}
    for name, seed in (("nearest_neighbour", 1), ("logistic", 1), ("logistic", 2)):
        facts = {
            "kind": "estimator",
            "dataset": {"digest": spec["digest"]},
            "parameters": None,
            "ended_ms": seed,
        }
        folder = train("classify", name, seed=seed, **facts)
        config = {"task": "classify", "name": name, "seed": seed, "config": configs[name]}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "spec.json").write_text(json.dumps(spec))
        model = Logistic(2, 0.1 * seed) if name == "logistic" else NearestNeighbours(2, "summary", 1, 20, 1.5)
        model.fit(batch[:3] for batch in numpy_reader.batches(processed, spec, "train"))
        model.save(folder)
        selection.write_accuracy(folder, 0.5)
    monkeypatch.chdir(tmp_path)
    entries = {"nearest_neighbour": ModelEntry(), "logistic": ModelEntry(seeds=(1, 2))}
    models = find_trained_models("classify", entries)
    report = tmp_path / "reports/classify"
    report.mkdir(parents=True)
    return add_ensembles(report, models, processed, spec, SETTINGS), models, (processed, spec)


def test_rows_weights_and_probabilities(combined: Any) -> None:
    added, models, (processed, spec) = combined
    assert [model.key for model in added.trained_models.finished[-2:]] == [("mean", 0), ("best_two", 0)]
    assert added.facts["left_out"] == {"four": "2 models are too few"}
    assert added.facts["combinations"]["mean"] == {
        "rule": "equal",
        "top": None,
        "drawings": 8,
        "weights": {"": {"nearest_neighbour": 0.5, "logistic": 0.5}},
    }
    probabilities = {
        model.key: class_probabilities.predict_split(model.folder, processed, spec, "test")[2]
        for model in models.finished
    }
    rows = added.combine(probabilities)
    logistic = (probabilities["logistic", 1] + probabilities["logistic", 2]) / 2
    np.testing.assert_allclose(rows["mean", 0], (probabilities["nearest_neighbour", 1] + logistic) / 2)
    assert sum(added.weights["best_two"].values()) == pytest.approx(1)
    validation = read_validation(added.trained_models, "valid_accuracy", higher_is_better=True)
    assert 0 <= validation.scores["mean"] <= 1, "so that it may become the champion"
    assert added.trained_models.finished[-2].run["train_seconds"] == 40


def test_a_stored_ensemble_predicts_like_its_members(combined: Any) -> None:
    _, models, _ = combined
    folder = combination_folder.find("classify")["mean"]
    of_members = [
        np.stack(predictor.load(model.folder).predict(DRAWINGS)["probabilities"].tolist())
        for model in models.finished
    ]
    expected = of_members[0] / 2 + (of_members[1] + of_members[2]) / 4
    predicted = np.stack(predictor.load(folder).predict(DRAWINGS)["probabilities"].tolist())
    np.testing.assert_allclose(predicted, expected)
    run = models.finished[-1].folder / "run.json"
    run.write_text(run.read_text().replace("id-classify-logistic-2", "another"))
    with pytest.raises(UserError, match=r"logistic \(seed 2\) was trained again since.*evaluate-classify"):
        predictor.load(folder)


@pytest.mark.slow
@pytest.mark.usefixtures("combined")
def test_the_mlflow_model_of_an_ensemble_answers_without_the_project(tmp_path: Path) -> None:
    folder = combination_folder.find("classify")["mean"]
    expected = predictor.load(folder).predict(DRAWINGS)
    run = combination_pyfunc.run_facts(folder)
    assert (run["task"], run["name"], run["ended_ms"]) == ("classify", "mean", 2)
    target = tmp_path / "pyfunc"
    combination_pyfunc.save(folder, target, run)
    assert "tensorflow" not in (target / "requirements.txt").read_text(), "its members need none"
    shutil.rmtree("models")
    pd.testing.assert_frame_equal(predictor.load(target / "data/model").predict(DRAWINGS), expected)
