"""From validated drawings to those that a generator learns: only complete ones, with their end token."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import reading, spec
from strokecast.features.sketches import classify, draw
from strokecast.params import ClassifyFeatures, DrawFeatures, Preprocess

SETTINGS = DrawFeatures(bucket_boundaries=(8, 16))


def test_long_drawings_are_left_out_and_counted(validated_sketches: Path, tmp_path: Path) -> None:
    written = draw.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert written == spec.load(tmp_path / "out", "draw")
    assert (written["task"], written["classes"]) == ("draw", ["zebra", "apple"])
    assert written["left_out"] == {"train": 2, "valid": 2, "test": 2}
    assert written["counts"] == {
        "train": {"8": 6, "16": 4},
        "valid": {"8": 2},
        "test": {"8": 2, "16": 2},
    }
    assert written["class_counts"] == {"zebra": 5, "apple": 5}
    assert written["length"] == {"median": 8.0, "max": 16}
    assert written["max_points"] == 16
    rows = {
        row["id"]: row
        for split in spec.SPLITS
        for row in pq.read_table(validated_sketches / f"{split}.parquet").to_pylist()
        if row["length"] <= 16
    }
    train = [np.reshape(row["points"], (-1, 3)) for name, row in rows.items() if "/train/" in name]
    assert written["scale"] == pytest.approx(np.std(np.concatenate(train)[:, :2]))
    ids_read = []
    for split in spec.SPLITS:
        for inputs, target, ids in reading.batches(tmp_path / "out", written, split, 4):
            assert target.shape[1:] == (inputs["strokes"].shape[1] + 1, 5)
            for index, name in enumerate(ids.numpy()):
                row = rows[name.decode()]
                ids_read.append(name.decode())
                points, length = np.reshape(row["points"], (-1, 3)), int(inputs["length"][index])
                assert length == row["length"]
                assert written["classes"][int(inputs["label"][index])] == row["label"]
                stroke5 = target[index].numpy()
                np.testing.assert_allclose(stroke5[:length, :2], points[:, :2] / written["scale"], rtol=1e-6)
                np.testing.assert_array_equal(stroke5[:length, 3], points[:, 2])
                np.testing.assert_array_equal(stroke5[:length, 2], 1 - points[:, 2])
                np.testing.assert_array_equal(stroke5[length], [0, 0, 0, 0, 1])
                assert not stroke5[:length, 4].any()
                assert not stroke5[length + 1 :].any()
    assert sorted(ids_read) == sorted(rows)


def test_records_equal_those_of_classify_if_all_drawings_fit(
    validated_sketches: Path, tmp_path: Path
) -> None:
    boundaries = (8, 40)
    written = draw.preprocess(
        validated_sketches, tmp_path / "draw", DrawFeatures(bucket_boundaries=boundaries)
    )
    other = classify.preprocess(
        validated_sketches, tmp_path / "classify", ClassifyFeatures(bucket_boundaries=boundaries)
    )
    assert written["left_out"] == {"train": 0, "valid": 0, "test": 0}
    assert written["digest"] == other["digest"]
    for name in written["files"]["test"]:
        assert (tmp_path / "draw" / name).read_bytes() == (tmp_path / "classify" / name).read_bytes()


def test_times_are_not_written(validated_sketches: Path, tmp_path: Path) -> None:
    draw.preprocess(validated_sketches, tmp_path / "plain", SETTINGS)
    for split in spec.SPLITS:
        path = validated_sketches / f"{split}.parquet"
        table = pq.read_table(path)
        times = pa.array([list(range(n)) for n in table["length"].to_pylist()], pa.list_(pa.int32()))
        pq.write_table(table.append_column("times", times), path)
    written = draw.preprocess(validated_sketches, tmp_path / "timed", SETTINGS, Preprocess(workers=1))
    assert written["features"] == {"strokes": [None, 3]}
    assert digest_tree(tmp_path / "timed") == digest_tree(tmp_path / "plain")


def test_label_is_an_input_only_if_the_network_has_it(validated_sketches: Path, tmp_path: Path) -> None:
    written = draw.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    for names, expected in (
        ((), {"strokes", "length", "label"}),
        (("strokes", "length", "label"), {"strokes", "length", "label"}),
        (("strokes", "length"), {"strokes", "length"}),
    ):
        inputs, *_ = next(iter(reading.batches(tmp_path / "out", written, "valid", 4, names)))
        assert set(inputs) == expected


def test_split_with_only_long_drawings_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"bucket_boundaries: every drawing of valid has more than 3 points"):
        draw.preprocess(validated_sketches, tmp_path / "out", DrawFeatures(bucket_boundaries=(2, 3)))
    assert not (tmp_path / "out").exists()
