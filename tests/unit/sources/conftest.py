"""Fixtures: the shared real data, tiny Sketch-RNN files, params built from a mapping."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast import params
from strokecast.sources.formats import npz

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the repository."""
    if not SHARED.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SHARED} is absent under CI=true")
        pytest.skip(f"real data is absent: {SHARED}")
    return SHARED


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, the current one."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return root


@pytest.fixture
def settings() -> Callable[..., params.Params]:
    """`settings(sketches={...}, series={...})`: all params, these on top of the defaults."""

    def make(**values: Any) -> params.Params:
        return params.parse(values)

    return make


@pytest.fixture
def drawings() -> dict[str, list[np.ndarray]]:
    """Three splits of small int16 drawings, every one of them different."""
    rng = np.random.default_rng(5)

    def one() -> np.ndarray:
        points = rng.integers(-90, 90, (int(rng.integers(2, 9)), 3)).astype(np.int16)
        points[:, 2] = 0
        points[-1, 2] = 1
        return points

    return {
        "train": [one() for _ in range(6)],
        "valid": [one() for _ in range(2)],
        "test": [one() for _ in range(3)],
    }


@pytest.fixture
def mirror(tmp_path: Path, drawings: dict[str, list[np.ndarray]]) -> Path:
    """A local folder laid out as the official bucket, with three classes."""
    folder = tmp_path / "mirror" / "sketchrnn"
    folder.mkdir(parents=True)
    for label in ("cat", "coffee cup", "The Eiffel Tower"):
        npz.write_class(folder / f"{label}.npz", drawings)
    return folder.parent
