"""The source `births`: its figures and its bytes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from strokecast.common import paths
from strokecast.params import Params
from strokecast.sources import registry, tables

Settings = Callable[..., Params]
RAW = paths.RAW / "series"


@pytest.mark.parametrize(
    ("years", "published_file"),
    [("2000-2014", "us_births_2000_2014_ssa.csv"), ("1969-1988", "us_births_1969_1988.csv")],
)
def test_births_equal_the_published_figures(
    project: Path, settings: Settings, shared: Path, years: str, published_file: str
) -> None:
    line = registry.download("series", settings(series={"births": {"years": years}}))
    frame = tables.read_series(RAW)
    with (shared / "series" / published_file).open() as file:
        published = [(row["date"], float(row["value"])) for row in csv.DictReader(file)]
    assert list(zip(frame["ds"], frame["y"].astype(float), strict=True)) == published
    assert list(frame["row"][[0, len(frame) - 1]]) == [1, len(published)]
    assert f"{len(published):,} days" in line
    assert json.loads((RAW / "source.json").read_text())["source"] == "births"


def test_two_downloads_have_the_same_bytes(project: Path, settings: Settings) -> None:
    registry.download("series", settings())
    first = (RAW / "series.csv").read_bytes(), (RAW / "source.json").read_bytes()
    registry.download("series", settings())
    assert first == ((RAW / "series.csv").read_bytes(), (RAW / "source.json").read_bytes())
    assert not list(paths.RAW.glob(".series.tmp-*"))
