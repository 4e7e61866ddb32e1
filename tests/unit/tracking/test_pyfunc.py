"""A saved model takes raw input and loads without the repository."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from strokecast.models.common import registry
from strokecast.tracking import board, pyfunc

Make = Callable[..., Path]

OUTSIDE = """
import sys
sys.path[:] = [path for path in sys.path if not path.endswith("src")]
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
try:
    import strokecast
    raise SystemExit("strokecast is importable from the repository")
except ModuleNotFoundError:
    pass
import json
import mlflow
import pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
frame = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=400), "y": range(400)})
results = []
for address in sys.argv[2:]:
    model = mlflow.pyfunc.load_model(address)
    forecast = model.predict(frame)
    try:
        model.predict(frame.drop(index=5))
        error = ""
    except mlflow.exceptions.MlflowException as caught:
        error = str(caught)
    example = len(model.predict(model.input_example))
    results.append([forecast["ds"].astype(str).tolist(), forecast["mean"].tolist(), example, error])
import strokecast
print(json.dumps([results, strokecast.__file__, "tensorflow" in sys.modules]))
"""

CLASSIFY = """
predictions = mlflow.pyfunc.load_model(sys.argv[1]).predict(pd.DataFrame({"strokes": json.loads(sys.argv[2])}))
sums = [sum(row) for row in predictions["probabilities"]]
print(json.dumps([predictions["label"].tolist(), sums, "tensorflow" in sys.modules]))
"""


def save(folder: Path) -> Path:
    pyfunc.save(folder, json.loads((folder / "run.json").read_text()))
    return folder


@pytest.mark.slow
def test_rules_load_outside_the_repository_by_every_address(
    make_training: Make, client: Any, project: Path, tmp_path: Path
) -> None:
    week = save(make_training("forecast", "seasonal_naive_7", pyfunc=False))
    year = save(make_training("forecast", "seasonal_naive_364", training_id="year", pyfunc=False))
    ids = [board.ensure_run(folder) for folder in (week, year)]
    model = client.get_run(ids[0]).outputs.model_outputs[0].model_id
    addresses = [
        f"runs:/{ids[0]}/model",
        f"models:/{model}",
        f"runs:/{ids[1]}/model",
        str((year / "pyfunc").resolve()),
    ]
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE, client.tracking_uri, *addresses],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results, module_file, tensorflow = json.loads(done.stdout.splitlines()[-1])
    dates = [f"2021-02-{day:02d}" for day in range(4, 11)]
    for days, values, example, error in results[:2]:
        assert (days, values, example) == (dates, list(range(393, 400)), 7)
        assert error.startswith("input column ds: 2020-01-06 is missing (after day 5 of ")
        assert "; allowed: every day once, ascending; add them, or set quality.series.max_gap and" in error
    for days, values, example, _ in results[2:]:
        assert (days, values, example) == (dates, list(range(36, 43)), 7)
    assert Path(module_file).parts[-3:] == ("code", "strokecast", "__init__.py")
    assert not Path(module_file).is_relative_to(Path(__file__).parents[3])
    assert not tensorflow, "a rule needs no TensorFlow"


@pytest.mark.slow
def test_an_estimator_loads_outside_the_repository_without_tensorflow(
    make_training: Make, specs: dict[str, Any], tmp_path: Path
) -> None:
    folder = make_training("classify", "logistic", pyfunc=False)
    right = [[10, 0, 0]] * 7 + [[10, 0, 1]]
    up = [[0, 10, 0]] * 7 + [[0, 10, 1]]
    corner = [[10, 0, 0]] * 4 + [[0, 10, 0]] * 3 + [[0, 10, 1]]
    drawings = np.array([right, up, corner] * 3, np.float32) / [12.5, 12.5, 1]
    model = registry.get("classify", "logistic").build(
        registry.config("classify", "logistic", {}), specs["classify"]
    )
    model.fit([(drawings.astype(np.float32), np.full(9, 8), np.array([0, 1, 2] * 3))])
    model.save(folder)
    save(folder)
    required = (folder / "pyfunc/requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in required} == {
        "mlflow",
        "numpy",
        "pandas",
        "pydantic",
        "scikit-learn",
    }
    script = OUTSIDE.partition("mlflow.set_tracking_uri")[0] + CLASSIFY
    command = [
        sys.executable,
        "-c",
        script,
        str((folder / "pyfunc").resolve()),
        json.dumps([corner, right, up]),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    labels, sums, tensorflow = json.loads(done.stdout.splitlines()[-1])
    assert labels == ["a spiral", "circle", "square"]
    assert sums == pytest.approx([1, 1, 1])
    assert not tensorflow, "an estimator needs no TensorFlow"


@pytest.mark.slow
def test_saved_model_names_its_columns_and_pins_its_requirements(make_training: Make) -> None:
    folder = save(make_training("forecast", "gru", pyfunc=False))
    saved = yaml.safe_load((folder / "pyfunc/MLmodel").read_text())
    inputs, outputs = (json.loads(saved["signature"][end]) for end in ("inputs", "outputs"))
    assert [(column["name"], column["required"]) for column in inputs] == [
        ("ds", True),
        ("y", True),
        ("unique_id", False),
    ]
    ends = [f"{end}-{level}" for level in (50, 80, 95) for end in ("lo", "hi")]
    assert [column["name"] for column in outputs] == ["ds", "unique_id", "median", *ends]
    assert [column["type"] for column in outputs] == ["datetime", "string", *["double"] * 7]
    assert saved["metadata"]["horizon"] == 7
    assert "run_id" not in saved
    assert saved["model_id"] is None
    example = json.loads((folder / "pyfunc/input_example.json").read_text())
    assert len(example["data"]) == 14, "as many days as input_size"
    assert example["data"][-1][0] == "2020-12-31", "the last training day"
    required = (folder / "pyfunc/requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in required} == {
        "mlflow",
        "numpy",
        "pandas",
        "pydantic",
        "tensorflow",
        "keras",
    }
    assert all(line.partition("==")[2] for line in required)
    rule = save(make_training("forecast", "seasonal_naive_7", training_id="x", pyfunc=False))
    assert "tensorflow" not in (rule / "pyfunc/requirements.txt").read_text()


def test_saving_the_same_training_again_gives_the_same_bytes(make_training: Make, tmp_path: Path) -> None:
    from strokecast.common.files import digest_tree

    folder = save(make_training(pyfunc=False))
    first = (folder / "pyfunc").rename(tmp_path / "first")
    save(folder)
    assert digest_tree(folder / "pyfunc") == digest_tree(first)


def test_the_saved_code_is_what_prediction_needs(tmp_path: Path) -> None:
    code = pyfunc.copy_code(tmp_path)
    saved = {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()}
    assert {
        "__init__.py",
        "inference/predictor.py",
        "tracking/loader.py",
        "features/sketches/strokes.py",
    } <= saved
    assert "models/forecast/seasonal_naive_7.py" in saved
    for other in (
        "tracking/board.py",
        "tracking/pyfunc.py",
        "commands",
        "training",
        "validation",
        "evaluation",
        "sources",
    ):
        assert not any(name.startswith(other) for name in saved), other


def test_closure_follows_imports_inside_functions(tmp_path: Path) -> None:
    for name, text in {
        "__init__.py": "",
        "a.py": "def f():\n    from strokecast.room import b\n",
        "room/__init__.py": "",
        "room/b.py": "import strokecast.c\n",
        "c.py": "import numpy\n",
        "d.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert pyfunc.import_closure({"strokecast.a"}, tmp_path) == {
        "strokecast",
        "strokecast.a",
        "strokecast.room",
        "strokecast.room.b",
        "strokecast.c",
    }


@pytest.mark.parametrize("name", ["auto_ets", "auto_arima", "sarima", "mstl"])
def test_a_statistical_model_requires_its_package(name: str) -> None:
    required = pyfunc.requirements("rule", registry.get("forecast", name).requirements)
    assert [line.partition("==")[0] for line in required][-1] == "statsforecast"
    assert not {"tensorflow", "scikit-learn"} & {line.partition("==")[0] for line in required}


def test_the_signature_of_a_forecaster_names_all_columns_that_it_reads(
    make_training: Make, specs: dict[str, Any]
) -> None:
    import mlflow

    folder = make_training("forecast", "seasonal_naive_7", pyfunc=False)
    plain = specs["forecast"]
    calendar = {"kinds": ["day_type"], "day_types": ["U", "W"]}
    transform = {"bus": {"kind": "boxcox", "power": 0.5, "mean": 9.0, "std": 1.0}}
    spec = plain | {
        "past_covariates": ["bus"],
        "calendar": plain["calendar"] | calendar,
        "transforms": plain["transforms"] | transform,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    save(folder)
    model = mlflow.pyfunc.load_model(str(folder / "pyfunc"))
    assert model.metadata.signature.inputs.input_names() == ["ds", "y", "bus", "day_type", "unique_id"]
    forecast = model.predict(model.input_example)
    assert forecast["ds"].dt.strftime("%m-%d").tolist() == [f"01-0{day}" for day in range(1, 8)]
    assert list(forecast.columns) == model.metadata.signature.outputs.input_names()
    required = (folder / "pyfunc/requirements.txt").read_text()
    assert "scipy==" in required, "Box-Cox is computed by scipy"
    with pytest.raises(mlflow.exceptions.MlflowException, match="the day_type of 2021-01-01 is not known"):
        model.predict(model.input_example.head(7))


@pytest.mark.parametrize(
    ("name", "country", "further"),
    [
        ("seasonal_naive_7", None, set()),
        ("seasonal_naive_7", "US", {"holidays"}),
        ("auto_ets", None, {"statsforecast"}),
        ("mstl", "US", {"statsforecast", "holidays"}),
        ("ridge", "US", {"scikit-learn", "holidays"}),
        ("boosted_trees", None, {"scikit-learn"}),
        ("combination", None, {"scikit-learn"}),
        ("gru", None, {"tensorflow", "keras"}),
        ("gru", "US", {"tensorflow", "keras", "holidays"}),
    ],
)
def test_a_forecaster_requires_what_it_needs_at_the_locked_versions(
    name: str, country: str | None, further: set[str], specs: dict[str, Any]
) -> None:
    spec = specs["forecast"]
    spec = {**spec, "calendar": {**spec["calendar"], "holiday_country": country}}
    architecture = registry.get("forecast", name)
    required = pyfunc.requirements(
        architecture.kind, (*architecture.requirements, *pyfunc.transform_requirements(spec))
    )
    assert {line.partition("==")[0] for line in required} == {
        "mlflow",
        "numpy",
        "pandas",
        "pydantic",
        *further,
    }
    lock = (Path(__file__).parents[3] / "requirements.lock").read_text()
    pinned = {line.split()[0] for line in lock.splitlines() if "==" in line}
    assert set(required) <= pinned


def test_the_saved_requirements_are_those_of_the_model(make_training: Make) -> None:
    folder = save(make_training("forecast", "seasonal_naive_7", pyfunc=False))
    spec = json.loads((folder / "spec.json").read_text())
    written = (folder / "pyfunc/requirements.txt").read_text().split()
    assert sorted(written) == sorted(pyfunc.requirements("rule", pyfunc.transform_requirements(spec)))
