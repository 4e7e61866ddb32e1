"""Scripts of `benchmarks/` as modules."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def import_benchmark() -> Iterator[Callable[[str], Any]]:
    """`import_benchmark(name)`: the script of this name; it finds its neighbours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "benchmarks"))
        yield importlib.import_module
