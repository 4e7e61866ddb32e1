"""Drawings and windows read without TensorFlow are those that networks get."""

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


@pytest.mark.parametrize("batch", [4, 100])
def test_batches_are_those_of_the_parser_with_tensorflow(
    validated_sketches: Path, tmp_path: Path, batch: int
) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    for split in spec.SPLITS:
        plain = list(numpy_reader.batches(tmp_path / "out", made, split, batch))
        other = list(reading.batches(tmp_path / "out", made, split, batch))
        assert len(plain) == len(other) > 0
        for ours, (inputs, label, ids) in zip(plain, other, strict=True):
            assert (ours.strokes.dtype, ours.length.dtype, ours.label.dtype) == ("float32", "int64", "int64")
            np.testing.assert_array_equal(ours.strokes, inputs["strokes"].numpy())
            np.testing.assert_array_equal(ours.length, inputs["length"].numpy())
            np.testing.assert_array_equal(ours.label, label.numpy())
            assert ours.ids == [name.decode() for name in ids.numpy()]


def test_a_damaged_record_is_named(validated_sketches: Path, tmp_path: Path) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    path = tmp_path / "out" / made["files"]["valid"][0]
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=rf"{path.name}, record 1: wrong checksum.*run `dvc repro preprocess"):
        list(numpy_reader.batches(tmp_path / "out", made, "valid"))
    path.write_bytes(data[:40])
    with pytest.raises(UserError, match=r"the file ends inside this record; run `dvc repro preprocess"):
        list(numpy_reader.batches(tmp_path / "out", made, "valid"))


def test_records_of_another_bound_are_refused(validated_sketches: Path, tmp_path: Path) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    short, long = (tmp_path / "out" / name for name in made["files"]["train"])
    short.write_bytes(long.read_bytes())
    with pytest.raises(UserError, match="laid out otherwise; allowed: a drawing of 8 points"):
        list(numpy_reader.batches(tmp_path / "out", made, "train"))


WINDOWS = {"input_size": 5, "horizon": 2, "channels": ["y", "bus", "holiday"], "targets": ["y", "bus"]}


def windows(folder: Path, future: int = 1) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Two files of records, with their spec and what is in them."""
    rng = np.random.default_rng(2)
    shapes = {"past": (7, 5, 3), "future": (7, 2, future), "target": (7, 2, 2)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    made = WINDOWS | {"future": ["holiday"] * future, "files": {"train": ["a.tfrecord", "b.tfrecord"]}}
    for name, rows in (("a.tfrecord", range(3)), ("b.tfrecord", range(3, 7))):
        with writing.RecordWriter(folder / name) as writer:
            for row in rows:
                parts = {key: values[row].ravel() for key, values in arrays.items() if values.size}
                writer.write(writing.example({**parts, "origin": 18000 + row}))
    return made, arrays


@pytest.mark.parametrize("future", [0, 1])
def test_windows_are_those_that_were_written(tmp_path: Path, future: int) -> None:
    made, arrays = windows(tmp_path, future)
    found = numpy_reader.windows(tmp_path, made, "train")
    for name, values in arrays.items():
        assert getattr(found, name).dtype == np.float32
        np.testing.assert_array_equal(getattr(found, name), values)
    assert found.origin.tolist() == [18000 + row for row in range(7)]


@pytest.mark.parametrize("change", [{"input_size": 4}, {"targets": ["y"]}, {"future": ["holiday", "weekday"]}])
def test_windows_of_another_layout_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    made, _ = windows(tmp_path)
    with pytest.raises(
        UserError, match=r"laid out otherwise; allowed: past .*; run `dvc repro preprocess@forecast`"
    ):
        numpy_reader.windows(tmp_path, made | change, "train")


def test_it_imports_no_tensorflow() -> None:
    code = "import sys; from strokecast.features.records import numpy_reader; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
