"""Console output: libraries without telemetry and start-up messages, progress bars only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TypeVar

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


def quiet_environment() -> None:
    """Switch off the telemetry and start-up messages of every tool. Variables that the user set are kept."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def progress(items: Iterable[T], description: str, total: int | None = None, unit: str = "it") -> Iterable[T]:
    """`items` with a progress bar if stderr is a terminal."""
    from tqdm import tqdm

    return tqdm(items, desc=description, total=total, unit=unit, leave=False, disable=not sys.stderr.isatty())
