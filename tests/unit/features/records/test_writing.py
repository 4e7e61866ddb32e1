"""The TFRecord encoder against published checksums and TensorFlow's own writer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.common import tfrecord
from strokecast.features.records import writing


def tensorflow_example(features: Mapping[str, Any]) -> bytes:
    """One Example, serialised by TensorFlow."""
    import tensorflow as tf

    encoded = {}
    for name, value in features.items():
        if isinstance(value, bytes):
            encoded[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        elif isinstance(value, np.ndarray):
            encoded[name] = tf.train.Feature(float_list=tf.train.FloatList(value=value.ravel()))
        else:
            encoded[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    example = tf.train.Example(features=tf.train.Features(feature=encoded))
    return bytes(example.SerializeToString(deterministic=True))


def frame(record: bytes) -> bytes:
    """One record with its header and checksum."""
    header = len(record).to_bytes(8, "little")
    checksums = (tfrecord.masked_crc(part).to_bytes(4, "little") for part in (header, record))
    return header + next(checksums) + record + next(checksums)


def rows_of(features: Mapping[str, Sequence[Any] | np.ndarray]) -> list[dict[str, Any]]:
    """The features of each record, with Python integers."""
    count = len(next(iter(features.values())))
    return [
        {name: int(v) if isinstance(v := values[row], np.integer) else v for name, values in features.items()}
        for row in range(count)
    ]


def test_crc32c_of_published_vectors() -> None:
    # RFC 3720, appendix B.4, and the check value of the CRC-32C catalogue
    rows = [bytes(32), b"\xff" * 32, bytes(range(32)), b"123456789"]
    for row, crc in zip(rows, [0x8A9136AA, 0x62A8AB43, 0x46DD794E, 0xE3069283], strict=True):
        unmasked = tfrecord.masked_crc(row) - 0xA282EAD8 & 0xFFFFFFFF
        assert (unmasked << 15 | unmasked >> 17) & 0xFFFFFFFF == crc


def test_files_equal_those_of_tensorflow_byte_for_byte(tmp_path: Path) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    features = {
        "strokes": rng.normal(size=(39, 30)).astype(np.float32),
        "length": np.arange(1, 40) * 50,
        "label": np.arange(1, 40),
        "id": [b"a/b/" + b"9" * n for n in range(1, 40)],
    }
    (tmp_path / "ours").write_bytes(b"".join(writing.serialize_examples(features)))
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for row in rows_of(features):
            writer.write(tensorflow_example(row))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    read = list(tf.data.TFRecordDataset(str(tmp_path / "ours")).as_numpy_iterator())
    assert len(read) == 39


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**40, -1, -20_000])
def test_integers_are_parsed_back(value: int) -> None:
    import tensorflow as tf

    (record,) = writing.serialize_examples({"n": np.array([value])})
    parsed = tf.train.Example.FromString(record[writing.HEADER_BYTES : -4])
    assert list(parsed.features.feature["n"].int64_list.value) == [value]


@given(
    rows=st.lists(
        st.tuples(
            st.binary(max_size=200),
            st.one_of(st.integers(-400, 400), st.integers(-(2**63), 2**63 - 1)),
            st.sampled_from([1, 127, 128, 300, 16_384, 2**40]),
        ),
        max_size=12,
    ),
    padded_length=st.sampled_from([1, 2, 11, 60]),
)
def test_records_of_different_sizes_equal_those_of_tensorflow(
    rows: list[tuple[bytes, int, int]], padded_length: int
) -> None:
    strokes = np.random.default_rng(len(rows)).normal(size=(len(rows), padded_length, 3)).astype(np.float32)
    features = {
        "strokes": strokes,
        "id": [row[0] for row in rows],
        "label": np.array([row[1] for row in rows], dtype=np.int64),
        "length": np.array([row[2] for row in rows], dtype=np.int64),
    }
    expected = [frame(tensorflow_example(row)) for row in rows_of(features)]
    assert writing.serialize_examples(features) == expected


@pytest.mark.parametrize("padded_length", [1, 11, 60])
def test_records_with_time_equal_those_of_tensorflow(padded_length: int) -> None:
    rng = np.random.default_rng(0)
    features = {
        "id": [b"", b"a/b/1", b"c" * 130, b"a/b/2"],
        "label": np.array([1, 200, 3, 4]),
        "length": np.array([1, 1, 1, 1]),
        "strokes": rng.normal(size=(4, padded_length, 3)).astype(np.float32),
        "time": rng.random((4, padded_length)).astype(np.float32),
    }
    expected = [frame(tensorflow_example(row)) for row in rows_of(features)]
    assert writing.serialize_examples(features) == expected


def test_shards_are_no_larger_than_requested() -> None:
    assert writing.shard_names("train/bucket-0032", 10, 500, 1) == [
        "train/bucket-0032-00000-of-00001.tfrecord"
    ]
    names = writing.shard_names("train/bucket-0032", 5_000, 500, 1)
    assert names == [f"train/bucket-0032-0000{shard}-of-00003.tfrecord" for shard in range(3)]


def test_digest_depends_on_names_contents_and_scaling(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"one")
    digests = {
        writing.digest(tmp_path, ["a"], [1.0]),
        writing.digest(tmp_path, ["b"], [1.0]),
        writing.digest(tmp_path, ["a"], [1.0 + 1e-15]),
        writing.digest(tmp_path, ["a", "b"], [1.0]),
    }
    (tmp_path / "a").write_bytes(b"two")
    digests.add(writing.digest(tmp_path, ["a"], [1.0]))
    assert len(digests) == 5
