"""Checkpoints from which a training goes on bit for bit, and what their key hashes.

A checkpoint is an npz file (no pickle) of all that the next step depends on: the variables of the
network with the states of its dropout seeds, those of the optimizer, the averaged weights, the sums
of the running epoch; the best weights; and a JSON text with epoch, step and the history so far. The
order of the data needs no state: it is a pure function of (seed, epoch, step).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from strokecast.models.common import registry
from strokecast.training.guards import disk

Row = dict[str, float | int]

_PACKAGE = Path(__file__).resolve().parents[1]
_CODE = (
    "training",
    "models/layers",
    "models/common/inference.py",
    "models/common/registry.py",
    "features/common/reading.py",
)
_ESTIMATOR = (
    "models/common/estimators.py",
    "models/common/sketch_features.py",
    "features/common/plain_reading.py",
    "common/tfrecord.py",
)
_KEPT = 2  # the newest, and the one before it in case that one is damaged
_PREFIX = "checkpoint-"
_TEMPORARY = ".checkpoint.tmp"


def code_files(task: str, name: str) -> list[Path]:
    """The files of this package that the numbers of a training depend on, sorted."""
    found: set[Path] = set()
    more = _ESTIMATOR if registry.get(task, name).kind == "estimator" else ()
    for place in (*_CODE, *more, f"models/{task}/{name}.py"):
        path = _PACKAGE / place
        found |= set(path.rglob("*.py")) if path.is_dir() else {path}
    return sorted(path for path in found if path.is_file())


def code_digest(task: str, name: str) -> str:
    """Hex sha256 over the contents of `code_files` and the versions of what reckons: TensorFlow, or scikit-learn."""
    total = hashlib.sha256()
    for path in code_files(task, name):
        total.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    plain = registry.get(task, name).kind == "estimator"
    for package in ("scikit-learn", "numpy") if plain else ("tensorflow", "keras", "numpy"):
        try:
            total.update(f"{package} {version(package)}\0".encode())
        except PackageNotFoundError:
            continue
    return total.hexdigest()


@dataclass
class State:
    """How far a training is.

    Attributes:
        epoch: whole epochs done, validation included.
        step: steps done of the next epoch.
        rows: the history, one row an epoch.
        best_loss: lowest validation loss so far.
        best_epoch: its epoch, from 1; 0 before the first.
        best: `model.get_weights()` of that epoch.
        seconds: wall time spent so far, in all processes that worked on it.
        passes: examples a second of each validation pass that paid for no tracing.
    """

    epoch: int = 0
    step: int = 0
    rows: list[Row] = field(default_factory=list)
    best_loss: float = math.inf
    best_epoch: int = 0
    best: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    passes: list[float] = field(default_factory=list)


_TOLD = ("epoch", "step", "rows", "best_loss", "best_epoch", "seconds", "passes")


class Keeper:
    """Writes and reads the checkpoints of one training.

    Args:
        folder: that training's own, named by the hash of its code, settings and data; None: nothing
            is kept.
        variables: all that the next step depends on, in a fixed order; each has `numpy` and `assign`.
    """

    def __init__(self, folder: Path | None, variables: Sequence[Any]) -> None:
        self._folder, self._variables = folder, list(variables)

    def save(self, state: State) -> None:
        """Write a checkpoint beside the earlier ones, whole or not at all; the newest two are kept.

        Raises:
            OSError: ENOSPC if the disk is full; the earlier checkpoints are still there.
        """
        if self._folder is None:
            return
        import numpy as np

        told = json.dumps({name: getattr(state, name) for name in _TOLD})
        arrays = {f"state-{n:05d}": variable.numpy() for n, variable in enumerate(self._variables)}
        arrays |= {f"best-{n:05d}": value for n, value in enumerate(state.best)}
        arrays["told"] = np.frombuffer(told.encode(), np.uint8)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{_PREFIX}{state.epoch:06d}-{state.step:09d}.npz"
        temporary = self._folder / f"{_TEMPORARY}-{os.getpid()}"
        try:
            with disk(path), temporary.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        for old in self._found()[_KEPT:]:
            old.unlink(missing_ok=True)

    def load(self) -> State | None:
        """The newest checkpoint that is whole, its values put into the variables; None where there is none.

        A damaged or foreign one is named on stderr, removed, and the one before it taken.
        """
        if self._folder is None or not self._folder.is_dir():
            return None
        for stale in self._folder.glob(f"{_TEMPORARY}*"):
            stale.unlink(missing_ok=True)
        for path in self._found():
            try:
                return self._read(path)
            except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                print(f"checkpoint {path.name} is passed over: {reason}", file=sys.stderr, flush=True)
                path.unlink(missing_ok=True)
        return None

    def _found(self) -> list[Path]:
        """The checkpoints, newest first."""
        assert self._folder is not None
        return sorted(self._folder.glob(f"{_PREFIX}*.npz"), reverse=True)

    def _read(self, path: Path) -> State:
        import numpy as np

        with np.load(path, allow_pickle=False) as stored:  # each member is checked by its CRC-32
            arrays = {name: stored[name] for name in stored.files}
        told: Mapping[str, Any] = json.loads(arrays["told"].tobytes())
        values = [arrays[f"state-{n:05d}"] for n in range(len(self._variables))]
        best = [value for name, value in sorted(arrays.items()) if name.startswith("best-")]
        for variable, value in zip(self._variables, values, strict=True):
            if tuple(variable.shape) != value.shape or _dtype(variable) != value.dtype.name:
                raise ValueError("it is that of another network")
        if sum(name.startswith("state-") for name in arrays) != len(values):
            raise ValueError("it is that of another network")
        state = State(best=best, **{name: told[name] for name in _TOLD})
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        return state


def _dtype(variable: Any) -> str:
    return str(getattr(variable.dtype, "name", variable.dtype))
