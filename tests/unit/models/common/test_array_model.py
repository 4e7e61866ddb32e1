"""Models of named arrays are saved and loaded; a damaged folder is one line."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import write_json
from strokecast.models.common import array_model, estimators
from strokecast.models.common.estimators import Batch, Logistic


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    write_json(tmp_path / "spec.json", {"classes": ["circle", "line"]})
    write_json(tmp_path / "config.json", {"task": "classify", "name": "logistic", "config": {"l2": 0.01}})
    return tmp_path


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json: no such file; run `dvc repro`"):
        estimators.load(tmp_path)


def test_an_unreadable_file_is_one_line(model_dir: Path) -> None:
    (model_dir / array_model.FILE).write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        estimators.load(model_dir)
    np.savez(model_dir / array_model.FILE, weights=np.array([object()]))  # a pickle: never opened
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        estimators.load(model_dir)


def test_arrays_larger_than_their_file_are_not_read(model_dir: Path) -> None:
    np.savez_compressed(model_dir / array_model.FILE, weights=np.zeros(65 << 20, np.uint8))
    with pytest.raises(UserError, match=r"model\.npz: cannot be read \(its .* kB unpack to 68\.2 MB\)"):
        estimators.load(model_dir)
    with zipfile.ZipFile(model_dir / array_model.FILE, "w") as archive:
        header = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
        with archive.open("weights.npy", "w") as file:
            np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        estimators.load(model_dir)


def test_a_saved_model_loads_as_its_own_class_only(model_dir: Path, batches: list[Batch]) -> None:
    model = Logistic(2, 0.01)
    model.fit(batches)
    model.save(model_dir)
    assert estimators.load(model_dir).parameters == model.parameters
    write_json(model_dir / "config.json", {"task": "classify", "name": "gru", "config": {}})
    with pytest.raises(UserError, match=r"config\.json: gru is not a model of type Estimator"):
        estimators.load(model_dir)
