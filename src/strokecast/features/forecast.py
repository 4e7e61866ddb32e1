"""Validated daily series → windowed TFRecords: split by time first, all fits on train, windows after."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features import records, windows
from strokecast.features.common import arrow
from strokecast.features.days import calendar, transforms
from strokecast.features.days.horizons import Preparer
from strokecast.params import ForecastFeatures

_BLOCK = 2_048  # windows encoded at once


def preprocess(validated: Path, processed: Path, settings: ForecastFeatures) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder a split) from `validated`.

    Each split's folder holds `series.parquet` (ds and the columns that are read: that split's days alone, in their
    own units) and TFRecords: `past` float [W, C], `target` float [H, D], where anything is known of the days to
    come `future` float [H, F] (see `horizons.Prepared`), `origin` int64 (days since 1970-01-01 of the first
    forecast day).

    Returns:
        The spec.

    Raises:
        UserError: if the series is missing, has gaps, lacks a column, holds what cannot be transformed, or is too
            short for its splits.
    """
    path = validated / "series.parquet"
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro validate@series`")
    table = arrow.read(path)
    days = [_date(day) for day in table["ds"].to_pylist()]
    _check_daily(days, path)
    dates = np.array(days, "datetime64[D]")
    columns = _columns(table, settings, dates)
    reach = max([*settings.lags, settings.difference or 0], default=0)
    splits = windows.split(days, settings, settings.window + reach)
    report = files.read_json(validated / "report.json")
    spec = _settled(settings, dates, columns, splits[0].stop) | {
        "name": report.get("name", report["source"]),
        "unit": report.get("unit", ""),
        "source": report["source"],
    }
    preparer = Preparer(spec)
    kinds = {name: pa.string() if name == "day_type" else pa.float64() for name in columns}
    kept = table.select(["ds", *columns]).cast(pa.schema({"ds": pa.date32(), **kinds}))
    with files.new_folder(processed) as folder:
        names: dict[str, list[str]] = {}
        spans: dict[str, dict[str, Any]] = {}
        for part in splits:
            (folder / part.name).mkdir()
            names[part.name] = [f"{part.name}/windows-00000-of-00001.tfrecord"]
            _write_windows(folder / names[part.name][0], preparer, dates, columns, part)
            pq.write_table(kept.slice(part.start, part.days), folder / part.name / "series.parquet")
            spans[part.name] = {
                "first": days[part.start].isoformat(),
                "last": days[part.stop - 1].isoformat(),
                "days": part.days,
                "windows": len(part.origins),
            }
        fitted = [
            number for told in preparer.transforms.values() for number in (told.power, told.mean, told.std)
        ]
        spec |= {
            "splits": spans,
            "files": names,
            "digest": records.digest(folder, [*names["train"], *names["valid"]], fitted),
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def _settled(settings: ForecastFeatures, days: Any, columns: Mapping[str, Any], train: int) -> dict[str, Any]:
    """What `horizons.Preparer` needs, all of it fitted on the first `train` days."""
    letters = columns.get("day_type")
    known = calendar.settle(
        settings.calendar,
        settings.country,
        days[:train],
        None if letters is None else list(letters[:train]),
        settings.holiday_days,
    )
    read = [*settings.targets, *settings.covariates]
    fitted = {
        name: transforms.Transform.fit(settings.transform, columns[name][:train], settings.scale).stored()
        for name in read
    }
    told = {
        "task": "forecast",
        "window": settings.window,
        "horizon": settings.horizon,
        "targets": list(settings.targets),
        "covariates": list(settings.covariates),
        "transforms": fitted,
        "calendar": {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(known).items()
        },
        "lags": list(settings.lags),
        "lag_calendar": settings.lag_calendar,
        "difference": settings.difference,
        "counts": all(float(columns[name][:train].min()) >= 0 for name in settings.targets),
    }
    future = Preparer(told).future
    return told | {"future": future, "channels": [*read, *future]}


def _columns(table: Any, settings: ForecastFeatures, days: Any) -> dict[str, Any]:
    """The columns that are read, checked: float64 [T] each, and `day_type` where the calendar reads it."""
    held = [name for name in table.column_names if name not in ("ds", "filled", "rows", "day_type")]
    found: dict[str, Any] = {}
    for key, names in (("targets", settings.targets), ("covariates", settings.covariates)):
        for name in names:
            if name not in held:
                raise UserError(
                    f"the series has no column {name!r}",
                    where=f"params.yaml: features.forecast.{key}",
                    allowed=", ".join(held),
                    fix="name the source's further columns in its extra_columns",
                )
            found[name] = arrow.floats(table[name])
            transforms.check(settings.transform, name, found[name], days)
    if "day_type" in settings.calendar and "day_type" in table.column_names:
        found["day_type"] = np.array(table["day_type"].to_pylist(), object)
    return found


def _write_windows(
    path: Path, preparer: Preparer, days: Any, columns: Mapping[str, Any], part: windows.Split
) -> None:
    made, target = preparer.inputs(days, columns, part.origins), preparer.target(columns, part.origins)
    cut = {"past": made.past, "target": target, "origin": days[part.origins].astype(np.int64)}
    if preparer.future:
        cut["future"] = made.future
    with path.open("wb") as file:
        for start in range(0, len(part.origins), _BLOCK):
            block = {name: values[start : start + _BLOCK] for name, values in cut.items()}
            file.write(b"".join(records.examples(block)))


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day


def _check_daily(days: list[datetime.date], path: Path) -> None:
    if not days:
        raise UserError("holds no day", where=str(path), fix="look into quarantine.parquet")
    for before, after in itertools.pairwise(days):
        if (after - before).days != 1:
            raise UserError(
                f"{after} follows {before}", where=str(path), allowed="one row a day, in order, without a gap"
            )
