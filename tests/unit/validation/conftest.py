"""Small datasets without a fault, for tests that then break one thing."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.sources.formats.reading import Group

Groups = list[Group]


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in an empty project folder of its own; GX keeps silent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)


@pytest.fixture(autouse=True)
def _quick_docs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Great Expectations' own pages take a third of a second: only tests with `real_docs` build them."""
    if "real_docs" not in request.fixturenames:
        from strokecast.validation import data_docs

        monkeypatch.setattr(data_docs, "_site", lambda report, base: [])


@pytest.fixture
def real_docs() -> None:
    """The Data Docs are built in whole."""


@pytest.fixture
def groups() -> Groups:
    """Two classes, three splits, six distinct drawings of 5 to 9 points each."""
    rng = np.random.default_rng(3)
    found: Groups = []
    for label in ("crab", "ice cream"):
        for split in ("train", "valid", "test"):
            drawings = []
            for index in range(6):
                drawing = rng.integers(-40, 40, size=(5 + index % 5, 3)).astype(np.int16)
                drawing[:, 2] = 0
                drawing[2, 2] = drawing[-1, 2] = 1
                drawings.append(drawing)
            ids = [f"{label}/{split}/{index}" for index in range(6)]
            found.append(Group(label, split, drawings, ids, []))
    return found


@pytest.fixture
def sketch_source() -> dict[str, Any]:
    return {"source": "memory", "classes": ["crab", "ice cream"], "files": {}}


@pytest.fixture
def cells() -> Callable[..., pd.DataFrame]:
    """(days, first) → rows as `sources.tables.read_series` gives them, values 101, 102, ..."""

    def make(days: int = 30, first: str = "2020-01-01") -> pd.DataFrame:
        start = datetime.date.fromisoformat(first)
        return pd.DataFrame(
            {
                "row": pd.Series(range(1, days + 1), dtype="int64"),
                "ds": [(start + datetime.timedelta(days=n)).isoformat() for n in range(days)],
                "y": [str(101 + n) for n in range(days)],
            }
        )

    return make


@pytest.fixture
def series_source() -> dict[str, Any]:
    return {
        "source": "csv",
        "name": "rides",
        "unit": "rides",
        "file": "series.csv",
        "date_format": "%Y-%m-%d",
        "thousands": "",
    }


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the repository."""
    folder = Path(__file__).resolve().parents[3] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside the repository")
    return folder
