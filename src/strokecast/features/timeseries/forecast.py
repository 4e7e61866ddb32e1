"""Validated daily series → windowed TFRecords: split by time, fit on train, then cut windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strokecast.common import files
from strokecast.features.records import writing
from strokecast.features.records.spec import SPLITS, ForecastSpec, SplitDays
from strokecast.features.timeseries import calendar, residual_choice, series_spec, transforms, windows
from strokecast.features.timeseries.residual_choice import MAX_WINDOWS, ScaledWindows
from strokecast.features.timeseries.series_splits import Series, read_tables, select_features, split_series
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
    and spec["series"] holds what was fitted on each series, by id. All series are split on the same days. Unless the
    training windows hold the validation windows, spec["residual"] holds what `residual_choice.choose` returns.

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
    series_tables = read_tables(validated, settings)
    report = files.read_json(validated / "report.json")
    settings = settings.for_source(report["source"])
    settings, chosen = select_features(series_tables, settings)
    all_series = split_series(series_tables, settings)
    if learn_valid:
        all_series = {name: _with_valid_in_train(series) for name, series in all_series.items()}
    spec = _fit(settings, all_series) | {
        **({"selection": chosen} if chosen else {}),
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
        samples: dict[str, list[ScaledWindows]] = {"train": [], "valid": []}
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
                    written = _write_windows(
                        folder / file, transformers[name], series.days, series.columns, part
                    )
                    if split in samples:
                        samples[split].append(written.subsample(max(1, MAX_WINDOWS // len(all_series))))
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
        if records and not learn_valid:
            train, valid = (ScaledWindows.concatenate(samples[split]) for split in ("train", "valid"))
            spec["residual"] = residual_choice.choose(train, valid)
            scaling.append(list(residual_choice.CANDIDATES).index(spec["residual"]["chosen"]))
        spec |= {
            "splits": split_days,
            "files": names if records else {},
            "digest": writing.digest(folder, [*names["train"], *names["valid"]] if records else [], scaling),
        }
        files.write_json(folder / "spec.json", spec)
    return cast(ForecastSpec, spec)


def _with_valid_in_train(series: Series) -> Series:
    """The series with a training split that ends where the test split starts."""
    train, valid = series.splits["train"], series.splits["valid"]
    crossing = np.arange(train.origins[-1] + 1, valid.origins[-1] + 1)
    everything = replace(train, stop=valid.stop, origins=np.concatenate([train.origins, crossing]))
    return replace(series, splits={**series.splits, "train": everything})


def _split_table(series: Series, part: windows.Split, name: str) -> Any:
    """The days of a split as a table, in their own units; a day belongs to one split only."""
    stop = series.splits["valid"].start if part.name == "train" else part.stop
    rows = slice(part.start, stop)
    columns = {"ds": pa.array(series.days[rows], pa.date32())}
    if name:
        columns["unique_id"] = pa.array([name] * part.days, pa.string())
    return pa.table(columns | {key: pa.array(values[rows]) for key, values in series.columns.items()})


def _split_days(series: Series, part: windows.Split) -> SplitDays:
    return {
        "first": str(series.days[part.start]),
        "last": str(series.days[part.stop - 1]),
        "days": part.days,
        "windows": len(part.origins),
    }


def _fit(settings: ForecastFeatures, all_series: Mapping[str, Series]) -> dict[str, Any]:
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
                cast(int, settings.holiday_window),
                bridge_days=bool(settings.bridge_days),
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
        "levels": list(settings.levels),
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


def _write_windows(
    path: Path, transformer: WindowTransformer, days: Any, columns: Mapping[str, Any], part: windows.Split
) -> ScaledWindows:
    """Write the windows of one split, and return those of the first target."""
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
    return ScaledWindows(inputs.past[:, :, 0], inputs.future, features["target"][:, :, 0])
