"""What every test stands on."""

from __future__ import annotations

import multiprocessing.process
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


platform.processor()  # MLflow asks for it when it is imported; the first call starts `uname`, later ones do not
UNIT = Path(__file__).parent / "unit"
UNIT_SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of `make test` that is not of the pipeline has a minute."""
    for item in items:
        if _is_unit(item):
            item.add_marker(pytest.mark.timeout(UNIT_SECONDS))


def _is_unit(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("slow", "beam"))
    return item.path.is_relative_to(UNIT) and not marked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A unit test, its fixtures included, starts no process: one that does is marked `slow` (or `beam`)."""
    if not _is_unit(item):
        return (yield)

    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a unit test starts a process: mark it slow, or test the logic without one")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", refuse)
        patch.setattr(multiprocessing.process.BaseProcess, "start", refuse)
        return (yield)
