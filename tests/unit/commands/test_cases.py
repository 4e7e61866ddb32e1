"""The files of `tests/cases/`, as users have them, through the pipeline and, if they are series, `strokecast forecast`.

Each is read in full, or refused with one line by both.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from strokecast import params
from strokecast.common import environment, paths
from strokecast.features.sketches import classify
from strokecast.sources import registry
from strokecast.sources.formats import reading, source_json
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches

CASES = Path(__file__).parents[2] / "cases"
GERMAN = {"date_column": "Datum", "value_column": "Umsatz", "date_format": "%d.%m.%Y"}
BERLIN = {"timezone": "Europe/Berlin", "date_format": "auto"}


@dataclass(frozen=True)
class ReadSeries:
    """A series that is read: its days and last value, with options of `series.csv` and variables of the shell."""

    file: str
    options: Mapping[str, Any] = field(default_factory=dict)
    days: int = 500
    last_value: float = 11543.4
    variables: Mapping[str, str] = field(default_factory=dict)
    plot: bool = False
    other_level: bool = False  # than the model's validation days: one line says so

    def check(self, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)
        error, table = project.validate(CASES / self.file, **self.options)
        assert error == ""
        validated = pq.read_table("data/validated/series/series.parquet").to_pandas()
        days = validated["ds"].to_numpy().astype("datetime64[D]")
        assert np.unique(np.diff(days)).astype(int).tolist() == [1]
        assert len(days) == self.days
        assert validated["y"].iloc[-1] == pytest.approx(self.last_value)
        result = project.forecast(CASES / self.file, table, *(["--plot", "out.png"] if self.plot else []))
        assert result.exit_code == 0, result.output
        *said, _ = result.output.splitlines()
        assert ["the median of its last 364 days is" in line for line in said] == [True] * self.other_level
        forecasts = pd.read_csv("out.csv")
        next_day = pd.Timestamp(validated["ds"].iloc[-1]) + pd.Timedelta(days=1)
        assert forecasts["ds"].iloc[0] == str(next_day.date())
        np.testing.assert_allclose(forecasts["mean"], validated["y"].tail(7))
        assert not self.plot or Path("out.png").read_bytes()[:4] == b"\x89PNG"
        assert {name: os.environ[name] for name in self.variables} == {
            name: environment.FIXED[name] for name in self.variables
        }


@dataclass(frozen=True)
class RefusedSeries:
    """A series that the command refuses with a line that contains `line`, and the pipeline, too."""

    file: str
    options: Mapping[str, Any]
    line: str
    by_pipeline: bool = True

    def check(self, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            error, table = project.validate(CASES / self.file, **self.options)
            result = project.forecast(CASES / self.file, table)
        assert self.line in error if self.by_pipeline else not error
        assert self.line in result.output
        needs_timezone = "offset from UTC" in self.line
        assert ("series.csv.timezone" in error) == ("series.csv.timezone" in result.output) == needs_timezone
        assert self.file in result.output
        assert (result.exit_code, result.output.count("\n")) == (1, 1), result.output
        assert not Path("out.csv").exists()


@dataclass(frozen=True)
class Drawings:
    """A folder of drawings of which each becomes a record of `classify`: class → number."""

    folder: str
    source: str
    counts: Mapping[str, int]

    def check(self, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        key = "base_url" if self.source.startswith("quickdraw") else "folder"
        shares = {} if "npz" in self.folder else {"valid_share": 0.25, "test_share": 0.25}
        options = {key: str(CASES / self.folder), "classes": "all", **shares}
        settings = params.parse({"sketches": {"source": self.source, self.source: options}})
        raw = paths.RAW / "sketches"
        line = registry.download("sketches", settings)
        assert line.startswith(f"{self.source}: {len(self.counts)} classes, ")
        assert "passed over" not in line
        assert registry.stale("sketches", settings, raw) is None
        totals: dict[str, int] = {}
        for group in reading.read(raw):
            assert not group.rejects
            assert all(len(drawing) == 0 or drawing[-1, 2] == 1 for drawing in group.drawings)
            totals[group.label] = totals.get(group.label, 0) + len(group.drawings)
        assert totals == self.counts
        source = SketchSource.from_json(source_json.read(raw, "sketches"))
        validate_sketches(lambda: reading.read(raw), source, settings.quality.sketches)
        processed = paths.PROCESSED / "classify"
        spec = classify.preprocess(paths.VALIDATED / "sketches", processed, settings.features.classify)
        assert sorted(spec["classes"]) == sorted(self.counts)
        n_records = sum(sum(buckets.values()) for buckets in spec["counts"].values())
        assert n_records == sum(self.counts.values())


NOTEBOOK = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
KERAS = {"KERAS_HOME": str(CASES / "keras-json"), "KERAS_BACKEND": "torch"}
CAT_DOG, BEES = {"cat": 46, "dog": 46}, {"bee": 30, "ice cream": 30}
READ = {
    "mixed offsets": ReadSeries("mixed-offsets/in.csv", BERLIN),
    "UTC": ReadSeries("mixed-offsets/utc.csv", BERLIN),
    "a space in the header": ReadSeries("header-space/in.csv"),
    "ISO dates, some with a time": ReadSeries("mixed-iso/in.csv"),
    "ISO dates, some with a time, and a plot": ReadSeries("mixed-iso/in.csv", plot=True),
    "found dates, some with a time": ReadSeries("mixed-iso/in.csv", {"date_format": "auto"}, plot=True),
    "in a notebook": ReadSeries("mplbackend/in.csv", variables=NOTEBOOK, plot=True),
    "with a user's Keras settings": ReadSeries("mplbackend/in.csv", variables=KERAS),
    "semicolons": ReadSeries("european/semicolon.csv", {**GERMAN, "separator": ";", "thousands": "."}, 900, 10_684.83),
    "a decimal comma, three digits": ReadSeries("european/decimal.csv", {**GERMAN, "decimal": ","}, 900, 10.685, other_level=True),
    "a decimal comma, two digits": ReadSeries("european/decimal2.csv", {**GERMAN, "decimal": ","}, 900, 10.68, other_level=True),
}  # fmt: skip
REFUSED = {
    "mixed offsets, no time zone": RefusedSeries("mixed-offsets/in.csv", {}, "'2023-06-01T00:00:00+02:00' is a time with an offset from UTC"),
    "UTC, no time zone": RefusedSeries("mixed-offsets/utc.csv", {"date_format": "auto"}, "'2023-06-01T00:00:00Z' is a time with an offset from UTC"),
    "a negative value": RefusedSeries("forecast-input/negative.csv", {}, "negative: 500 rows (row 1: 2023-06-01 '-10000.0', row 2: ", by_pipeline=False),
    "a column twice": RefusedSeries("forecast-input/dup.csv", {}, "the header names the column 'y' 2 times"),
    "True and False": RefusedSeries("forecast-input/bool.csv", {}, "non_numeric: 500 rows (row 1: 2023-06-01 'False', row 2: 2023-06-02 'True', "),
    "a cell too many": RefusedSeries("forecast-input/extra_cell.csv", {}, "extra_cell.csv, line 2: 3 cells, but the header names 2 columns"),
    "the largest numbers": RefusedSeries("forecast-input/huge.csv", {}, "non_numeric: 500 rows (row 1: 2023-06-01 '10000.0e300', row 2: "),
    "semicolons, not configured": RefusedSeries("european/semicolon.csv", {}, "the columns are 'Datum;Umsatz'; "),
    "decimal commas, not configured": RefusedSeries("european/decimal2.csv", GERMAN, "non_numeric: 900 rows (row 1: 01.01.2022 '10,00', row 2: "),
    "decimal commas, three digits": RefusedSeries("european/decimal.csv", GERMAN, "thousands_mark: 900 rows (row 1: 01.01.2022 '10,000', separator ',', row 2:"),
}  # fmt: skip
DRAWN = {
    "names of the console": Drawings("console-names", "quickdraw_simplified", {**BEES, "cactus": 30}),
    "Kaggle": Drawings("kaggle-csv", "kaggle_csv", BEES),
    "names of the console, npz": Drawings("npz/console", "npz_folder", CAT_DOG),
    "names of the console, npz, bucket": Drawings("npz/console", "quickdraw", CAT_DOG),
    "larger files": Drawings("npz/onlyfull", "npz_folder", CAT_DOG),
    "larger files, bucket": Drawings("npz/onlyfull", "quickdraw", CAT_DOG),
    "stroke-5": Drawings("npz/stroke5", "npz_folder", CAT_DOG),
}
SLOW = {*READ, "names of the console, npz, bucket", "larger files, bucket"}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name, case in {**READ, **REFUSED, **DRAWN}.items()
    ],
)
def test_a_file_as_users_have_it_is_read_in_full_or_refused_with_one_line(
    forecast_project: Any, monkeypatch: pytest.MonkeyPatch, case: ReadSeries | RefusedSeries | Drawings
) -> None:
    case.check(forecast_project, monkeypatch)


def test_every_case_is_tested() -> None:
    tested = {case.file for case in (*READ.values(), *REFUSED.values())}
    tested |= {case.folder for case in DRAWN.values()} | {"keras-json/keras.json"}
    files = [path.relative_to(CASES).as_posix() for path in CASES.rglob("*") if path.is_file()]
    assert [file for file in files if not {file, file.rpartition("/")[0]} & tested] == []
