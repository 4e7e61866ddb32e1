"""A training's folder as an MLflow model that takes raw input and needs no repository to load.

It is saved once, when the training ends, and from then on copied as it is, so that its files are
the same wherever the board is made anew.
"""

from __future__ import annotations

import ast
import datetime
import importlib.metadata
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import strokecast
from strokecast.common import files
from strokecast.models.common import registry

LOADER = "strokecast.tracking.loader"
_OPTIONAL = ("temperature", "seed", "n")  # of a request to draw
_COMMON = ("mlflow", "numpy", "pandas", "pydantic")
_FURTHER = {"network": ("tensorflow", "keras"), "estimator": ("scikit-learn",), "rule": ()}


def save(folder: Path, run: Mapping[str, Any]) -> None:
    """Write `folder`/pyfunc from the model, spec.json and config.json in `folder`.

    Args:
        folder: a trained model's folder.
        run: what its `run.json` says; ids and times inside the model are taken from there.
    """
    os.environ["MLFLOW_UV_AUTO_DETECT"] = "false"  # its requirements are its own, not this project's
    import mlflow.pyfunc
    from mlflow.models import Model

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    spec = files.read_json(folder / "spec.json")
    config = files.read_json(folder / "config.json")["config"]
    timed = bool(config.get("time")) or spec.get("by") == "time"
    asked = bool(config.get("conditional", True))
    ended = datetime.datetime.fromtimestamp(run["ended_ms"] / 1000, datetime.UTC).replace(tzinfo=None)
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "model"
        data.mkdir()
        for name in (
            "model.keras",
            "model.json",
            "model.npz",
            "calibration.json",
            "spec.json",
            "config.json",
        ):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, data / name)
        mlflow.pyfunc.save_model(
            path=str(folder / "pyfunc"),
            loader_module=LOADER,
            data_path=str(data),
            code_paths=[str(copy_code(Path(place) / "code"))],
            mlflow_model=Model(model_uuid=str(run["training_id"]).replace("-", ""), utc_time_created=ended),
            signature=_forecast_signature(folder, spec)
            if run["task"] == "forecast"
            else signature(run["task"], timed, asked),
            input_example=example(spec, _min_history(folder, spec), timed, asked),
            pip_requirements=requirements(
                run["kind"], (*registry.get(run["task"], run["name"]).requirements, *_read(spec))
            ),
            metadata=_metadata(run, spec),
        )


def _metadata(run: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: spec[key] for key in ("classes", "horizon", "unit") if key in spec}
    return {"training_id": run["training_id"], "task": run["task"], "model": run["name"], **kept}


def requirements(kind: str, needs: tuple[str, ...] = ()) -> list[str]:
    """What a model needs, pinned to the versions it was trained with; only a network needs TensorFlow.

    Args:
        kind: of the architecture.
        needs: what the architecture itself names beyond that.
    """
    names = _COMMON + _FURTHER[kind] + needs
    return [f"{name}=={importlib.metadata.version(name)}" for name in names]


