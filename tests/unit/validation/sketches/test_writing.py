"""Parquet files of accepted drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.validate import validate_sketches


def test_times_of_accepted_drawings_are_written(
    groups: list[Group], sketch_source: SketchSource, tmp_path: Path
) -> None:
    groups[0].drawings[1] = groups[0].drawings[1][:1]  # too short: its times are not written
    with_times = [
        group._replace(times=[np.arange(len(drawing), dtype=np.int32) * 7 for drawing in group.drawings])
        for group in groups
    ]
    settings = SketchQuality(max_quarantined=0.5)
    validate_sketches(lambda: with_times, sketch_source, settings, target=tmp_path / "out")
    for split in ("train", "valid", "test"):
        table = pq.read_table(tmp_path / "out" / f"{split}.parquet")
        assert table.schema.field("times").type == pa.list_(pa.int32())
        assert len(table) == (11 if split == "train" else 12)
        for row in table.to_pylist():
            assert row["times"] == [7 * n for n in range(row["length"])]
    assert "times" not in pq.read_schema(tmp_path / "out/quarantine.parquet").names


def test_without_times_there_is_no_such_column(
    groups: list[Group], sketch_source: SketchSource, tmp_path: Path
) -> None:
    validate_sketches(lambda: groups, sketch_source, SketchQuality(), target=tmp_path / "out")
    assert pq.read_schema(tmp_path / "out/train.parquet").names == ["id", "label", "length", "points"]


def test_row_groups_hold_one_class(groups: list[Group], sketch_source: SketchSource, tmp_path: Path) -> None:
    validate_sketches(lambda: groups, sketch_source, SketchQuality(), target=tmp_path / "out")
    file = pq.ParquetFile(tmp_path / "out/train.parquet")
    labels = [set(file.read_row_group(n)["label"].to_pylist()) for n in range(file.num_row_groups)]
    assert labels == [{"crab"}, {"ice cream"}]
