"""A project with a trained model, through which files of users go as in the pipeline and in `strokecast forecast`."""

from __future__ import annotations

import datetime
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from strokecast import params
from strokecast.commands.cli import main
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.common.paths import model_dir
from strokecast.features.timeseries import forecast
from strokecast.params import ForecastFeatures, ForecastRecipe
from strokecast.sources import registry, tables
from strokecast.sources.formats import source_json
from strokecast.training import fitting
from strokecast.training.job import TrainingJob
from strokecast.validation import data_docs
from strokecast.validation.series.source import SeriesSource
from strokecast.validation.series.validate import validate_series


@dataclass(frozen=True)
class ForecastProject:
    """A project, as the working directory, with `seasonal_naive_7` of a series of counts."""

    root: Path

    def validate(self, path: Path, **options: Any) -> tuple[str, dict[str, Any]]:
        """Download and validate a file: the error line ("" if there is none), and how the file is read."""
        try:
            settings = params.parse({"series": {"source": "csv", "csv": {"path": str(path), **options}}})
            registry.download("series", settings)
            raw = paths.RAW / "series"
            source = SeriesSource.from_json(source_json.read(raw, "series"))
            report = validate_series(tables.read_series(raw), source, settings.quality.series).report
        except UserError as error:
            return str(error), {**options, "date_format": options.get("date_format", "%Y-%m-%d")}
        return "", report["table"]

    def forecast(self, path: Path, table: dict[str, Any], *arguments: str) -> Result:
        """Run the command with a model that was trained on a file with the layout `table`; writes out.csv."""
        spec_path = Path("models/forecast/seasonal_naive_7/seed-1/spec.json")
        spec_path.write_text(json.dumps({**json.loads(spec_path.read_text()), "table": table}))
        options = ["--model", "seasonal_naive_7", "--input", str(path), "--output", "out.csv", *arguments]
        return CliRunner().invoke(main, ["forecast", *options])


@pytest.fixture(scope="session")
def naive_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with `seasonal_naive_7` of a series of counts."""
    root = tmp_path_factory.mktemp("naive")
    (root / "dvc.yaml").touch()
    (root / "validated").mkdir()
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=day) for day in range(120)]
    values = 9000.0 + 500 * np.sin(np.arange(120) * 2 * np.pi / 7)
    table = pa.table({"ds": pa.array(days, pa.date32()), "y": values})
    pq.write_table(table, root / "validated/series.parquet")
    report = {"source": "csv", "name": "rides", "unit": "", "table": {"max_gap": 3}}
    (root / "validated/report.json").write_text(json.dumps(report))
    settings = ForecastFeatures(input_size=14, calendar=("weekday",), holiday_country=None, lags=())
    forecast.preprocess(root / "validated", root / "processed", settings)
    folder = model_dir("forecast", "seasonal_naive_7", 1, root / "models")
    folder.mkdir(parents=True)
    job = TrainingJob.create("forecast", "seasonal_naive_7", 1, {}, ForecastRecipe(epochs=1))
    fitting.fit_rule(job, root / "processed", folder)
    return root


@pytest.fixture
def forecast_project(naive_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ForecastProject:
    """A copy of it that one test may change."""
    root = tmp_path / "project"
    shutil.copytree(naive_model, root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(data_docs, "_build_site", lambda report, site_dir: [])
    return ForecastProject(root)
