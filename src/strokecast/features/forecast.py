"""Validated daily series → windowed TFRecords: split by time first, scaler on train, windows after."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strokecast import files
from strokecast.errors import UserError
from strokecast.features import records, windows
from strokecast.features.scaling import Standard
from strokecast.params import ForecastFeatures

_EPOCH = datetime.date(1970, 1, 1)


def preprocess(validated: Path, processed: Path, settings: ForecastFeatures) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder a split) from `validated`.

    Each split's folder holds `series.parquet` (ds, y: that split's days alone) and TFRecords:
    `past` float [window], `target` float [horizon] (both scaled), `origin` int64 (days since
    1970-01-01 of the first forecast day).

    Returns:
        The spec.

    Raises:
        UserError: if the series is missing, has gaps, or is too short for its splits.
    """
    path = validated / "series.parquet"
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro validate@series`")
    table = pq.read_table(path, columns=["ds", "y"])
    days = [_date(day) for day in table["ds"].to_pylist()]
    values = table["y"].to_numpy().astype(np.float64)
    _check_daily(days, path)
    splits = windows.split(days, settings)
    scaling = Standard.fit(values[: splits[0].stop])
    scaled = scaling.scale(values)
    report = files.read_json(validated / "report.json")
    with files.new_folder(processed) as folder:
        names: dict[str, list[str]] = {}
        spans: dict[str, dict[str, Any]] = {}
        for part in splits:
            (folder / part.name).mkdir()
            past, target = windows.cut(scaled, part.origins, settings.window, settings.horizon)
            names[part.name] = [f"{part.name}/windows-00000-of-00001.tfrecord"]
            with records.RecordWriter(folder / names[part.name][0]) as writer:
                for index, origin in enumerate(part.origins):
                    day = (days[origin] - _EPOCH).days
                    writer.write(
                        records.example({"past": past[index], "target": target[index], "origin": day})
                    )
            own = slice(part.start, part.stop)
            series = pa.table(
                {"ds": pa.array(days[own], pa.date32()), "y": pa.array(values[own], pa.float64())}
            )
            pq.write_table(series, folder / part.name / "series.parquet")
            spans[part.name] = {
                "first": days[part.start].isoformat(),
                "last": days[part.stop - 1].isoformat(),
                "days": part.days,
                "windows": len(part.origins),
            }
        spec = {
            "task": "forecast",
            "window": settings.window,
            "horizon": settings.horizon,
            "channels": ["y"],
            "scaling": {"mean": scaling.mean, "std": scaling.std},
            "name": report.get("name", report["source"]),
            "unit": report.get("unit", ""),
            "splits": spans,
            "files": names,
            "digest": records.digest(folder, [*names["train"], *names["valid"]], [scaling.mean, scaling.std]),
            "source": report["source"],
        }
        files.write_json(folder / "spec.json", spec)
    return spec


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
