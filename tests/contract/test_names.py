"""Names drawn from all printable Unicode, from the source to the params of a run: they arrive as they are."""

from __future__ import annotations

import csv
import datetime
import json
import logging
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from strokecast.common.errors import UserError
from strokecast.features.timeseries.forecast import preprocess
from strokecast.params import Csv, ForecastFeatures, NpzFolder, SeriesQuality, SketchQuality
from strokecast.sources import tables
from strokecast.sources.formats import reading, source_json
from strokecast.sources.series import csv as csv_source
from strokecast.sources.sketches import npz_folder
from strokecast.tracking import run_record
from strokecast.validation import data_docs
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.validate import validate_series
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches

# Everything that `str.isprintable` accepts, and the spaces that it does not.
PRINTABLE = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
FORECAST = {"task": "forecast", "name": "ridge", "seed": 1}


def distinct(count: int) -> st.SearchStrategy[list[str]]:
    def key(name: str) -> str:
        return unicodedata.normalize("NFKC", name.casefold()).strip()

    return st.lists(
        st.text(PRINTABLE, min_size=1, max_size=30), min_size=count, max_size=count, unique_by=key
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project without Great Expectations' pages, which take a third of a second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    monkeypatch.setattr(data_docs, "_build_site", lambda report, site_dir: [])
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    return tmp_path


def write_series(path: Path, columns: list[str], ids: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, series in enumerate(ids, start=1):
            for day in range(60):
                date = datetime.date(2020, 1, 1) + datetime.timedelta(day)
                writer.writerow([date, series, 100 * number + 10 * (day % 7) + day % 3, 50 + day % 7])


def check_mlflow(params: dict[str, str]) -> None:
    from mlflow.utils import validation

    for key, value in params.items():
        validation._validate_param(key, value)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(distinct(4), distinct(3))
@example(["date, ds", "id/|'", "visits, in %", "a/b $x$ _x0025_"], ["O'Brien", "..", "<i>"])
@example([" ds", "y", "ds ", "\u3000y"], ["NA", "1.0", "nan"])
def test_columns_and_series_of_any_name_reach_the_board(
    folder: Path, columns: list[str], ids: list[str]
) -> None:
    write_series(folder / "series.csv", columns, ids)
    date, series, value, extra = columns
    try:
        options = Csv(
            path="series.csv",
            date_column=date,
            id_column=series,
            value_column=value,
            extra_columns=(extra,),
            unit=value,
            unique_id=ids[0].strip(),
        )
        raw = folder / "raw"
        raw.mkdir(exist_ok=True)
        csv_source.fetch(options, raw)
    except (UserError, ValidationError):  # both are shown as one line
        return
    validate_series(
        tables.read_series(raw),
        SeriesSource.from_json(source_json.read(raw, "series")),
        SeriesQuality(),
        folder / "valid",
    )
    features = ForecastFeatures(
        series="all", series_id=True, targets=("y", extra), lags=(7,), input_size=14, horizon=2, valid_from=0.6,
        test_from=0.8, calendar=("weekday",), holiday_country=None,
    )  # fmt: skip
    spec: Any = preprocess(folder / "valid", folder / "processed", features)
    assert set(spec["series"]) == {name.strip() for name in ids}
    assert spec["targets"] == ["y", extra]
    params = run_record.params(
        FORECAST, json.loads((folder / "processed" / "spec.json").read_text()), "estimator"
    )
    check_mlflow(params)
    assert params["features.unit"] == value


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(distinct(3).map(lambda names: [name.replace("/", "|") for name in names]))
@example(["a $_$ b", "O'Brien & co, (50 %) #1 <b>", "con"])
@example(["..a", "b", "c"])
def test_classes_of_any_name_are_read_as_they_are(folder: Path, classes: list[str]) -> None:
    source, raw = folder / "npz", folder / "raw"
    for path in (source, raw):
        path.mkdir(exist_ok=True)
        for stale in path.iterdir():
            stale.unlink()
    for number, name in enumerate(classes):
        drawings = np.empty(5, object)
        drawings[:] = [
            np.array([[5, n, 0], [number, 5, 0], [-5, n, 0], [2, 0, 1]], np.int16) for n in range(5)
        ]
        np.savez(source / f"{name}.npz", train=drawings[:3], valid=drawings[3:4], test=drawings[4:])
    try:
        npz_folder.fetch(NpzFolder(folder=str(source)), raw)
    except UserError:  # one line
        return
    facts = source_json.read(raw, "sketches")
    visible = {name for name in classes if not name.startswith(".")}
    assert set(facts["classes"]) == visible
    result = validate_sketches(
        lambda: list(reading.read(raw)), SketchSource.from_json(facts), SketchQuality(max_quarantined=0.9)
    )
    assert result.report["accepted"] == 5 * len(visible)
