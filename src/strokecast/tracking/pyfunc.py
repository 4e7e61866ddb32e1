"""Saves a training as an MLflow model that takes raw input and loads without the repository.

It is saved once, when the training ends, and only copied after that, so that its files stay the same
when the board is rebuilt.
"""

from __future__ import annotations

import ast
import datetime
import importlib.metadata
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import strokecast
from strokecast.common import files
from strokecast.features.records.spec import ForecastSpec
from strokecast.models.common import registry

LOADER = "strokecast.tracking.loader"
_OPTIONAL_DRAW_COLUMNS = ("temperature", "seed", "n")
_COMMON_REQUIREMENTS = ("mlflow", "numpy", "pandas", "pydantic")
_MODEL_FILES = (
    "model.keras",
    "model.json",
    "model.npz",
    "calibration.json",
    "correction.json",
    "spec.json",
    "config.json",
)
_KIND_REQUIREMENTS = {"network": ("tensorflow", "keras"), "estimator": ("scikit-learn",), "rule": ()}


def save(folder: Path, run: Mapping[str, Any]) -> None:
    """Write `folder`/pyfunc from the model, spec.json and config.json in `folder`.

    Args:
        folder: a trained model's folder.
        run: its `run.json`, from which the ids and times in the model are taken.
    """
    spec = files.read_json(folder / "spec.json")
    config = files.read_json(folder / "config.json")["config"]
    reads_time = bool(config.get("time")) or spec.get("by") == "time"
    conditional = bool(config.get("conditional", True))
    architecture = registry.get(run["task"], run["name"])
    with tempfile.TemporaryDirectory(dir=folder.parent) as work_dir:  # the disk of the model, not of /tmp
        data = Path(work_dir) / "model"
        copy_model(folder, data)
        write(
            folder / "pyfunc",
            data,
            run,
            spec,
            forecast_signature(folder, spec)
            if run["task"] == "forecast"
            else signature(run["task"], reads_time, conditional),
            example(spec, _min_history(folder, spec), reads_time, conditional),
            requirements(run["kind"], (*architecture.requirements, *transform_requirements(spec))),
        )


def copy_model(folder: Path, target: Path) -> None:
    """Copy what prediction needs of a trained model's folder to the new folder `target`."""
    target.mkdir(parents=True)
    for name in _MODEL_FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)


def write(
    target: Path,
    data: Path,
    run: Mapping[str, Any],
    spec: Mapping[str, Any],
    model_signature: Any,
    input_example: Any,
    pip_requirements: Sequence[str],
) -> None:
    """Write an MLflow model.

    Args:
        target: folder to create.
        data: folder that `inference.predictor.load` loads; strokecast's code is copied beside it.
        run: `training_id`, `task`, `name` and `ended_ms` of its training.
        spec: of its data.
        model_signature: columns of input and output.
        input_example: raw input.
        pip_requirements: pinned packages.
    """
    os.environ["MLFLOW_UV_AUTO_DETECT"] = (
        "false"  # the model has its own requirements, not those of this project
    )
    import mlflow.pyfunc
    from mlflow.models import Model

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    end_time = datetime.datetime.fromtimestamp(run["ended_ms"] / 1000, datetime.UTC).replace(tzinfo=None)
    mlflow.pyfunc.save_model(
        path=str(target),
        loader_module=LOADER,
        data_path=str(data),
        code_paths=[str(copy_code(data.parent / "code"))],
        mlflow_model=Model(model_uuid=str(run["training_id"]).replace("-", ""), utc_time_created=end_time),
        signature=model_signature,
        input_example=input_example,
        pip_requirements=list(pip_requirements),
        metadata=_metadata(run, spec),
    )


