"""Console output: progress bars only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], description: str, total: int | None = None, unit: str = "it") -> Iterable[T]:
    """`items` with a progress bar if stderr is a terminal."""
    from tqdm import tqdm

    return tqdm(items, desc=description, total=total, unit=unit, leave=False, disable=not sys.stderr.isatty())
