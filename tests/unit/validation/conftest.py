"""Small valid datasets; each test introduces one fault."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from strokecast.sources.formats.reading import Group
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.sketches.source import SketchSource


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in its own empty project folder, and silence Great Expectations."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)


@pytest.fixture(autouse=True)
def _fast_docs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip Great Expectations' pages, which take a third of a second, unless a test uses `real_docs`."""
    if "real_docs" not in request.fixturenames:
        from strokecast.validation import data_docs

        monkeypatch.setattr(data_docs, "_build_site", lambda report, site_dir: [])


@pytest.fixture
def real_docs() -> None:
    """Build the Data Docs in full."""


@pytest.fixture
def groups() -> list[Group]:
    """Two classes, three splits, six distinct drawings of 5 to 9 points each."""
    rng = np.random.default_rng(3)
    groups: list[Group] = []
    for label in ("crab", "ice cream"):
        for split in ("train", "valid", "test"):
            drawings = []
            for index in range(6):
                drawing = rng.integers(-40, 40, size=(5 + index % 5, 3)).astype(np.int16)
                drawing[:, 2] = 0
                drawing[2, 2] = drawing[-1, 2] = 1
                drawings.append(drawing)
            ids = [f"{label}/{split}/{index}" for index in range(6)]
            groups.append(Group(label, split, drawings, ids, []))
    return groups


@pytest.fixture
def sketch_source() -> SketchSource:
    return SketchSource("memory", ("crab", "ice cream"))


@pytest.fixture
def cells() -> Callable[..., pd.DataFrame]:
    """(days, first) → rows as `sources.tables.read_series` returns them, values 101, 102, ..."""

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
def series_source() -> SeriesSource:
    return SeriesSource(source="csv", name="rides", unit="rides")


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the repository."""
    folder = Path(__file__).resolve().parents[3] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside the repository")
    return folder
