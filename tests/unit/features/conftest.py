"""Tiny validated data, as the quality room writes it."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LENGTHS = {"train": (3, 8, 9, 20, 5, 16), "valid": (4, 17), "test": (16, 30, 2)}


def drawing(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.integers(-50, 50, (n, 3)).astype(np.float32)
    points[:, 2] = 0
    points[-1, 2] = 1
    return points


@pytest.fixture
def validated_sketches(tmp_path: Path) -> Path:
    folder = tmp_path / "validated" / "sketches"
    folder.mkdir(parents=True)
    for split, lengths in LENGTHS.items():
        with pq.ParquetWriter(folder / f"{split}.parquet", _schema()) as writer:
            for number, label in enumerate(("zebra", "apple")):  # the source's order, not the alphabet's
                points = [drawing(n, seed=index + 100 * number) for index, n in enumerate(lengths)]
                writer.write_table(
                    pa.table(
                        {
                            "id": [f"{label}/{split}/{index}" for index in range(len(lengths))],
                            "label": [label] * len(lengths),
                            "length": pa.array(lengths, pa.int32()),
                            "points": pa.array([p.ravel() for p in points], pa.list_(pa.float32())),
                        },
                        schema=_schema(),
                    )
                )
    (folder / "report.json").write_text(json.dumps({"source": "doodles", "classes": ["zebra", "apple"]}))
    return folder


def _schema() -> pa.Schema:
    return pa.schema(
        [
            ("id", pa.string()),
            ("label", pa.string()),
            ("length", pa.int32()),
            ("points", pa.list_(pa.float32())),
        ]
    )


@pytest.fixture
def make_series(tmp_path: Path) -> Callable[..., Path]:
    """A validated series of `n` days from 2020-01-01 with y = 100 + its position."""

    def make(n: int, skip: int | None = None) -> Path:
        folder = tmp_path / "validated" / "series"
        folder.mkdir(parents=True, exist_ok=True)
        keep = [day for day in range(n) if day != skip]
        days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=day) for day in keep]
        table = pa.table(
            {
                "ds": pa.array(days, pa.date32()),
                "y": pa.array([100.0 + day for day in keep]),
                "filled": [False] * len(days),
            }
        )
        pq.write_table(table, folder / "series.parquet")
        (folder / "report.json").write_text(json.dumps({"source": "csv"}))
        return folder

    return make
