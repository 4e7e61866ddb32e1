"""From validated drawings to those that a network learns to draw: whole ones only, with their end."""

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


def test_what_is_too_long_is_left_out_and_told(validated_sketches: Path, tmp_path: Path) -> None:
    made = draw.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert made == spec.load(tmp_path / "out", "draw")
    assert (made["task"], made["classes"]) == ("draw", ["zebra", "apple"])
    assert made["left_out"] == {"train": 2, "valid": 2, "test": 2}
    assert made["counts"] == {
        "train": {"8": 6, "16": 4},
        "valid": {"8": 2},
        "test": {"8": 2, "16": 2},
    }
    assert made["class_counts"] == {"zebra": 5, "apple": 5}
    assert made["length"] == {"median": 8.0, "max": 16}
    assert made["max_points"] == 16
    rows = {
        row["id"]: row
        for split in spec.SPLITS
        for row in pq.read_table(validated_sketches / f"{split}.parquet").to_pylist()
        if row["length"] <= 16
    }
    kept = [np.reshape(row["points"], (-1, 3)) for name, row in rows.items() if "/train/" in name]
    assert made["scale"] == pytest.approx(np.std(np.concatenate(kept)[:, :2]))
    seen = []
    for split in spec.SPLITS:
        for inputs, target, ids in reading.batches(tmp_path / "out", made, split, 4):
            assert target.shape[1:] == (inputs["strokes"].shape[1] + 1, 5)
            for index, name in enumerate(ids.numpy()):
                row = rows[name.decode()]
                seen.append(name.decode())
                points, length = np.reshape(row["points"], (-1, 3)), int(inputs["length"][index])
                assert length == row["length"]
                assert made["classes"][int(inputs["label"][index])] == row["label"]
                drawn = target[index].numpy()
                np.testing.assert_allclose(drawn[:length, :2], points[:, :2] / made["scale"], rtol=1e-6)
                np.testing.assert_array_equal(drawn[:length, 3], points[:, 2])
                np.testing.assert_array_equal(drawn[:length, 2], 1 - points[:, 2])
                np.testing.assert_array_equal(drawn[length], [0, 0, 0, 0, 1])
                assert not drawn[:length, 4].any()
                assert not drawn[length + 1 :].any()
    assert sorted(seen) == sorted(rows)


def test_with_room_for_all_the_records_are_those_of_classify(
    validated_sketches: Path, tmp_path: Path
) -> None:
    made = draw.preprocess(validated_sketches, tmp_path / "draw", DrawFeatures(bucket_boundaries=(8, 40)))
    other = classify.preprocess(validated_sketches, tmp_path / "classify", ClassifyFeatures(bucket_boundaries=(8, 40)))
    assert made["left_out"] == {"train": 0, "valid": 0, "test": 0}
    assert made["digest"] == other["digest"]
    for name in made["files"]["test"]:
        assert (tmp_path / "draw" / name).read_bytes() == (tmp_path / "classify" / name).read_bytes()


def test_times_are_not_kept(validated_sketches: Path, tmp_path: Path) -> None:
    draw.preprocess(validated_sketches, tmp_path / "plain", SETTINGS)
    for split in spec.SPLITS:
        path = validated_sketches / f"{split}.parquet"
        table = pq.read_table(path)
        times = pa.array([list(range(n)) for n in table["length"].to_pylist()], pa.list_(pa.int32()))
        pq.write_table(table.append_column("times", times), path)
    made = draw.preprocess(validated_sketches, tmp_path / "timed", SETTINGS, Preprocess(workers=1))
    assert made["features"] == {"strokes": [None, 3]}
    assert digest_tree(tmp_path / "timed") == digest_tree(tmp_path / "plain")


def test_the_class_is_read_only_where_it_is_asked_for(validated_sketches: Path, tmp_path: Path) -> None:
    made = draw.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    for names, expected in (
        ((), {"strokes", "length", "label"}),
        (("strokes", "length", "label"), {"strokes", "length", "label"}),
        (("strokes", "length"), {"strokes", "length"}),
    ):
        inputs, *_ = next(iter(reading.batches(tmp_path / "out", made, "valid", 4, names)))
        assert set(inputs) == expected


def test_a_split_of_long_drawings_alone_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"bounds: each drawing of valid has more than 3 points"):
        draw.preprocess(validated_sketches, tmp_path / "out", DrawFeatures(bucket_boundaries=(2, 3)))
    assert not (tmp_path / "out").exists()
