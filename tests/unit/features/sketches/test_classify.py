"""From validated drawings to padded TFRecords, and back through the one parser."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import reading, spec
from strokecast.features.sketches import classify, padded
from strokecast.params import ClassifyFeatures

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16))


def test_every_drawing_comes_back_padded_scaled_and_cropped(validated_sketches: Path, tmp_path: Path) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert made == spec.load(tmp_path / "out", "classify")
    assert made["classes"] == ["zebra", "apple"]
    assert made["counts"]["train"] == {"8": 6, "16": 6}
    assert made["length"] == {"median": 8.5, "max": 20}
    rows = {
        row["id"]: row
        for split in spec.SPLITS
        for row in pq.read_table(validated_sketches / f"{split}.parquet").to_pylist()
    }
    moves = np.concatenate(
        [np.reshape(row["points"], (-1, 3))[:, :2].ravel() for name, row in rows.items() if "/train/" in name]
    )
    assert made["scale"] == pytest.approx(np.std(moves))
    seen = []
    for split in spec.SPLITS:
        for inputs, labels, ids in reading.batches(tmp_path / "out", made, split, 4):
            bound = inputs["strokes"].shape[1]
            assert bound in SETTINGS.bounds
            for index, name in enumerate(ids.numpy()):
                row = rows[name.decode()]
                seen.append(name.decode())
                points = np.reshape(row["points"], (-1, 3)).astype(np.float32)
                kept = min(len(points), bound)
                assert bound == 16 or len(points) <= 8
                assert int(inputs["length"][index]) == kept
                assert made["classes"][int(labels[index])] == row["label"]
                strokes = inputs["strokes"][index].numpy()
                np.testing.assert_allclose(strokes[:kept, :2], points[:kept, :2] / made["scale"], rtol=1e-6)
                assert strokes[kept - 1, 2] == 1.0
                assert not strokes[kept:].any()
    assert sorted(seen) == sorted(rows)


def test_the_same_input_gives_the_same_bytes(validated_sketches: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        classify.preprocess(validated_sketches, tmp_path / name, SETTINGS)
    assert digest_tree(tmp_path / "one") == digest_tree(tmp_path / "two")


def test_shards_share_a_bucket_without_loss(
    validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(padded, "_OVERHEAD", 400_000)  # as if a record weighed 0.4 MB
    made = classify.preprocess(
        validated_sketches, tmp_path / "out", ClassifyFeatures(bucket_boundaries=(32,), shard_megabytes=1)
    )
    assert [Path(name).name for name in made["files"]["train"]] == [
        f"bucket-0032-0000{shard}-of-00005.tfrecord" for shard in range(5)
    ]
    ids = [i for *_, batch in reading.batches(tmp_path / "out", made, "train", 5) for i in batch.numpy()]
    assert len(set(ids)) == len(ids) == 12


def test_digest_ignores_the_test_split(validated_sketches: Path, tmp_path: Path) -> None:
    before = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    shutil.copyfile(validated_sketches / "valid.parquet", validated_sketches / "test.parquet")
    after = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert before["counts"]["test"] != after["counts"]["test"]
    assert before["digest"] == after["digest"]


def test_a_missing_split_is_one_line_and_leaves_nothing(validated_sketches: Path, tmp_path: Path) -> None:
    (validated_sketches / "valid.parquet").unlink()
    with pytest.raises(UserError, match=r"valid\.parquet: no such file; run `dvc repro validate@sketches`"):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_class_that_train_lacks_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    table = pq.read_table(validated_sketches / "train.parquet")
    pq.write_table(table.slice(0, 6), validated_sketches / "train.parquet")
    with pytest.raises(UserError, match="valid holds drawings of 'apple', train holds none"):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)


def test_an_empty_split_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    table = pq.read_table(validated_sketches / "test.parquet")
    pq.write_table(table.slice(0, 0), validated_sketches / "test.parquet")
    with pytest.raises(UserError, match=r"test\.parquet: no drawing was accepted"):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)


def test_a_spec_of_another_task_is_refused(validated_sketches: Path, tmp_path: Path) -> None:
    classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    with pytest.raises(UserError, match="is no spec of forecast"):
        spec.load(tmp_path / "out", "forecast")
    with pytest.raises(UserError, match="run `dvc repro preprocess@classify`"):
        spec.load(tmp_path / "nowhere", "classify")
