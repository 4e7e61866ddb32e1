"""Drawings read without TensorFlow are those that networks get."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from strokecast.errors import UserError
from strokecast.features import classify, plain_reading, reading, spec
from strokecast.params import ClassifyFeatures

SETTINGS = ClassifyFeatures(bounds=(8, 16))


@pytest.mark.parametrize("batch", [4, 100])
def test_batches_are_those_of_the_parser_with_tensorflow(
    validated_sketches: Path, tmp_path: Path, batch: int
) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    for split in spec.SPLITS:
        plain = list(plain_reading.batches(tmp_path / "out", made, split, batch))
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
        list(plain_reading.batches(tmp_path / "out", made, "valid"))
    path.write_bytes(data[:40])
    with pytest.raises(UserError, match=r"the file ends inside this record; run `dvc repro preprocess"):
        list(plain_reading.batches(tmp_path / "out", made, "valid"))


def test_records_of_another_bound_are_refused(validated_sketches: Path, tmp_path: Path) -> None:
    made = classify.preprocess(validated_sketches, tmp_path / "out", SETTINGS)
    short, long = (tmp_path / "out" / name for name in made["files"]["train"])
    short.write_bytes(long.read_bytes())
    with pytest.raises(UserError, match="laid out otherwise; allowed: a drawing of 8 points"):
        list(plain_reading.batches(tmp_path / "out", made, "train"))


def test_it_imports_no_tensorflow() -> None:
    code = "import sys; from strokecast.features import plain_reading; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
