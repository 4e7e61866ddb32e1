"""The frame of every stage script: a first and a last line of output, and one line for a user's mistake."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from strokecast.common import cache_room, environment, failures, project, signals
from strokecast.common.errors import UserError, escape_unprintable


class Outcome:
    """The last line of a stage's output; call it to set the line."""

    def __init__(self) -> None:
        self.line = "done"

    def __call__(self, line: str) -> None:
        self.line = line


@contextmanager
def stage(name: str, description: str, outputs: Sequence[Path] = ()) -> Iterator[Outcome]:
    """Run one stage: print `description`, then one line with the outcome and the time it took.

    Started by DVC, it fails if DVC's cache has no room for the outputs, before the work or after it.

    A `UserError`, a full disk, a refused access, Ctrl-C or SIGTERM ends the process with one line on stderr and exit
    code 1 (130 for Ctrl-C, 143 for SIGTERM), without a traceback. Any other exception is a bug and
    keeps its traceback.

    Args:
        name: of the stage.
        description: of what it does.
        outputs: files and folders that DVC saves afterwards.
    """
    environment.prepare()
    project.forget_foreign_root()
    signals.mark_as_stage()
    print(f"[{name}] {description}", flush=True)
    started = time.monotonic()
    outcome = Outcome()
    try:
        with signals.handled_by(signals.raise_interrupted):
            if is_saved := bool(outputs and os.environ.get("DVC_STAGE")):
                cache_room.check_room(outputs)
            yield outcome
            if is_saved:
                cache_room.check_room(outputs)
    except UserError as error:
        _fail(name, str(error))
    except Exception as error:
        line = failures.describe(error, "run again: finished work is kept")
        if not line:
            raise
        _fail(name, line)
    except KeyboardInterrupt as error:
        number, after = getattr(error, "number", signal.SIGINT), getattr(error, "after", "")
        line = f"interrupted {after}".rstrip()
        print(f"[{name}] {line}; run `dvc repro` again to resume", file=sys.stderr, flush=True)
        raise SystemExit(128 + number) from None
    print(f"[{name}] {escape_unprintable(outcome.line)} ({time.monotonic() - started:.1f} s)", flush=True)


def _fail(name: str, line: str) -> None:
    print(f"[{name}] error: {line}", file=sys.stderr, flush=True)
    raise SystemExit(1) from None
