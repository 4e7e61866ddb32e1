"""Validated daily series → windowed TFRecords: split by time first, all fits on train, windows after."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records import arrow, writing
from strokecast.features.records.spec import SPLITS
from strokecast.features.timeseries import calendar, series_spec, transforms, windows
from strokecast.features.timeseries.horizons import Preparer
from strokecast.params import ForecastFeatures

_BLOCK = 2_048  # windows encoded at once


def preprocess(validated: Path, processed: Path, settings: ForecastFeatures) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder a split) from `validated`.

    Each split's folder holds `series.parquet` (ds and the columns that are read: that split's days alone, in their
    own units) and TFRecords: `past` float [W, C], `target` float [H, D], where anything is known of the days to
    come `future` float [H, F] (see `horizons.Prepared`), `origin` int64 (days since 1970-01-01 of the first
    forecast day). With `series: all` there is a file of TFRecords for each series, `unique_id` stands in
    series.parquet, and spec["series"] holds by id what was fitted on that series; splits begin on one day for all.

    Returns:
        The spec.

    Raises:
        UserError: if the series is missing, has gaps, lacks a column, holds what cannot be transformed, or is too
            short for its splits.
    """
    each = _each(validated, settings)
    report = files.read_json(validated / "report.json")
    spec = _settled(settings, each) | {
        "name": report.get("name", report["source"]),
        "unit": report.get("unit", ""),
        "source": report["source"],
    }
    preparers = {name: Preparer(series_spec.of(spec, name)) for name in series_spec.names(spec)}
    with files.new_folder(processed) as folder:
        names: dict[str, list[str]] = {}
        spans: dict[str, dict[str, Any]] = {}
        for split in SPLITS:
            (folder / split).mkdir()
            names[split] = [
                f"{split}/windows-{at:05d}-of-{len(each):05d}.tfrecord" for at in range(len(each))
            ]
            kept, told = [], {}
            for file, (name, held) in zip(names[split], each.items(), strict=True):
                part = held.splits[split]
                _write_windows(folder / file, preparers[name], held.days, held.columns, part)
                kept.append(_raw(held, part, name))
                told[name] = _span(held, part)
                if name:
                    spec["series"][name]["splits"][split] = told[name]
            pq.write_table(pa.concat_tables(kept), folder / split / "series.parquet")
            spans[split] = {
                "first": min(span["first"] for span in told.values()),
                "last": max(span["last"] for span in told.values()),
                "days": sum(span["days"] for span in told.values()),
                "windows": sum(span["windows"] for span in told.values()),
            }
        fitted = [
            number
            for preparer in preparers.values()
            for one in preparer.transforms.values()
            for number in (one.power, one.mean, one.std)
        ]
        spec |= {
            "splits": spans,
            "files": names,
            "digest": writing.digest(folder, [*names["train"], *names["valid"]], fitted),
        }
        files.write_json(folder / "spec.json", spec)
    return spec


@dataclass(frozen=True)
class _Held:
    """One series: datetime64[D] [T], the columns that are read, [T] each, and its splits by name."""

    days: Any
    columns: Mapping[str, Any]
    splits: Mapping[str, windows.Split]


