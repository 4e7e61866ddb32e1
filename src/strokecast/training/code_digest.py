"""Digest of the source files that the numbers of a training depend on; part of its resume key."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from strokecast.models.common import registry

_PACKAGE = Path(__file__).resolve().parents[1]
_ALWAYS = (
    "training",
    "models/layers",
    "models/common/registry.py",
    "inference/networks.py",
    "features/records/reading.py",
)
_ESTIMATOR = (
    "models/common/estimators.py",
    "models/common/sketch_features.py",
    "features/records/numpy_reader.py",
    "common/tfrecord.py",
)


def code_files(task: str, name: str) -> list[Path]:
    """The source files of this package that the numbers of a training depend on, sorted."""
    files: set[Path] = set()
    estimator = _ESTIMATOR if registry.get(task, name).kind == "estimator" else ()
    for place in (*_ALWAYS, *estimator, f"models/{task}/{name}.py"):
        path = _PACKAGE / place
        files |= set(path.rglob("*.py")) if path.is_dir() else {path}
    return sorted(path for path in files if path.is_file())


def code_digest(task: str, name: str) -> str:
    """Hex sha256 over `code_files` and the versions of the numeric libraries.

    These are TensorFlow, Keras and NumPy, or scikit-learn and NumPy for an estimator.
    """
    total = hashlib.sha256()
    for path in code_files(task, name):
        total.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    estimator = registry.get(task, name).kind == "estimator"
    for package in ("scikit-learn", "numpy") if estimator else ("tensorflow", "keras", "numpy"):
        try:
            total.update(f"{package} {version(package)}\0".encode())
        except PackageNotFoundError:
            continue
    return total.hexdigest()
