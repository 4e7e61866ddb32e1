"""From validated drawings to padded TFRecords, and back through the parser."""

import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.common.stage import stage
from strokecast.features.records import reading, spec
from strokecast.features.sketches import classify
from strokecast.params import ClassifyFeatures

BOUNDARIES = (8, 16)
SETTINGS = ClassifyFeatures(bucket_boundaries=BOUNDARIES)


def test_every_drawing_is_read_back_padded_scaled_and_cropped(
    validated_sketches: Path, tmp_path: Path
) -> None:
    written = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert written == spec.load(tmp_path / "out", "classify")
    assert written["classes"] == ["zebra", "apple"]
    assert written["counts"]["train"] == {"8": 6, "16": 6}
    assert written["length"] == {"median": 8.5, "max": 20}
    rows = {
        row["id"]: row
        for split in spec.SPLITS
        for row in pq.read_table(validated_sketches / f"{split}.parquet").to_pylist()
    }
    moves = np.concatenate(
        [np.reshape(row["points"], (-1, 3))[:, :2].ravel() for name, row in rows.items() if "/train/" in name]
    )
    assert written["scale"] == pytest.approx(np.std(moves))
    ids_read = []
    for split in spec.SPLITS:
        for inputs, labels, ids in reading.batches(tmp_path / "out", written, split, 4):
            padded_length = inputs["strokes"].shape[1]
            assert padded_length in BOUNDARIES
            for index, name in enumerate(ids.numpy()):
                row = rows[name.decode()]
                ids_read.append(name.decode())
                points = np.reshape(row["points"], (-1, 3)).astype(np.float32)
                length = min(len(points), padded_length)
                assert padded_length == 16 or len(points) <= 8
                assert int(inputs["length"][index]) == length
                assert written["classes"][int(labels[index])] == row["label"]
                strokes = inputs["strokes"][index].numpy()
                expected = points[:length, :2] / written["scale"]
                np.testing.assert_allclose(strokes[:length, :2], expected, rtol=1e-6)
                assert strokes[length - 1, 2] == 1.0
                assert not strokes[length:].any()
    assert sorted(ids_read) == sorted(rows)


def test_same_input_gives_the_same_bytes(validated_sketches: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        classify.preprocess(validated_sketches, tmp_path / name, SETTINGS)
    assert digest_tree(tmp_path / "one") == digest_tree(tmp_path / "two")


def test_classes_are_numbered_in_the_order_of_the_source(chunked_sketches: Path, tmp_path: Path) -> None:
    written = classify.preprocess(chunked_sketches, tmp_path / "out", SETTINGS)
    assert written["classes"] == ["ant", "boat", "tree"]
    for _, labels, ids in reading.batches(tmp_path / "out", written, "train", 9):
        for label, name in zip(labels.numpy(), ids.numpy(), strict=True):
            assert name.decode().startswith(written["classes"][label] + "/")


def test_classes_are_counted_on_train(validated_sketches: Path, tmp_path: Path) -> None:
    path = validated_sketches / "train.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, len(table) - 2), path, row_group_size=4)
    written = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert written["class_counts"] == {"zebra": 6, "apple": 4}
    assert list(written["class_counts"]) == written["classes"]


def test_digest_ignores_the_test_split(validated_sketches: Path, tmp_path: Path) -> None:
    before = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    shutil.copyfile(validated_sketches / "valid.parquet", validated_sketches / "test.parquet")
    after = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert before["counts"]["test"] != after["counts"]["test"]
    assert before["digest"] == after["digest"]


@pytest.mark.parametrize("split", spec.SPLITS)
@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-9], lambda data: data[:60] + bytes(200) + data[260:]]
)
def test_a_damaged_split_is_reported_in_one_line(
    validated_sketches: Path, tmp_path: Path, split: str, damage: Callable[[bytes], bytes]
) -> None:
    path = validated_sketches / f"{split}.parquet"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        UserError, match=rf"{split}\.parquet: is damaged or not a Parquet file \(.*\); restore it"
    ):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(
    validated_sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (100, before[1])
    )  # the system refuses writes, as on a full disk
    try:
        with pytest.raises(SystemExit), stage("preprocess@classify", "padding"):
            classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("[preprocess@classify] error: the disk is full")
    assert " free); free some space there" in line
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_missing_split_is_reported_in_one_line_and_writes_nothing(
    validated_sketches: Path, tmp_path: Path
) -> None:
    (validated_sketches / "valid.parquet").unlink()
    with pytest.raises(UserError, match=r"valid\.parquet: no such file; run `dvc repro validate@sketches`"):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_class_that_train_lacks_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    table = pq.read_table(validated_sketches / "train.parquet")
    pq.write_table(table.slice(0, 6), validated_sketches / "train.parquet")
    with pytest.raises(UserError, match="valid has drawings of 'apple', train has none"):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)


def test_empty_split_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    table = pq.read_table(validated_sketches / "test.parquet")
    pq.write_table(table.slice(0, 0), validated_sketches / "test.parquet")
    with pytest.raises(UserError, match=r"test\.parquet: no drawing was accepted"):
        classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)


def test_number_of_times_must_equal_the_number_of_points(timed_sketches: Path, tmp_path: Path) -> None:
    path = timed_sketches / "valid.parquet"
    table = pq.read_table(path)
    times = table["times"].to_pylist()
    times[1] = times[1][:-1]
    columns = {name: table[name] for name in table.column_names}
    pq.write_table(pa.table({**columns, "times": pa.array(times, pa.list_(pa.int32()))}), path)
    with pytest.raises(ValueError, match="more or fewer times than points"):
        classify.preprocess(timed_sketches, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_spec_of_another_task_is_refused(validated_sketches: Path, tmp_path: Path) -> None:
    classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    with pytest.raises(UserError, match="is not a spec of forecast"):
        spec.load(tmp_path / "out", "forecast")
    with pytest.raises(UserError, match="run `dvc repro preprocess@classify`"):
        spec.load(tmp_path / "nowhere", "classify")
