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
from strokecast import files

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
        for name in ("model.keras", "model.json", "model.npz", "spec.json", "config.json"):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, data / name)
        mlflow.pyfunc.save_model(
            path=str(folder / "pyfunc"),
            loader_module=LOADER,
            data_path=str(data),
            code_paths=[str(copy_code(Path(place) / "code"))],
            mlflow_model=Model(model_uuid=str(run["training_id"]).replace("-", ""), utc_time_created=ended),
            signature=signature(run["task"], timed, asked),
            input_example=example(spec, min_history(folder, spec), timed, asked),
            pip_requirements=requirements(run["kind"]),
            metadata=_metadata(run, spec),
        )


def _metadata(run: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: spec[key] for key in ("classes", "horizon", "unit") if key in spec}
    return {"training_id": run["training_id"], "task": run["task"], "model": run["name"], **kept}


def requirements(kind: str) -> list[str]:
    """What a model needs, pinned to the versions it was trained with; only a network needs TensorFlow."""
    names = _COMMON + _FURTHER[kind]
    return [f"{name}=={importlib.metadata.version(name)}" for name in names]


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
    if task == "forecast":
        given, made = {"ds": AnyType(), "y": AnyType()}, {"ds": DataType.datetime, "y": DataType.double}
    if task == "draw":
        given = {name: AnyType() for name in (*(("class",) if asked else ()), *_OPTIONAL)}
        made = {"class": DataType.string, "temperature": DataType.double, "seed": DataType.long}
        made |= {"number": DataType.long, "strokes": Array(Array(DataType.double))}
    optional = _OPTIONAL if task == "draw" else ()
    inputs = Schema([ColSpec(kind, name, name not in optional) for name, kind in given.items()])
    return ModelSignature(inputs=inputs, outputs=Schema([ColSpec(kind, name) for name, kind in made.items()]))


def min_history(folder: Path, spec: Mapping[str, Any]) -> int:
    """Days of history that a forecast model needs; 0 for a classifier."""
    if spec["task"] != "forecast":
        return 0
    if (folder / "model.json").is_file():
        from strokecast.models.inference import load_rule

        return int(load_rule(folder).min_history)
    return int(spec["window"])


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
    last = datetime.date.fromisoformat(spec["splits"]["train"]["last"])
    mean, std = spec["scaling"]["mean"], spec["scaling"]["std"]
    dates = [(last - datetime.timedelta(days=days - 1 - n)) for n in range(days)]
    values = [round(mean + std * (1 - (date.weekday() % 3)), 3) for date in dates]
    return pd.DataFrame({"ds": [date.isoformat() for date in dates], "y": values})


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
