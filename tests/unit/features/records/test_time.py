"""The time of points: from ms in validated drawings to what a network reads, and back out of the records."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.common.errors import UserError
from strokecast.features.records import reading, spec, writing
from strokecast.features.sketches import classify, strokes
from strokecast.params import ClassifyFeatures

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16))


def test_the_clock_tells_the_wait_before_each_point() -> None:
    out = strokes.time_feature(np.array([500, 500, 2_500, 2_000, 3_000], np.int32), bound=7)
    assert out.dtype == np.float32
    # the first wait counts from the drawing's beginning; a clock that goes back stands still
    np.testing.assert_allclose(out, [*np.log1p([0.5, 0, 2, 0, 1]), 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(strokes.time_feature(np.array([500, 500, 2_500]), bound=2), out[:2])


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=9),
    bound=st.integers(1, 10),
    seed=st.integers(0, 99),
)
def test_many_clocks_at_once_equal_single_ones(lengths: list[int], bound: int, seed: int) -> None:
    times = np.random.default_rng(seed).integers(0, 9_999, sum(lengths) + 2).astype(np.int32)
    ends = 2 + np.cumsum(lengths)
    spans = np.stack([ends - lengths, ends], axis=1)[::-1]
    many = strokes.time_features(times, spans, bound)
    assert (many.dtype, many.shape) == (np.float32, (len(lengths), bound))
    for row, (start, end) in zip(many, spans, strict=True):
        np.testing.assert_array_equal(row, strokes.time_feature(times[start:end], bound))


@pytest.mark.parametrize("bound", [1, 11, 60])
def test_records_with_time_equal_single_ones(bound: int) -> None:
    rng = np.random.default_rng(0)
    names = [b"", b"a/b/1", b"c" * 130, b"a/b/2"]
    labels, lengths = np.array([1, 200, 3, 4]), np.array([1, 1, 1, 1])
    points = rng.normal(size=(4, bound, 3)).astype(np.float32)
    waits = rng.random((4, bound)).astype(np.float32)
    made = writing.examples(
        {"id": names, "label": labels, "length": lengths, "strokes": points, "time": waits}
    )
    for index, record in enumerate(made):
        features: dict[str, writing.Value] = {
            "id": names[index],
            "label": int(labels[index]),
            "length": 1,
            "strokes": points[index].ravel(),
            "time": waits[index],
        }
        assert record == writing.framed(writing.example(features))


@pytest.fixture
def timed_sketches(validated_sketches: Path) -> Path:
    """The validated drawings with a time for each point."""
    for split in spec.SPLITS:
        path = validated_sketches / f"{split}.parquet"
        table, groups = pq.read_table(path), pq.read_metadata(path).num_row_groups
        rng = np.random.default_rng(len(table))
        times = [np.cumsum(rng.integers(0, 900, n)).astype(np.int32) for n in table["length"].to_pylist()]
        table = table.append_column("times", pa.array(times, pa.list_(pa.int32())))
        pq.write_table(table, path, row_group_size=len(table) // groups)
    return validated_sketches


def test_time_comes_back_with_its_drawing(timed_sketches: Path, tmp_path: Path) -> None:
    made = classify.preprocess(timed_sketches, tmp_path / "out", SETTINGS)
    assert made["time"] is True
    assert made["features"] == {"strokes": [None, 3], "time": [None]}
    count = 0
    for split in spec.SPLITS:
        rows = {row["id"]: row for row in pq.read_table(timed_sketches / f"{split}.parquet").to_pylist()}
        for inputs, _, ids in reading.batches(
            tmp_path / "out", made, split, 4, ["strokes", "length", "time"]
        ):
            bound = inputs["strokes"].shape[1]
            assert inputs["time"].shape == inputs["strokes"].shape[:2]
            for index, name in enumerate(ids.numpy()):
                expected = strokes.time_feature(np.array(rows[name.decode()]["times"]), bound)
                np.testing.assert_array_equal(inputs["time"][index].numpy(), expected)
                count += 1
    assert count == 22


def test_time_is_given_to_those_alone_that_read_it(
    timed_sketches: Path, validated_sketches: Path, tmp_path: Path
) -> None:
    made = classify.preprocess(timed_sketches, tmp_path / "out", SETTINGS)
    inputs, _, _ = next(iter(reading.batches(tmp_path / "out", made, "train", 4)))
    assert set(inputs) == {"strokes", "length"}


def test_a_network_that_reads_time_is_refused_where_there_is_none(
    validated_sketches: Path, tmp_path: Path
) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert made["time"] is False
    with pytest.raises(UserError, match="hold no time, and the network reads it") as error:
        reading.groups(tmp_path / "out", made, "train", ["strokes", "length", "time"])
    assert "\n" not in str(error.value)


def test_times_that_are_not_one_a_point_are_no_drawings(timed_sketches: Path, tmp_path: Path) -> None:
    path = timed_sketches / "valid.parquet"
    table = pq.read_table(path)
    times = table["times"].to_pylist()
    times[1] = times[1][:-1]
    columns = {name: table[name] for name in table.column_names}
    pq.write_table(pa.table({**columns, "times": pa.array(times, pa.list_(pa.int32()))}), path)
    with pytest.raises(ValueError, match="more or fewer times than points"):
        classify.preprocess(timed_sketches, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_classes_are_counted_on_train(validated_sketches: Path, tmp_path: Path) -> None:
    path = validated_sketches / "train.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, len(table) - 2), path, row_group_size=4)
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    assert made["class_counts"] == {"zebra": 6, "apple": 4}
    assert list(made["class_counts"]) == made["classes"]
