"""What every test stands on."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def search_path() -> list[str]:
    """Where modules are looked for before any test ran."""
    return list(sys.path)


@pytest.fixture(autouse=True)
def same_search_path(search_path: list[str]) -> Iterator[None]:
    """Modules are looked for where they were: MLflow puts the code of each model that it loads in front.

    A process that a later test starts would import that copy, which holds just what the model needs.
    """
    yield
    sys.path[:] = search_path