def _read(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """What the preparation of a forecaster's input needs."""
    if spec["task"] != "forecast":
        return ()
    from strokecast.features.timeseries import series_spec

    first = series_spec.for_series(spec, series_spec.names(spec)[0])
    holidays = ("holidays",) if spec["calendar"]["holiday_country"] else ()
    boxcox = any(told["kind"] == "boxcox" for told in first["transforms"].values())
    return (*holidays, *(("scipy",) if boxcox else ()))


def signature(task: str, timed: bool, asked: bool = True) -> Any:
    """Column names in and out. Cells may be lists, arrays, integers or text: the predictor checks them.

    Args:
        task: of `strokecast.params.TASKS`.
        timed: the network reads the time of each point.
        asked: the network draws the class that it is asked for.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Array

    given: dict[str, Any] = {"strokes": AnyType(), **({"times": AnyType()} if timed else {})}
    made: dict[str, Any] = {
        "label": DataType.string,
        "probability": DataType.double,
        "probabilities": Array(DataType.double),
    }
    if task == "draw":
        given = {name: AnyType() for name in (*(("class",) if asked else ()), *_OPTIONAL)}
        made = {"class": DataType.string, "temperature": DataType.double, "seed": DataType.long}
        made |= {"number": DataType.long, "strokes": Array(Array(DataType.double))}
    optional = _OPTIONAL if task == "draw" else ()
    inputs = Schema([ColSpec(kind, name, name not in optional) for name, kind in given.items()])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec(kind, name) for name, kind in made.items()]))


def _forecast_signature(folder: Path, spec: Mapping[str, Any]) -> Any:
    """The columns that a forecaster reads, `unique_id` if there are several series, and those it gives."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    from strokecast.features.timeseries import series_spec
    from strokecast.features.timeseries.window_transformer import raw_columns
    from strokecast.inference import conformal

    first = series_spec.names(spec)[0]
    calibration = conformal.load(folder, first)
    point = conformal.point_column(calibration.method == "cqr")
    made: list[Any] = [ColSpec(DataType.datetime, "ds"), ColSpec(DataType.string, "unique_id")]
    made += [
        ColSpec(DataType.double, name) for name in (point, *conformal.interval_columns(calibration.levels))
    ]
    given = [ColSpec(AnyType(), name) for name in raw_columns(spec)]
    return ModelSignature(
        inputs=Schema([*given, ColSpec(AnyType(), "unique_id", required=first != series_spec.SINGLE)]),
        outputs=Schema(made),
    )


def _min_history(folder: Path, spec: Mapping[str, Any]) -> int:
    """Days of history that a forecaster needs; 0 for other tasks."""
    if spec["task"] != "forecast":
        return 0
    from strokecast.inference import backtest

    return backtest.min_history(folder, spec)


def example(spec: Mapping[str, Any], days: int, timed: bool = False, asked: bool = True) -> Any:
    """A small input, made up in the units of the data: two drawings, or as many days as are needed."""
    import pandas as pd

    if spec["task"] in ("classify", "watch"):
        unit = max(1, round(2 * float(spec["scale"])))
        corner = [[unit, 0, 0], [0, unit, 0], [-unit, 0, 0], [0, -unit, 1]]
        times = {"times": [[300, 600, 900, 1200]] * 2} if timed else {}
        return pd.DataFrame({"strokes": [corner, [*corner[:3], [-unit, -unit, 1]]], **times})
    if spec["task"] == "draw":
        ends = {"class": [spec["classes"][0], spec["classes"][-1]]} if asked else {}
        return pd.DataFrame({**ends, "temperature": [0.3, 0.5], "seed": [1, 2], "n": [2, 1]})
    return _days(spec, days)


def _days(spec: Mapping[str, Any], count: int) -> Any:
    """`count` days up to the last training day; where day types are read, the days to come follow with theirs."""
    import numpy as np
    import pandas as pd

    from strokecast.features.timeseries import series_spec
    from strokecast.features.timeseries.transforms import Transform
    from strokecast.features.timeseries.window_transformer import DAY_TYPE, raw_columns

    series = series_spec.names(spec)[0]
    spec = series_spec.for_series(spec, series)
    names = raw_columns(spec)
    ahead = int(spec["horizon"]) if DAY_TYPE in names else 0
    last = datetime.date.fromisoformat(spec["splits"]["train"]["last"])
    dates = [last + datetime.timedelta(days=n) for n in range(1 - count, ahead + 1)]
    wave = np.array([1.0 - (date.weekday() % 3) for date in dates])
    table: dict[str, Any] = {"ds": [date.isoformat() for date in dates]}
    for name in (*spec["targets"], *spec["past_covariates"]):
        values = Transform(**spec["transforms"][name]).inverse_transform(wave).round(3)
        table[name] = np.where(np.arange(len(dates)) < count, values, np.nan)
    if series:
        table["unique_id"] = series
    if ahead:
        table[DAY_TYPE] = spec["calendar"]["day_types"][0]
    return pd.DataFrame(table)


def copy_code(place: Path) -> Path:
    """Copy the strokecast modules that serving needs, and no others, below `place`.

    They are the same for every model, with all architectures: a process that loads two models
    finds the first one's modules when it loads the second.

    Returns:
        The folder `place`/strokecast.
    """
    root = Path(strokecast.__file__).parent
    wanted = {LOADER}
    for file in (root / "models").rglob("*.py"):
        wanted.add(
            ".".join(("strokecast", *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        )
    for module in sorted(closure(wanted, root)):
        source = _file_of(module, root)
        assert source is not None  # closure only returns modules that have a file
        target = place / "strokecast" / source.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return place / "strokecast"


def closure(wanted: set[str], root: Path) -> set[str]:
    """All strokecast modules that `wanted` import, anywhere in their code, and their packages."""
    found: set[str] = set()
    waiting = set(wanted)
    while waiting:
        module = waiting.pop()
        path = _file_of(module, root)
        if module in found or path is None:
            continue
        found.add(module)
        parts = module.split(".")
        waiting |= {".".join(parts[:n]) for n in range(1, len(parts))}
        waiting |= _imports(ast.parse(path.read_text(encoding="utf-8")))
    return found


def _imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "strokecast"}


def _file_of(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split(".")[1:])
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    return None
