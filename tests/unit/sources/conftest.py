"""Fixtures of the tests of sources: real data, tiny files of each format, params built from keywords."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast import params
from strokecast.sources.formats import npz

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository."""
    if not SHARED.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SHARED} is absent under CI=true")
        pytest.skip(f"real data is absent: {SHARED}")
    return SHARED


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, used as the working directory."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return root


@pytest.fixture
def raw_folder(tmp_path: Path) -> Path:
    """An empty folder that a source fetches into."""
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def settings() -> Callable[..., params.Params]:
    """`settings(sketches={...}, series={...})`: the default params with these sections changed."""

    def make(**sections: Any) -> params.Params:
        return params.parse(sections)

    return make


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the proxy variables from the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def drawings() -> dict[str, list[np.ndarray]]:
    """Three splits of small int16 drawings; no two are equal."""
    rng = np.random.default_rng(5)

    def random_drawing() -> np.ndarray:
        points = rng.integers(-90, 90, (int(rng.integers(2, 9)), 3)).astype(np.int16)
        points[:, 2] = 0
        points[-1, 2] = 1
        return points

    return {
        "train": [random_drawing() for _ in range(6)],
        "valid": [random_drawing() for _ in range(2)],
        "test": [random_drawing() for _ in range(3)],
    }


@pytest.fixture
def mirror(tmp_path: Path, drawings: dict[str, list[np.ndarray]]) -> Path:
    """A local folder with the folders of the official bucket, with three classes."""
    folder = tmp_path / "mirror" / "sketchrnn"
    folder.mkdir(parents=True)
    for label in ("cat", "coffee cup", "The Eiffel Tower"):
        npz.write_class(folder / f"{label}.npz", drawings)
    return folder.parent


@pytest.fixture(scope="session")
def ndjson_line() -> Callable[..., bytes]:
    """`ndjson_line(variant, **fields)`: one ndjson line; keywords replace its fields, None removes one."""

    def make(variant: str = "raw", **fields: Any) -> bytes:
        drawing = [[[0, 100, 100], [0, 0, 50], [0, 10, 20]], [[20, 30], [40, 40], [50, 60]]]
        if variant == "simplified":
            drawing = [[[0, 255, 255], [0, 0, 128]], [[51, 77], [102, 102]]]
        record = {
            "word": "cat",
            "countrycode": "NZ",
            "timestamp": "2017-03-08 21:12:07.26604 UTC",
            "recognized": True,
            "key_id": "5152802093400064",
            "drawing": drawing,
        } | fields
        return json.dumps({key: value for key, value in record.items() if value is not None}).encode()

    return make
