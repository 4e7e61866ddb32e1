"""The inputs that the TensorFlow parser reads from records of drawings."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import reading, spec
from strokecast.features.sketches import classify, strokes
from strokecast.params import ClassifyFeatures

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16))


def test_time_is_read_with_its_drawing(timed_sketches: Path, tmp_path: Path) -> None:
    written = classify.preprocess(timed_sketches, tmp_path / "out", SETTINGS)
    assert written["time"] is True
    assert written["features"] == {"strokes": [None, 3], "time": [None]}
    count = 0
    for split in spec.SPLITS:
        rows = {row["id"]: row for row in pq.read_table(timed_sketches / f"{split}.parquet").to_pylist()}
        names = ["strokes", "length", "time"]
        for inputs, _, ids in reading.batches(tmp_path / "out", written, split, 4, names):
            padded_length = inputs["strokes"].shape[1]
            assert inputs["time"].shape == inputs["strokes"].shape[:2]
            for index, name in enumerate(ids.numpy()):
                expected = strokes.time_feature(np.array(rows[name.decode()]["times"]), padded_length)
                np.testing.assert_array_equal(inputs["time"][index].numpy(), expected)
                count += 1
    assert count == 22


def test_time_is_read_only_if_the_network_has_that_input(timed_sketches: Path, tmp_path: Path) -> None:
    written = classify.preprocess(timed_sketches, tmp_path / "out", SETTINGS)
    inputs, _, _ = next(iter(reading.batches(tmp_path / "out", written, "train", 4)))
    assert set(inputs) == {"strokes", "length"}


def test_network_that_reads_time_is_refused_if_records_have_none(
    validated_sketches: Path, tmp_path: Path
) -> None:
    written = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert written["time"] is False
    with pytest.raises(UserError, match="time of each point, which the drawings do not have") as error:
        reading.groups(tmp_path / "out", written, "train", ["strokes", "length", "time"])
    assert "\n" not in str(error.value)
