"""Small validated data sets, in the format that validation writes."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.features.records.spec import SPLITS
from strokecast.features.sketches import padded

LENGTHS = {"train": (3, 8, 9, 20, 5, 16), "valid": (4, 17), "test": (16, 30, 2)}
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.string()),
        ("length", pa.int32()),
        ("points", pa.list_(pa.float32())),
    ]
)


def drawing(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.integers(-50, 50, (n, 3)).astype(np.float32)
    points[:, 2] = 0
    points[-1, 2] = 1
    return points


def table(ids: list[str], label: str, points: list[np.ndarray]) -> pa.Table:
    columns = [
        ids,
        [label] * len(points),
        pa.array([len(one) for one in points], pa.int32()),
        pa.array([one.ravel() for one in points], pa.list_(pa.float32())),
    ]
    return pa.table(columns, schema=SCHEMA)


@pytest.fixture
def validated_sketches(tmp_path: Path) -> Path:
    """Two classes with the lengths `LENGTHS` each, one row group per class."""
    folder = tmp_path / "validated" / "sketches"
    folder.mkdir(parents=True)
    for split, lengths in LENGTHS.items():
        with pq.ParquetWriter(folder / f"{split}.parquet", SCHEMA) as writer:
            for number, label in enumerate(("zebra", "apple")):  # the source's order is not alphabetical
                points = [drawing(n, seed=index + 100 * number) for index, n in enumerate(lengths)]
                ids = [f"{label}/{split}/{index}" for index in range(len(lengths))]
                writer.write_table(table(ids, label, points))
    (folder / "report.json").write_text(json.dumps({"source": "doodles", "classes": ["zebra", "apple"]}))
    return folder


@pytest.fixture
def timed_sketches(validated_sketches: Path) -> Path:
    """`validated_sketches` with a time for each point."""
    for split in SPLITS:
        path = validated_sketches / f"{split}.parquet"
        drawings, groups = pq.read_table(path), pq.read_metadata(path).num_row_groups
        rng = np.random.default_rng(len(drawings))
        times = [np.cumsum(rng.integers(0, 900, n)).astype(np.int32) for n in drawings["length"].to_pylist()]
        drawings = drawings.append_column("times", pa.array(times, pa.list_(pa.int32())))
        pq.write_table(drawings, path, row_group_size=len(drawings) // groups)
    return validated_sketches


@pytest.fixture
def chunked_sketches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty row groups of 1 to 9 drawings, three alternating classes, several files per length bucket."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "validated"
    folder.mkdir()
    for split in SPLITS:
        with pq.ParquetWriter(folder / f"{split}.parquet", SCHEMA) as writer:
            for group in range(20):
                points = [
                    rng.normal(0, 9, size=(n, 3)).astype("f4") for n in rng.integers(2, 24, 1 + group % 9)
                ]
                label = ("tree", "ant", "boat")[group % 3]
                ids = [f"{label}/{split}/shard{group}:{index}" for index in range(len(points))]
                writer.write_table(table(ids, label, points))
    report = {"source": "tutorial_tfrecord", "classes": ["ant", "boat", "tree", "zebra"]}
    (folder / "report.json").write_text(json.dumps(report))
    monkeypatch.setattr(padded, "_OVERHEAD", 60_000)  # count 0.06 MB per record, for several files per bucket
    return folder
