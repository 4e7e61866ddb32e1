"""What every stage script does alike: say what it does, end in one line, tell mistakes in one line."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from strokecast.errors import UserError

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

    A `UserError`, a full disk or Ctrl-C ends the process with one line on stderr and exit code
    1 (130 for Ctrl-C), without a traceback. Any other exception is a fault of ours and is shown
    whole.
    """
    quiet_environment()
    print(f"[{name}] {doing}", flush=True)
    started = time.monotonic()
    outcome = Outcome()
    try:
        yield outcome
    except UserError as error:
        _fail(name, str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _fail(name, f"the disk is full ({error.filename or 'no file named'}); free some space and run again")
    except KeyboardInterrupt:
        print(f"[{name}] interrupted; run `dvc repro` again to go on", file=sys.stderr, flush=True)
        raise SystemExit(130) from None
    print(f"[{name}] {outcome.line} ({time.monotonic() - started:.1f} s)", flush=True)


def _fail(name: str, line: str) -> None:
    print(f"[{name}] error: {line}", file=sys.stderr, flush=True)
    raise SystemExit(1) from None


def progress(items: Iterable[T], doing: str, total: int | None = None, unit: str = "it") -> Iterable[T]:
    """`items` with a progress bar on a terminal, and in silence where there is none."""
    from tqdm import tqdm

    return tqdm(items, desc=doing, total=total, unit=unit, leave=False, disable=not sys.stderr.isatty())


def start_tensorflow() -> None:
    """Import TensorFlow without the lines that its C++ side writes before it reads its log level.

    Errors are not hidden: a failing import raises as ever, once stderr is back.
    """
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
