"""Drawings and windows read without TensorFlow equal those that networks read."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import numpy_reader, reading, spec, writing
from strokecast.features.sketches import classify
from strokecast.params import ClassifyFeatures

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16))


@pytest.mark.parametrize("batch_size", [4, 100])
def test_batches_equal_those_of_the_tensorflow_parser(
    validated_sketches: Path, tmp_path: Path, batch_size: int
) -> None:
    written = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    for split in spec.SPLITS:
        ours = list(numpy_reader.batches(tmp_path / "out", written, split, batch_size))
        theirs = list(reading.batches(tmp_path / "out", written, split, batch_size))
        assert len(ours) == len(theirs) > 0
        for batch, (inputs, label, ids) in zip(ours, theirs, strict=True):
            assert batch.strokes.dtype == np.float32
            assert batch.length.dtype == batch.label.dtype == np.int64
            np.testing.assert_array_equal(batch.strokes, inputs["strokes"].numpy())
            np.testing.assert_array_equal(batch.length, inputs["length"].numpy())
            np.testing.assert_array_equal(batch.label, label.numpy())
            assert batch.ids == [name.decode() for name in ids.numpy()]


def test_damaged_record_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    written = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    path = tmp_path / "out" / written["files"]["valid"][0]
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=rf"{path.name}, record 1: wrong checksum.*run `dvc repro preprocess"):
        list(numpy_reader.batches(tmp_path / "out", written, "valid"))
    path.write_bytes(data[:40])
    with pytest.raises(UserError, match=r"the file ends inside this record; run `dvc repro preprocess"):
        list(numpy_reader.batches(tmp_path / "out", written, "valid"))


def test_records_of_another_padded_length_are_refused(validated_sketches: Path, tmp_path: Path) -> None:
    written = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    short, long = (tmp_path / "out" / name for name in written["files"]["train"])
    short.write_bytes(long.read_bytes())
    with pytest.raises(UserError, match="has another layout; allowed: a drawing of 8 points"):
        list(numpy_reader.batches(tmp_path / "out", written, "train"))


WINDOWS = {"input_size": 5, "horizon": 2, "channels": ["y", "bus", "holiday"], "targets": ["y", "bus"]}


def write_windows(folder: Path, future: int = 1) -> tuple[Any, dict[str, np.ndarray]]:
    """Write two files of records; returns their spec and their contents."""
    rng = np.random.default_rng(2)
    shapes = {"past": (7, 5, 3), "future": (7, 2, future), "target": (7, 2, 2)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    written = WINDOWS | {"future": ["holiday"] * future, "files": {"train": ["a.tfrecord", "b.tfrecord"]}}
    for name, rows in (("a.tfrecord", range(3)), ("b.tfrecord", range(3, 7))):
        features: dict[str, Any] = {key: values[rows] for key, values in arrays.items() if values.size}
        records = writing.serialize_examples({**features, "origin": 18000 + np.array(rows)})
        (folder / name).write_bytes(b"".join(records))
    return written, arrays


@pytest.mark.parametrize("future", [0, 1])
def test_windows_equal_what_was_written(tmp_path: Path, future: int) -> None:
    written, arrays = write_windows(tmp_path, future)
    windows = numpy_reader.windows(tmp_path, written, "train")
    for name, values in arrays.items():
        assert getattr(windows, name).dtype == np.float32
        np.testing.assert_array_equal(getattr(windows, name), values)
    assert windows.origin.tolist() == [18000 + row for row in range(7)]


@pytest.mark.parametrize(
    "change", [{"input_size": 4}, {"targets": ["y"]}, {"future": ["holiday", "weekday"]}]
)
def test_windows_of_another_layout_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    written, _ = write_windows(tmp_path)
    with pytest.raises(
        UserError, match=r"has another layout; allowed: past .*; run `dvc repro preprocess@forecast`"
    ):
        numpy_reader.windows(tmp_path, written | change, "train")


@pytest.mark.slow
def test_module_does_not_import_tensorflow() -> None:
    code = (
        "import sys; from strokecast.features.records import numpy_reader; print('tensorflow' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
