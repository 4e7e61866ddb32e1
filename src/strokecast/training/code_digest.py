"""Digest of the source files that the numbers of a training depend on; part of its resume key."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from strokecast.common.source_digest import source_digest, source_files
from strokecast.models.common import registry

_PACKAGE = Path(__file__).resolve().parents[1]
_ALWAYS = (
    "training",
    "models/layers",
    "models/common/distil.py",
    "models/common/registry.py",
    "models/common/residual.py",
    "inference/networks.py",
    "features/records/reading.py",
)
_ESTIMATOR = (
    "models/common/estimators.py",
    "models/common/sketch_features.py",
    "features/records/numpy_reader.py",
    "common/tfrecord.py",
)
_DAYS = (  # forecasters without a network
    "common/public_holidays.py",
    "inference/backtest.py",
    "models/pooled",
    "models/regression",
    "models/statistical",
)


def code_files(task: str, name: str) -> list[Path]:
    """The source files of this package that the numbers of a training depend on, sorted."""
    kind = registry.get(task, name).kind
    estimator = _ESTIMATOR if kind == "estimator" else ()
    days = _DAYS if task == "forecast" and kind != "network" else ()
    places = (*_ALWAYS, *estimator, *days, f"models/{task}/{name}.py")
    return sorted({path for place in places for path in source_files(_PACKAGE / place)})


def code_digest(task: str, name: str) -> str:
    """Hex sha256 over the source of `code_files` and the versions of the numeric libraries.

    These are TensorFlow, Keras and NumPy, or scikit-learn and NumPy for an estimator.
    """
    estimator = registry.get(task, name).kind == "estimator"
    versions = []
    for package in ("scikit-learn", "numpy") if estimator else ("tensorflow", "keras", "numpy"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return source_digest(code_files(task, name), _PACKAGE, *versions)
