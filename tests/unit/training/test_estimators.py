"""Estimators fitted from processed data: what they leave, what they import, what they may open."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import numpy_reader, spec
from strokecast.models.common import estimators
from strokecast.params import ClassifyRecipe
from strokecast.training import code_digest, fitting, guards, model_files
from strokecast.training.job import TrainingJob

FIT = """
import json, sys
from pathlib import Path
from strokecast.params import ClassifyRecipe
from strokecast.training import fitting
from strokecast.training.job import TrainingJob
job = TrainingJob.create("classify", sys.argv[1], 1, {}, ClassifyRecipe())
facts = fitting.fit_estimator(job, Path(sys.argv[2]), Path(sys.argv[3]))
files = [getattr(m, "__file__", None) for n, m in sys.modules.items() if n.split(".")[0] == "strokecast"]
heavy = [name for name in ("tensorflow", "keras") if name in sys.modules]
print(json.dumps([facts, heavy, [file for file in files if file]]))
"""


def fit(processed_data: Path, folder: Path, name: str = "logistic", **config: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    job = TrainingJob.create("classify", name, 1, config, ClassifyRecipe())
    return fitting.fit_estimator(job, processed_data / "classify", folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "nearest_neighbour"])
def test_an_estimator_is_fitted_without_tensorflow(processed_data: Path, tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", FIT, name, str(processed_data / "classify"), str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    facts, heavy, files = json.loads(out.splitlines()[-1])
    assert heavy == []
    model = estimators.load(tmp_path)
    assert (facts["kind"], facts["best_epoch"], facts["device"]) == ("estimator", None, "cpu")
    assert facts["parameters"] == model.parameters > 0
    assert facts["train_seconds"] > 0
    assert facts["examples_per_second"] > 0
    assert (tmp_path / "history.csv").read_text() == ",".join(model_files.columns("classify")) + "\n"
    stored = json.loads((tmp_path / "config.json").read_text())
    assert (stored["name"], stored["seed"], stored["training"]) == (name, 1, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "history.csv",
        "model.npz",
        "spec.json",
        "validation.json",
    ]
    spec_json, right = spec.load(processed_data / "classify", "classify"), []
    for batch in numpy_reader.batches(processed_data / "classify", spec_json, "valid"):
        right += (model.predict_proba(batch.strokes, batch.length).argmax(axis=1) == batch.label).tolist()
    assert np.mean(right) >= 0.9
    score = json.loads((tmp_path / "validation.json").read_text())
    assert score == {"metric": "accuracy", "value": pytest.approx(np.mean(right), abs=1e-6)}

    root = Path(code_digest.__file__).parents[1]
    imported = {Path(file).relative_to(root).as_posix() for file in files}
    hashed = {path.relative_to(root).as_posix() for path in code_digest.code_files("classify", name)}
    for module in (
        "models/common/estimators.py",
        "models/common/sketch_features.py",
        "features/records/numpy_reader.py",
    ):
        assert module in imported & hashed
    assert "models/common/estimators.py" not in {
        path.relative_to(root).as_posix() for path in code_digest.code_files("classify", "gru")
    }


def test_two_fits_give_the_same_bytes_without_the_test_split(processed_data: Path, tmp_path: Path) -> None:
    processed = tmp_path / "processed"
    shutil.copytree(processed_data, processed)
    shutil.rmtree(processed / "classify/test")
    fit(processed_data, tmp_path / "a")
    fit(processed, tmp_path / "b")
    assert digest_tree(tmp_path / "a") == digest_tree(tmp_path / "b")


def test_a_class_without_a_drawing_is_an_error_of_one_line(processed_data: Path, tmp_path: Path) -> None:
    processed = tmp_path / "processed"
    shutil.copytree(processed_data, processed)
    path = processed / "classify/spec.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps(stored | {"classes": [*stored["classes"], "round"]}))
    with pytest.raises(UserError, match=r"models\.classify\.logistic: cannot be fitted: labels .* 0 to 2"):
        fit(processed, tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_out_of_memory_is_a_training_error(
    processed_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(estimators.Logistic, "_fit", full)
    with pytest.raises(guards.TrainingError, match=r"models\.classify\.logistic: out of memory"):
        fit(processed_data, tmp_path)
    assert not list(tmp_path.iterdir())
