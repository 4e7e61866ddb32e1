"""strokecast's rows of `forecast.py`: the stages of the task forecast in a folder, and the seconds of every row.

Shapes: T days of the series, O origins, H days ahead.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from project import ROOT, read_params

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

PRESETS = ("births", "births_1969", "cta", "auckland")
TRAINING_DAYS = "once, on the training days"


@dataclass(frozen=True)
class OurRow:
    """One of our rows.

    Attributes:
        point: float64 [O, H], the mean over seeds.
        seconds: training, refits and forecasts at all origins.
        fitted: when it is fitted.
    """

    point: Floats
    seconds: float
    fitted: str


@dataclass(frozen=True)
class OurRun:
    """What the stages left.

    Attributes:
        name: of the series.
        unit: of its values.
        days: datetime64[D] [T].
        values: float64 [T].
        origins: datetime64[D] [O], first forecast days.
        actual: float64 [O, H].
        scale: denominator of MASE.
        input_size: days of the past that a network reads.
        block: origins of a bootstrap block.
        champion: the row that validation chose.
        coverage: share of the test days in the champion's 80 % intervals, in %.
        rows: name → row.
    """

    name: str
    unit: str
    days: Days
    values: Floats
    origins: Days
    actual: Floats
    scale: float
    input_size: int
    block: int
    champion: str
    coverage: float
    rows: Mapping[str, OurRow]


def default_rows() -> list[str]:
    """The forecasters that `params.yaml` switches on."""
    return [name for name, entry in read_params()["models"]["forecast"].items() if entry["enabled"]]


def settings(
    series: str,
    rows: Sequence[str],
    origins: int | None,
    data: Path | None = None,
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    """Contents of params.yaml: defaults, with the series, its days and its splits of a preset, and no other setting of it.

    Args:
        series: one of `PRESETS`, or the path of a CSV file.
        rows: names of forecasters.
        origins: largest number of test origins; None: all.
        data: file of the series `cta` or `auckland`; None: the preset's.
        columns: headers of the date and of the values of a CSV file.

    Raises:
        UserError: if the preset cannot be read.
    """
    from strokecast.params.overlay import apply_overlay, read_overlay

    evaluation = {"baseline": None, "max_origins": origins}
    overlay: dict[str, Any] = {"reset": ["features.forecast", "quality.series", "evaluation.forecast"]}
    overlay["evaluation"] = {"forecast": evaluation}
    overlay["models"] = {
        task: {"*": {"enabled": False}} for task in ("classify", "watch", "draw", "forecast")
    }
    overlay["models"]["forecast"] |= {name: {"enabled": True} for name in rows}
    if series in PRESETS:
        preset = read_overlay(ROOT / "presets" / f"{series}.yaml")
        features = preset["features"]["forecast"]
        overlay["series"] = dict(preset["series"])
        overlay["quality"] = preset.get("quality", {})
        splits = {key: features[key] for key in ("valid_from", "test_from") if key in features}
        overlay["features"] = {"forecast": splits}
        if data is not None and series == "cta":
            overlay["series"]["cta"] = {**preset["series"]["cta"], "files": [str(data.resolve())]}
        elif series == "auckland":
            path = data or ROOT / preset["series"]["csv"]["path"]
            overlay["series"]["csv"] = {**preset["series"]["csv"], "path": str(path.resolve())}
    else:
        date_column, value_column = columns
        csv = {"path": str(Path(series).resolve()), "date_column": date_column, "value_column": value_column}
        overlay["series"] = {"source": "csv", "csv": {**csv, "date_format": "auto"}}
    values = apply_overlay(read_params(), overlay)
    enabled = {name: entry for name, entry in values["models"]["forecast"].items() if entry["enabled"]}
    values["models"]["forecast"] = enabled
    return values


def run(folder: Path, values: Mapping[str, Any]) -> OurRun:
    """Run the stages params, download, validate, preprocess, train and evaluate in `folder`, then time the forecasts of each row.

    Args:
        folder: a new project folder.
        values: contents of its params.yaml, from `settings`.

    Raises:
        SystemExit: with the stage's message if a stage fails.
    """
    import book
    from strokecast import params
    from strokecast.common.files import read_json
    from strokecast.evaluation.common.trained_models import find_trained_models
    from strokecast.evaluation.forecast.run import refit_days
    from strokecast.features.records import spec as specs
    from strokecast.features.records.spec import SPLITS
    from strokecast.inference import backtest
    from strokecast.models.common import resolve

    book.train(folder, values, data_from=folder)
    processed = folder / "data/processed/forecast"
    resolved = resolve.resolve(params.parse(values))
    evaluation, spec = resolved.evaluation.forecast, specs.load(processed, "forecast")
    trained = find_trained_models("forecast", resolved.entries("forecast"), folder / "models")
    forecasts = read_predictions(pd.read_parquet(folder / "reports/forecast/predictions.parquet"))
    summary = read_json(folder / "reports/forecast/summary.json")
    test, predict_seconds = time_forecasts(trained, processed, spec, evaluation)
    refits = refit_days(trained, evaluation)
    train_seconds = {
        name: sum(run_seconds(model.run) for model in trained.by_name(name)) for name in trained.names
    }
    rows = {
        name: OurRow(
            forecasts[name],
            train_seconds[name] + predict_seconds[name],
            f"every {refits[name]} days" if name in refits else TRAINING_DAYS,
        )
        for name in trained.names
    }
    for name, facts in summary["combinations"].items():
        members = facts["weights"][""]
        seconds = sum(train_seconds.values()) + sum(predict_seconds[member] for member in members)
        rows[name] = OurRow(forecasts[name], seconds, "as its members")
    series, champion = backtest.load_series(processed, SPLITS), summary["champion"]["model"]
    return OurRun(
        name=test.name,
        unit=test.unit,
        days=series.days,
        values=np.asarray(series.columns[spec["targets"][0]], np.float64),
        origins=test.first_days,
        actual=test.actual,
        scale=float(test.scale.absolute),
        input_size=int(spec["input_size"]),
        block=int(summary["block_origins"]),
        champion=champion,
        coverage=100 * read_json(folder / "reports/forecast/metrics.json")[champion]["coverage_80"],
        rows=rows,
    )


def read_predictions(table: pd.DataFrame) -> dict[str, Floats]:
    """Model → float64 [O, H] of predictions.parquet, the mean over its seeds."""
    means = table.groupby(["model", "origin", "day"], observed=True)["forecast"].mean()
    return {
        str(name): one.droplevel("model").unstack("day").sort_index().to_numpy()
        for name, one in means.groupby(level="model", observed=True)
    }


def run_seconds(run: Mapping[str, Any]) -> float:
    """Wall time of a training from its run.json: the fit, and the forecasts of validation days that choose and calibrate."""
    return float(run["ended_ms"] - run["started_ms"]) / 1000


def time_forecasts(trained: Any, processed: Path, spec: Any, evaluation: Any) -> tuple[Any, dict[str, float]]:
    """Forecast the test origins with one model after the other.

    Args:
        trained: the `TrainedModels` of forecast.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        evaluation: `evaluation.forecast` of `params.yaml`.

    Returns:
        The test days with their origins; name → seconds, the refits of models that refit themselves included, without imports.
    """
    from strokecast.common.import_hiding import start_tensorflow
    from strokecast.evaluation.forecast.predictions import forecast_test_split

    if any(model.kind == "network" for model in trained.finished):
        start_tensorflow()

    seconds = {}
    for name in trained.names:
        began = time.perf_counter()
        test, _ = forecast_test_split(
            replace(trained, finished=trained.by_name(name)), processed, spec, evaluation
        )
        seconds[name] = time.perf_counter() - began
    return test, seconds
