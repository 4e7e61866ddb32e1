"""What every stage script does alike: say what it does, end in one line, tell mistakes in one line."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from strokecast.common.errors import UserError
from strokecast.common.import_hiding import without

T = TypeVar("T")

QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


_COLLECT = (100_000, 50, 100)  # a stage lives for seconds: Python's own thresholds cost its imports a fifth
# Keras asks for these for its wrappers, galleries and adapters: two seconds of each stage that trains or judges.
_NOT_FOR_KERAS = ("sklearn", "matplotlib", "pandas")
_INSIST = 2.0  # seconds; a further signal sooner than that is taken for the same one


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM came.

    Args:
        number: of the signal.
        after: how far the stage got, where something was kept.
    """

    def __init__(self, number: int, after: str = "") -> None:
        super().__init__(after or signal.Signals(number).name)
        self.number, self.after = number, after


class Outcome:
    """Collects the one line that a stage ends with."""

    def __init__(self) -> None:
        self.line = "done"

    def __call__(self, line: str) -> None:
        self.line = line


def quiet_environment() -> None:
    """Switch the telemetry and start-up chatter of every tool off, unless the user set it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


@contextmanager
def stage(name: str, doing: str) -> Iterator[Outcome]:
    """Run one stage: print what it does, then one line of what came out and how long it took.

    A `UserError`, a full disk, Ctrl-C or SIGTERM ends the process with one line on stderr and exit
    code 1 (130 for Ctrl-C, 143 for SIGTERM), without a traceback. Any other exception is a fault of
    ours and is shown whole.
    """
    quiet_environment()
    gc.set_threshold(*_COLLECT)
    _orphan.parent = os.getppid()
    print(f"[{name}] {doing}", flush=True)
    started = time.monotonic()
    outcome = Outcome()
    try:
        with _handled(_raise):
            yield outcome
    except UserError as error:
        _fail(name, str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _fail(name, f"the disk is full ({error.filename or 'no file named'}); free some space and run again")
    except KeyboardInterrupt as error:
        number, after = getattr(error, "number", signal.SIGINT), getattr(error, "after", "")
        line = f"interrupted {after}".rstrip()
        print(f"[{name}] {line}; run `dvc repro` again to go on", file=sys.stderr, flush=True)
        raise SystemExit(128 + number) from None
    print(f"[{name}] {outcome.line} ({time.monotonic() - started:.1f} s)", flush=True)


class _Orphan:
    """Whether the `dvc repro` that started this stage is gone: then nobody waits for its outputs."""

    parent = 0

    def __call__(self) -> bool:
        return bool(self.parent and os.environ.get("DVC_STAGE") and os.getppid() != self.parent)


_orphan = _Orphan()
Handler = Callable[[int, Any], None]


def _raise(number: int, _: Any) -> None:
    raise Interrupted(number)


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """SIGINT and SIGTERM go to `handler` inside the block; elsewhere than in the main thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


@contextmanager
def deferred() -> Iterator[Callable[[], int | None]]:
    """Inside the block, SIGINT and SIGTERM are noted instead of ending the process at once.

    Yields a function that tells the number of the signal that came, if one did; SIGTERM also if
    the `dvc repro` that started this stage is gone. Who sends a second one after two seconds ends
    the process there and then.
    """
    noted: list[tuple[int, float]] = []

    def note(number: int, frame: Any) -> None:
        if noted and time.monotonic() - noted[0][1] > _INSIST:
            _raise(number, frame)
        noted.append((number, time.monotonic()))

    def pending() -> int | None:
        if noted:
            return noted[0][0]
        return signal.SIGTERM if _orphan() else None

    with _handled(note):
        yield pending


def _fail(name: str, line: str) -> None:
    print(f"[{name}] error: {line}", file=sys.stderr, flush=True)
    raise SystemExit(1) from None


def progress(items: Iterable[T], doing: str, total: int | None = None, unit: str = "it") -> Iterable[T]:
    """`items` with a progress bar on a terminal, and in silence where there is none."""
    from tqdm import tqdm

    return tqdm(items, desc=doing, total=total, unit=unit, leave=False, disable=not sys.stderr.isatty())


def start_tensorflow() -> None:
    """Import TensorFlow without the lines that its C++ side writes before it reads its log level.

    A stage imports it, and Keras with it, without libraries that Keras can do without and no stage hands
    it anything of. In a process that is not a stage's, Keras is whole. Errors are not hidden: a failing import raises as ever, once stderr is back.
    """
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with without(_NOT_FOR_KERAS if _orphan.parent else ()):
            importlib.import_module("tensorflow")
            importlib.import_module("keras")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
