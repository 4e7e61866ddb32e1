"""The times of accepted drawings, where a source has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.validation.sketches import validate as sketches


def test_times_stand_beside_the_points_of_accepted_drawings(
    groups: list[Group], sketch_source: dict[str, Any], tmp_path: Path
) -> None:
    groups[0].drawings[1] = groups[0].drawings[1][:1]  # too short: its times go nowhere
    timed = [
        group._replace(times=[np.arange(len(drawing), dtype=np.int32) * 7 for drawing in group.drawings])
        for group in groups
    ]
    settings = SketchQuality(max_quarantined=0.5)
    sketches.validate(lambda: timed, sketch_source, settings, target=tmp_path / "out")
    for split in ("train", "valid", "test"):
        table = pq.read_table(tmp_path / "out" / f"{split}.parquet")
        assert table.schema.field("times").type == pa.list_(pa.int32())
        assert len(table) == (11 if split == "train" else 12)
        for row in table.to_pylist():
            assert row["times"] == [7 * n for n in range(row["length"])]
    assert "times" not in pq.read_schema(tmp_path / "out/quarantine.parquet").names


def test_a_source_without_time_has_no_such_column(
    groups: list[Group], sketch_source: dict[str, Any], tmp_path: Path
) -> None:
    sketches.validate(lambda: groups, sketch_source, SketchQuality(), target=tmp_path / "out")
    assert pq.read_schema(tmp_path / "out/train.parquet").names == ["id", "label", "length", "points"]
