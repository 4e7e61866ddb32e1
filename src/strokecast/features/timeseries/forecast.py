"""Validated daily series → windowed TFRecords: split by time, fit on train, then cut windows."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records import arrow, writing
from strokecast.features.records.spec import SPLITS, ForecastSpec, SplitDays
from strokecast.features.timeseries import calendar, series_spec, transforms, windows
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.params import ForecastFeatures

_BLOCK = 2_048  # windows encoded at once


def preprocess(
    validated: Path,
    processed: Path,
    settings: ForecastFeatures,
    *,
    learn_valid: bool = False,
    records: bool = True,
) -> ForecastSpec:
    """Write `processed` (spec.json and one folder per split) from `validated`.

    Each split's folder holds `series.parquet` (ds and the columns that are read, of the days of that split only, in
    their own units) and TFRecords: `past` float [W, C], `target` float [H, D], `future` float [H, F] if any feature is
    known of future days (see `window_transformer.WindowInputs`), `origin` int64 (days from 1970-01-01 to the first
    forecast day). With `series: all` there is one TFRecord file per series, series.parquet has a column `unique_id`,
    and spec["series"] holds what was fitted on each series, by id. All series are split on the same days.

    Args:
        validated: folder of the series.
        processed: folder to write.
        settings: `features.forecast` of params.yaml.
        learn_valid: the training windows, and the days that everything is fitted on, reach to the last day before the
            test split. The validation windows are then among the training windows.
        records: write TFRecords, which only networks need.

    Returns:
        The spec.

    Raises:
        UserError: if the series is missing, has gaps, lacks a column, has a value that cannot be transformed, or is too
            short for its splits.
    """
    all_series = _read_series(validated, settings)
    if learn_valid:
        all_series = {name: _with_valid_in_train(series) for name, series in all_series.items()}
    report = files.read_json(validated / "report.json")
    spec = _fit(settings, all_series) | {
        "name": report.get("name", report["source"]),
        "unit": report.get("unit", ""),
        "source": report["source"],
        "table": report.get("table", {}),
    }
    fitted = cast(ForecastSpec, spec)
    transformers = {
        name: WindowTransformer(series_spec.for_series(fitted, name)) for name in series_spec.names(fitted)
    }
    with files.new_folder(processed) as folder:
        names: dict[str, list[str]] = {}
        split_days: dict[str, SplitDays] = {}
        for split in SPLITS:
            (folder / split).mkdir()
            names[split] = [
                f"{split}/windows-{index:05d}-of-{len(all_series):05d}.tfrecord"
                for index in range(len(all_series))
            ]
            tables, by_series = [], {}
            for file, (name, series) in zip(names[split], all_series.items(), strict=True):
                part = series.splits[split]
                if records:
                    _write_windows(folder / file, transformers[name], series.days, series.columns, part)
                tables.append(_split_table(series, part, name))
                by_series[name] = _split_days(series, part)
                if name:
                    spec["series"][name]["splits"][split] = by_series[name]
            pq.write_table(pa.concat_tables(tables), folder / split / "series.parquet")
            split_days[split] = {
                "first": min(days["first"] for days in by_series.values()),
                "last": max(days["last"] for days in by_series.values()),
                "days": sum(days["days"] for days in by_series.values()),
                "windows": sum(days["windows"] for days in by_series.values()),
            }
        scaling = [
            number
            for transformer in transformers.values()
            for one in transformer.transforms.values()
            for number in (one.power, one.mean, one.std)
        ]
        spec |= {
            "splits": split_days,
            "files": names if records else {},
            "digest": writing.digest(folder, [*names["train"], *names["valid"]] if records else [], scaling),
        }
        files.write_json(folder / "spec.json", spec)
    return cast(ForecastSpec, spec)


@dataclass(frozen=True)
class _Series:
    """One series.

    Attributes:
        days: datetime64[D] [T].
        columns: the columns that are read, [T] each.
        splits: its splits by name.
    """

    days: Any
    columns: Mapping[str, Any]
    splits: Mapping[str, windows.Split]


def _read_series(validated: Path, settings: ForecastFeatures) -> dict[str, _Series]:
    """The series by name; the name of a single series is ""."""
    several = settings.series == "all"
    path = validated / ("all.parquet" if several else "series.parquet")
    if several and not path.is_file() and (validated / "series.parquet").is_file():
        raise UserError(
            "the source has only one series",
            location="params.yaml: features.forecast.series: all",
            fix="set series: one, or name the column that identifies series (series.csv.id_column)",
        )
    if not path.is_file():
        raise UserError("no such file", location=str(path), fix="run `dvc repro validate@series`")
    table = arrow.read_table(path)
    tables = {series_spec.SINGLE: table}
    if several:
        ids = table["unique_id"]
        tables = {
            name: table.filter(pc.equal(ids, name)).drop_columns("unique_id")
            for name in ids.unique().to_pylist()
        }
    days = {name: [_date(day) for day in one["ds"].to_pylist()] for name, one in tables.items()}
    for name, series_days in days.items():
        _check_daily(series_days, path, name)
    reach = max([*settings.lags, settings.difference or 0], default=0)
    dated = _with_dates(settings, list(days.values())) if several else settings
    all_series = {}
    for name, one in tables.items():
        dates = np.array(days[name], "datetime64[D]")
        try:
            columns = _columns(one, settings, dates)
            splits = windows.split_by_time(days[name], dated, settings.input_size + reach)
        except UserError as error:
            if not name:
                raise
            raise UserError(
                f"series {name!r}: {error.what}",
                location=error.location,
                allowed=error.allowed,
                fix=error.fix,
            ) from None
        all_series[name] = _Series(dates, columns, {split.name: split for split in splits})
    return all_series


def _with_valid_in_train(series: _Series) -> _Series:
    """The series with a training split that ends where the test split starts."""
    train, valid = series.splits["train"], series.splits["valid"]
    crossing = np.arange(train.origins[-1] + 1, valid.origins[-1] + 1)
    everything = replace(train, stop=valid.stop, origins=np.concatenate([train.origins, crossing]))
    return replace(series, splits={**series.splits, "train": everything})


def _with_dates(settings: ForecastFeatures, days: Sequence[Sequence[datetime.date]]) -> ForecastFeatures:
    """Replace shares by dates that hold for all series.

    Otherwise the training days of one series could be test days of another.
    """
    first, last = min(one[0] for one in days), max(one[-1] for one in days)
    count = (last - first).days + 1
    edges = {
        key: (first + datetime.timedelta(days=int(value * count))).isoformat()
        for key in ("valid_from", "test_from")
        if isinstance(value := getattr(settings, key), float)
    }
    return settings.model_copy(update=edges)


def _split_table(series: _Series, part: windows.Split, name: str) -> Any:
    """The days of a split as a table, in their own units; a day belongs to one split only."""
    stop = series.splits["valid"].start if part.name == "train" else part.stop
    rows = slice(part.start, stop)
    columns = {"ds": pa.array(series.days[rows], pa.date32())}
    if name:
        columns["unique_id"] = pa.array([name] * part.days, pa.string())
    return pa.table(columns | {key: pa.array(values[rows]) for key, values in series.columns.items()})


def _split_days(series: _Series, part: windows.Split) -> SplitDays:
    return {
        "first": str(series.days[part.start]),
        "last": str(series.days[part.stop - 1]),
        "days": part.days,
        "windows": len(part.origins),
    }


def _fit(settings: ForecastFeatures, all_series: Mapping[str, _Series]) -> dict[str, Any]:
    """The keys of the spec that `WindowTransformer` needs, fitted on the training days of each series."""
    calendars, fitted, counts = [], {}, {}
    read = [*settings.targets, *settings.past_covariates]
    for name, series in all_series.items():
        train = series.splits["train"].stop
        day_types = series.columns.get("day_type")
        calendars.append(
            calendar.fit_calendar(
                settings.calendar,
                settings.holiday_country,
                series.days[:train],
                None if day_types is None else list(day_types[:train]),
                settings.holiday_window,
            )
        )
        fitted[name] = {
            key: transforms.Transform.fit(
                settings.transform, series.columns[key][:train], settings.scale
            ).to_dict()
            for key in read
        }
        counts[name] = all(float(series.columns[key][:train].min()) >= 0 for key in settings.targets)
    merged = asdict(calendar.merge_calendars(calendars))
    ids = list(all_series) if settings.series_id else []
    spec = {
        "task": "forecast",
        "input_size": settings.input_size,
        "horizon": settings.horizon,
        "targets": list(settings.targets),
        "past_covariates": list(settings.past_covariates),
        "transforms": fitted.get(series_spec.SINGLE, {}),
        "calendar": {
            name: list(value) if isinstance(value, tuple) else value for name, value in merged.items()
        },
        "lags": list(settings.lags),
        "lag_calendar": settings.lag_calendar,
        "difference": settings.difference,
        "counts": all(counts.values()),
    }
    future = WindowTransformer(cast(ForecastSpec, spec | {"series_ids": ids})).future
    spec |= {"future": future, "channels": [*read, *future]}
    if settings.series == "one":
        return spec
    per_series = {
        name: {"name": name, "transforms": fitted[name], "counts": counts[name], "splits": {}}
        for name in all_series
    }
    return spec | {"series": per_series, "series_ids": ids}


def _columns(table: Any, settings: ForecastFeatures, days: Any) -> dict[str, Any]:
    """The columns that are read, checked: float64 [T] each, and `day_type` if the calendar reads it."""
    available = [name for name in table.column_names if name not in ("ds", "filled", "rows", "day_type")]
    columns: dict[str, Any] = {}
    for key, names in (("targets", settings.targets), ("past_covariates", settings.past_covariates)):
        for name in names:
            if name not in available:
                raise UserError(
                    f"the series has no column {name!r}",
                    location=f"params.yaml: features.forecast.{key}",
                    allowed=available,
                    fix="list further columns of the source in its extra_columns",
                )
            columns[name] = arrow.column_floats(table[name])
            transforms.check_domain(settings.transform, name, columns[name], days)
    if "day_type" in settings.calendar and "day_type" in table.column_names:
        columns["day_type"] = np.array(table["day_type"].to_pylist(), object)
    return columns


def _write_windows(
    path: Path, transformer: WindowTransformer, days: Any, columns: Mapping[str, Any], part: windows.Split
) -> None:
    inputs = transformer.transform(days, columns, part.origins)
    features = {
        "past": inputs.past,
        "target": transformer.transform_target(columns, part.origins),
        "origin": days[part.origins].astype(np.int64),
    }
    if transformer.future:
        features["future"] = inputs.future
    with path.open("wb") as file:
        for start in range(0, len(part.origins), _BLOCK):
            block = {name: values[start : start + _BLOCK] for name, values in features.items()}
            file.write(b"".join(writing.serialize_examples(block)))


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day


def _check_daily(days: list[datetime.date], path: Path, name: str) -> None:
    if not days:
        raise UserError("has no rows", location=str(path), fix="see quarantine.parquet for the reasons")
    for before, after in itertools.pairwise(days):
        if (after - before).days != 1:
            raise UserError(
                f"{name}{name and ': '}{after} follows {before}",
                location=str(path),
                allowed="one row per day, in order, without gaps",
            )
