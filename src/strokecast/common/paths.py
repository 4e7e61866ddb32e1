"""Where things lie, relative to the project's root (the folder of `dvc.yaml`)."""

from __future__ import annotations

import os
from pathlib import Path

RAW = Path("data/raw")
VALIDATED = Path("data/validated")
PROCESSED = Path("data/processed")
MODELS = Path("models")
REPORTS = Path("reports")
PARAMS = Path("params.yaml")


def board_root() -> Path:
    """Absolute folder that owns `mlruns/` and `.strokecast/`.

    DVC sets `DVC_ROOT` to the parent repository even where `dvc exp run --temp` and queue
    workers run a stage in a temporary copy, so that all of them log to one board.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