def _each(validated: Path, settings: ForecastFeatures) -> dict[str, _Held]:
    """The series by name; one alone is named ""."""
    together = settings.series == "all"
    path = validated / ("all.parquet" if together else "series.parquet")
    if together and not path.is_file() and (validated / "series.parquet").is_file():
        raise UserError(
            "the source holds one series",
            where="params.yaml: features.forecast.series: all",
            fix="say series: one, or name the column that tells series apart (series.csv.id_column)",
        )
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro validate@series`")
    whole = arrow.read(path)
    tables = {series_spec.ONE: whole}
    if together:
        ids = whole["unique_id"]
        tables = {
            name: whole.filter(pc.equal(ids, name)).drop_columns("unique_id")
            for name in ids.unique().to_pylist()
        }
    days = {name: [_date(day) for day in table["ds"].to_pylist()] for name, table in tables.items()}
    for name, given in days.items():
        _check_daily(given, path, name)
    reach = max([*settings.lags, settings.difference or 0], default=0)
    dated = _dated(settings, list(days.values())) if together else settings
    found = {}
    for name, table in tables.items():
        dates = np.array(days[name], "datetime64[D]")
        try:
            columns = _columns(table, settings, dates)
            splits = windows.split(days[name], dated, settings.window + reach)
        except UserError as error:
            if not name:
                raise
            raise UserError(
                f"series {name!r}: {error.what}", where=error.where, allowed=error.allowed, fix=error.fix
            ) from None
        found[name] = _Held(dates, columns, {part.name: part for part in splits})
    return found


def _dated(settings: ForecastFeatures, days: Sequence[Sequence[datetime.date]]) -> ForecastFeatures:
    """Shares as dates, one for all series: else the training days of one could lie in the test days of another."""
    first, last = min(one[0] for one in days), max(one[-1] for one in days)
    count = (last - first).days + 1
    edges = {
        key: (first + datetime.timedelta(days=int(value * count))).isoformat()
        for key in ("valid_from", "test_from")
        if isinstance(value := getattr(settings, key), float)
    }
    return settings.model_copy(update=edges)


def _raw(held: _Held, part: windows.Split, name: str) -> Any:
    """The days of a split, in their own units."""
    own = slice(part.start, part.stop)
    kept = {"ds": pa.array(held.days[own], pa.date32())}
    if name:
        kept["unique_id"] = pa.array([name] * part.days, pa.string())
    return pa.table(kept | {key: pa.array(values[own]) for key, values in held.columns.items()})


def _span(held: _Held, part: windows.Split) -> dict[str, Any]:
    return {
        "first": str(held.days[part.start]),
        "last": str(held.days[part.stop - 1]),
        "days": part.days,
        "windows": len(part.origins),
    }


def _settled(settings: ForecastFeatures, each: Mapping[str, _Held]) -> dict[str, Any]:
    """What `horizons.Preparer` needs, all of it fitted on the training days of each series alone."""
    known, fitted, counts = [], {}, {}
    read = [*settings.targets, *settings.covariates]
    for name, held in each.items():
        train = held.splits["train"].stop
        letters = held.columns.get("day_type")
        told = None if letters is None else list(letters[:train])
        known.append(
            calendar.settle(
                settings.calendar, settings.country, held.days[:train], told, settings.holiday_days
            )
        )
        fitted[name] = {
            key: transforms.Transform.fit(
                settings.transform, held.columns[key][:train], settings.scale
            ).stored()
            for key in read
        }
        counts[name] = all(float(held.columns[key][:train].min()) >= 0 for key in settings.targets)
    shared = calendar.joined(known)
    ids = list(each) if settings.series_id else []
    spec = {
        "task": "forecast",
        "window": settings.window,
        "horizon": settings.horizon,
        "targets": list(settings.targets),
        "covariates": list(settings.covariates),
        "transforms": fitted.get(series_spec.ONE, {}),
        "calendar": {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(shared).items()
        },
        "lags": list(settings.lags),
        "lag_calendar": settings.lag_calendar,
        "difference": settings.difference,
        "counts": all(counts.values()),
    }
    future = Preparer(spec | {"series_ids": ids}).future
    spec |= {"future": future, "channels": [*read, *future]}
    if settings.series == "one":
        return spec
    own = {
        name: {"name": name, "transforms": fitted[name], "counts": counts[name], "splits": {}}
        for name in each
    }
    return spec | {"series": own, "series_ids": ids}


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
            file.write(b"".join(writing.examples(block)))


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day


def _check_daily(days: list[datetime.date], path: Path, name: str) -> None:
    if not days:
        raise UserError("holds no day", where=str(path), fix="look into quarantine.parquet")
    for before, after in itertools.pairwise(days):
        if (after - before).days != 1:
            raise UserError(
                f"{name}{name and ': '}{after} follows {before}",
                where=str(path),
                allowed="one row a day, in order, without a gap",
            )