def _metadata(run: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    facts = {key: spec[key] for key in ("classes", "horizon", "unit") if key in spec}
    return {"training_id": run["training_id"], "task": run["task"], "model": run["name"], **facts}


def requirements(kind: str, further: tuple[str, ...] = ()) -> list[str]:
    """Packages that a model needs, pinned to the installed versions. Only networks need TensorFlow.

    Args:
        kind: kind of the architecture.
        further: packages that the architecture names itself.
    """
    names = _COMMON_REQUIREMENTS + _KIND_REQUIREMENTS[kind] + further
    return [f"{name}=={importlib.metadata.version(name)}" for name in names]


def transform_requirements(spec: ForecastSpec) -> tuple[str, ...]:
    """Packages that a forecaster's input transformation needs."""
    if spec["task"] != "forecast":
        return ()
    from strokecast.features.timeseries import series_spec

    first = series_spec.for_series(spec, series_spec.names(spec)[0])
    holidays = ("holidays",) if spec["calendar"]["holiday_country"] else ()
    boxcox = any(transform["kind"] == "boxcox" for transform in first["transforms"].values())
    return (*holidays, *(("scipy",) if boxcox else ()))


def signature(task: str, reads_time: bool, conditional: bool = True) -> Any:
    """Input and output columns. Cells may be lists, arrays, integers or text: the predictor checks them.

    Args:
        task: one of `strokecast.params.TASKS`, except `forecast`.
        reads_time: whether the model reads the time of each point.
        conditional: whether a model of `draw` draws a requested class.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Array

    inputs: dict[str, Any] = {"strokes": AnyType(), **({"times": AnyType()} if reads_time else {})}
    outputs: dict[str, Any] = {
        "label": DataType.string,
        "probability": DataType.double,
        "probabilities": Array(DataType.double),
    }
    if task == "draw":
        inputs = {name: AnyType() for name in (*(("class",) if conditional else ()), *_OPTIONAL_DRAW_COLUMNS)}
        outputs = {"class": DataType.string, "temperature": DataType.double, "seed": DataType.long}
        outputs |= {"number": DataType.long, "strokes": Array(Array(DataType.double))}
    optional = _OPTIONAL_DRAW_COLUMNS if task == "draw" else ()
    return ModelSignature(
        inputs=Schema([ColSpec(kind, name, name not in optional) for name, kind in inputs.items()]),
        outputs=Schema([ColSpec(kind, name) for name, kind in outputs.items()]),
    )


def forecast_signature(folder: Path, spec: ForecastSpec) -> Any:
    """Input columns of a forecaster, with `unique_id` required if there are several series, and its outputs."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    from strokecast.features.timeseries import series_spec
    from strokecast.features.timeseries.window_transformer import raw_columns
    from strokecast.inference import conformal

    first = series_spec.names(spec)[0]
    calibration = conformal.load(folder, first)
    point = conformal.point_column(calibration.method == "cqr")
    outputs: list[Any] = [ColSpec(DataType.datetime, "ds"), ColSpec(DataType.string, "unique_id")]
    outputs += [
        ColSpec(DataType.double, name) for name in (point, *conformal.interval_columns(calibration.levels))
    ]
    inputs = [ColSpec(AnyType(), name) for name in raw_columns(spec)]
    return ModelSignature(
        inputs=Schema([*inputs, ColSpec(AnyType(), "unique_id", required=first != series_spec.SINGLE)]),
        outputs=Schema(outputs),
    )


def _min_history(folder: Path, spec: ForecastSpec) -> int:
    """Days of history that a forecaster needs; 0 for other tasks."""
    if spec["task"] != "forecast":
        return 0
    from strokecast.inference import backtest

    return backtest.min_history(folder, spec)


def example(spec: Any, days: int, reads_time: bool = False, conditional: bool = True) -> Any:
    """Input example in the units of the data: two drawings, two requests to draw, or `days` days of history."""
    import pandas as pd

    if spec["task"] in ("classify", "watch"):
        unit = max(1, round(2 * float(spec["scale"])))
        corner = [[unit, 0, 0], [0, unit, 0], [-unit, 0, 0], [0, -unit, 1]]
        times = {"times": [[300, 600, 900, 1200]] * 2} if reads_time else {}
        return pd.DataFrame({"strokes": [corner, [*corner[:3], [-unit, -unit, 1]]], **times})
    if spec["task"] == "draw":
        classes = {"class": [spec["classes"][0], spec["classes"][-1]]} if conditional else {}
        return pd.DataFrame({**classes, "temperature": [0.3, 0.5], "seed": [1, 2], "n": [2, 1]})
    return _days(spec, days)


def _days(spec: ForecastSpec, count: int) -> Any:
    """`count` days up to the last training day, then the forecast days if the model reads their day types."""
    import numpy as np
    import pandas as pd

    from strokecast.features.timeseries import series_spec
    from strokecast.features.timeseries.transforms import Transform
    from strokecast.features.timeseries.window_transformer import DAY_TYPE, raw_columns

    series = series_spec.names(spec)[0]
    spec = series_spec.for_series(spec, series)
    names = raw_columns(spec)
    future_days = int(spec["horizon"]) if DAY_TYPE in names else 0
    last = datetime.date.fromisoformat(spec["splits"]["train"]["last"])
    dates = [last + datetime.timedelta(days=n) for n in range(1 - count, future_days + 1)]
    wave = np.array([1.0 - (date.weekday() % 3) for date in dates])
    table: dict[str, Any] = {"ds": [date.isoformat() for date in dates]}
    for name in (*spec["targets"], *spec["past_covariates"]):
        values = Transform(**spec["transforms"][name]).inverse_transform(wave).round(3)
        table[name] = np.where(np.arange(len(dates)) < count, values, np.nan)
    if series:
        table["unique_id"] = series
    if future_days:
        table[DAY_TYPE] = spec["calendar"]["day_types"][0]
    return pd.DataFrame(table)


def copy_code(target_dir: Path) -> Path:
    """Copy the strokecast modules that prediction needs, and no others, to `target_dir`.

    Every model gets the same modules, with all architectures, because a process that loads two models
    imports the modules of the first one only.

    Returns:
        The folder `target_dir`/strokecast.
    """
    root = Path(strokecast.__file__).parent
    modules = {LOADER}
    for file in (root / "models").rglob("*.py"):
        modules.add(
            ".".join(("strokecast", *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        )
    for module in sorted(import_closure(modules, root)):
        source = _file_of(module, root)
        assert source is not None  # import_closure returns modules with a file only
        target = target_dir / "strokecast" / source.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target_dir / "strokecast"


def import_closure(modules: set[str], root: Path) -> set[str]:
    """`modules`, all strokecast modules that they import anywhere in their code, and their packages."""
    closure: set[str] = set()
    pending = set(modules)
    while pending:
        module = pending.pop()
        path = _file_of(module, root)
        if module in closure or path is None:
            continue
        closure.add(module)
        names = module.split(".")
        pending |= {".".join(names[:n]) for n in range(1, len(names))}
        pending |= _imported_modules(ast.parse(path.read_text(encoding="utf-8")))
    return closure


def _imported_modules(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "strokecast"}


def _file_of(module: str, root: Path) -> Path | None:
    stem = root.joinpath(*module.split(".")[1:])
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if path.is_file():
            return path
    return None
