"""Checkpoints from which a training resumes bit for bit.

A checkpoint is an npz file (no pickle) with everything that the next step depends on: the variables of
the network with the states of its dropout seeds, those of the optimizer, the averaged weights and the
sums of the running epoch; the best weights; and a JSON text with epoch, step and the history so far. The
order of the data needs no state because it is a pure function of (seed, epoch, step).
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strokecast.training.guards import disk

HistoryRow = dict[str, float | int]

_MAX_TO_KEEP = 2  # the newest, and the one before it in case the newest is damaged
_PREFIX = "checkpoint-"
_TEMPORARY = ".checkpoint.tmp"


@dataclass
class TrainState:
    """Progress of a training.

    Attributes:
        epoch: finished epochs, validation included.
        step: finished steps of the running epoch.
        rows: the history, one row per epoch.
        best_loss: lowest validation loss so far.
        best_epoch: its epoch, from 1; 0 before the first.
        best: `model.get_weights()` of that epoch.
        seconds: wall time spent so far, over all processes that worked on the training.
        valid_speeds: examples per second of each validation pass, passes with tracing left out.
        replicas: devices that shared the last step.
    """

    epoch: int = 0
    step: int = 0
    rows: list[HistoryRow] = field(default_factory=list)
    best_loss: float = math.inf
    best_epoch: int = 0
    best: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    valid_speeds: list[float] = field(default_factory=list)
    replicas: int = 1


_JSON_FIELDS = ("epoch", "step", "rows", "best_loss", "best_epoch", "seconds", "valid_speeds", "replicas")


class CheckpointManager:
    """Writes and reads the checkpoints of one training.

    Args:
        folder: folder for this training's checkpoints alone; None: no checkpoints are written.
        variables: everything that the next step depends on, in a fixed order. Each has `numpy` and `assign`.
        share: the chief's bytes → these bytes on all machines of the training; None: one machine.
    """

    def __init__(
        self,
        folder: Path | None,
        variables: Sequence[Any],
        share: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._folder, self._variables, self._share = folder, list(variables), share

    def save(self, state: TrainState) -> None:
        """Write a checkpoint whole or not at all, and delete all but the newest two.

        Raises:
            OSError: ENOSPC if the disk is full; the earlier checkpoints are still there.
        """
        if self._folder is None:
            return
        import numpy as np

        state_json = json.dumps({name: getattr(state, name) for name in _JSON_FIELDS})
        arrays = {f"state-{n:05d}": variable.numpy() for n, variable in enumerate(self._variables)}
        arrays |= {f"best-{n:05d}": value for n, value in enumerate(state.best)}
        arrays["json"] = np.frombuffer(state_json.encode(), np.uint8)
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
        for old in self._checkpoints()[_MAX_TO_KEEP:]:
            old.unlink(missing_ok=True)

    def load(self) -> TrainState | None:
        """Restore the newest intact checkpoint into the variables; None if there is no checkpoint.

        A damaged checkpoint, or one of another network, is named on stderr and removed. The one before it is
        tried next. Of several machines, the chief sends its checkpoint to the others.
        """
        path, state = self._newest()
        if self._share is None:
            return state
        content = self._share(b"" if path is None else path.read_bytes())
        return self._read(io.BytesIO(content)) if state is None and content else state

    def _newest(self) -> tuple[Path | None, TrainState | None]:
        """The newest intact checkpoint in the folder, and its state."""
        if self._folder is None or not self._folder.is_dir():
            return None, None
        for stale in self._folder.glob(f"{_TEMPORARY}*"):
            stale.unlink(missing_ok=True)
        for path in self._checkpoints():
            try:
                return path, self._read(path)
            except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                print(f"checkpoint {path.name} is skipped: {reason}", file=sys.stderr, flush=True)
                path.unlink(missing_ok=True)
        return None, None

    def _checkpoints(self) -> list[Path]:
        """The checkpoints, newest first."""
        assert self._folder is not None
        return sorted(self._folder.glob(f"{_PREFIX}*.npz"), reverse=True)

    def _read(self, path: Path | io.BytesIO) -> TrainState:
        import numpy as np

        with np.load(path, allow_pickle=False) as stored:  # each member is checked by its CRC-32
            arrays = {name: stored[name] for name in stored.files}
        fields: Mapping[str, Any] = json.loads(arrays["json"].tobytes())
        values = [arrays[f"state-{n:05d}"] for n in range(len(self._variables))]
        best = [value for name, value in sorted(arrays.items()) if name.startswith("best-")]
        for variable, value in zip(self._variables, values, strict=True):
            if tuple(variable.shape) != value.shape or _dtype(variable) != value.dtype.name:
                raise ValueError("it belongs to another network")
        if sum(name.startswith("state-") for name in arrays) != len(values):
            raise ValueError("it belongs to another network")
        state = TrainState(best=best, **{name: fields[name] for name in _JSON_FIELDS})
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        return state


def _dtype(variable: Any) -> str:
    return str(getattr(variable.dtype, "name", variable.dtype))
