"""Fixtures and limits of all tests: an unchanged `sys.path`, no processes in unit tests, a timeout."""

from __future__ import annotations

import functools
import gc
import multiprocessing.process
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest


@pytest.fixture(scope="session")
def search_path() -> list[str]:
    """`sys.path` before the first test."""
    return list(sys.path)


@pytest.fixture(autouse=True)
def same_search_path(search_path: list[str]) -> Iterator[None]:
    """Restore `sys.path` after each test: MLflow prepends the code of each model that it loads.

    Processes of later tests would import that copy, which has only the modules that the model needs.
    """
    yield
    sys.path[:] = search_path


gc.set_threshold(
    100_000, 50, 100
)  # as in every stage; with Python's own, collections take a tenth of the time
os.environ.pop("MLFLOW_TRACKING_URI", None)  # no test writes to a server of the user
hypothesis.settings.register_profile("any machine", deadline=None)  # each test has a timeout of its own
hypothesis.settings.load_profile("any machine")
platform.processor()  # MLflow calls it on import; the first call starts `uname`, its result is cached
TESTS = Path(__file__).parent
UNIT = TESTS / "unit"
UNIT_SECONDS = 60
LONGEST_FIRST = ("pipeline", "contract")  # otherwise one worker ends a minute after the other


def pytest_configure(config: pytest.Config) -> None:
    """Hide GPUs from all tests but those marked `gpu`: the expected numbers are those of a CPU."""
    if config.getoption("-m") != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `gpu` on a machine without one."""
    if item.get_closest_marker("gpu") and (reason := _no_gpu()):
        pytest.skip(reason)


@functools.cache
def _no_gpu() -> str:
    """Why there is no GPU; "" if there is one."""
    if not Path("/dev/nvidiactl").exists():
        return "no driver of NVIDIA is loaded (/dev/nvidiactl does not exist)"
    import tensorflow as tf

    return (
        ""
        if tf.config.list_physical_devices("GPU")
        else "TensorFlow sees no GPU: `strokecast devices` says why"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every unit test a timeout of `UNIT_SECONDS`, and begin with the folders of the longest files."""
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0] not in LONGEST_FIRST)
    for item in items:
        if _is_unit(item):
            item.add_marker(pytest.mark.timeout(UNIT_SECONDS))


def _is_unit(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("slow", "gpu", "beam", "foundation"))
    return item.path.is_relative_to(UNIT) and not marked


def pytest_collection_finish() -> None:
    """Leave what is imported by now out of all later garbage collections."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Fail unit tests whose code or fixtures start a process; such tests are marked `slow`, `beam` or `foundation`."""
    if not _is_unit(item):
        return (yield)

    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("a unit test starts a process: mark it slow, or test the logic without one")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", fail)
        patch.setattr(multiprocessing.process.BaseProcess, "start", fail)
        return (yield)
