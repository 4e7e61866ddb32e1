"""Tiny processed data that networks can learn from."""

import datetime
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.features.sketches import classify, draw, watch
from strokecast.features.timeseries import forecast
from strokecast.params import ClassifyFeatures, DrawFeatures, ForecastFeatures, WatchFeatures


def _drawings(folder: Path) -> None:
    """Two classes: lines to the right, lines to the left."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 40), ("valid", 9), ("test", 9)):
        rows = []
        for label, way in (("right", 1), ("left", -1)):
            for index in range(count):
                length = int(rng.integers(2, 17))
                points = rng.normal(0, 3, (length, 3))
                points[:, 0] += 10 * way
                points[:, 2] = np.arange(length) == length - 1
                rows.append((f"{label}/{split}/{index}", label, length, points.ravel().astype(np.float32)))
        names, labels, lengths, points = zip(*rows, strict=True)
        table = {"id": names, "label": labels, "length": pa.array(lengths, pa.int32())}
        pq.write_table(
            pa.table({**table, "points": pa.array(points, pa.list_(pa.float32()))}),
            folder / f"{split}.parquet",
        )
    (folder / "report.json").write_text(json.dumps({"source": "doodles"}))


@pytest.fixture(scope="session")
def processed_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("processed")
    (root / "sketches").mkdir()
    _drawings(root / "sketches")
    classify.preprocess(
        root / "sketches", root / "processed/classify", ClassifyFeatures(bucket_boundaries=(6, 11, 16))
    )
    draw.preprocess(root / "sketches", root / "processed/draw", DrawFeatures(bucket_boundaries=(6, 11, 16)))
    small = WatchFeatures(frames=4, height=12, width=12, steps_per_frame=4)
    watch.preprocess(root / "sketches", root / "processed/watch", small)
    (root / "series").mkdir()
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(140)]
    values = 100 + 30 * np.sin(np.arange(140) * 2 * np.pi / 7) + np.random.default_rng(0).normal(size=140)
    pq.write_table(pa.table({"ds": pa.array(days, pa.date32()), "y": values}), root / "series/series.parquet")
    (root / "series/report.json").write_text(json.dumps({"source": "csv"}))
    forecast.preprocess(
        root / "series",
        root / "processed/forecast",
        ForecastFeatures(input_size=14, horizon=3, lags=(), holiday_country=None),
    )
    return root / "processed"
