"""The hand-written TFRecord writer against published checksums and TensorFlow's own writer."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strokecast.common import tfrecord
from strokecast.features.records import writing


def test_crc32c_of_published_vectors() -> None:
    # RFC 3720, appendix B.4, and the check value of the CRC-32C catalogue
    rows = [bytes(32), b"\xff" * 32, bytes(range(32)), b"123456789"]
    for row, crc in zip(rows, [0x8A9136AA, 0x62A8AB43, 0x46DD794E, 0xE3069283], strict=True):
        unmasked = tfrecord.masked_crc(row) - 0xA282EAD8 & 0xFFFFFFFF
        assert (unmasked << 15 | unmasked >> 17) & 0xFFFFFFFF == crc


def test_files_equal_those_of_tensorflow_byte_for_byte(tmp_path: Path) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    rows = [
        {
            "strokes": rng.normal(size=3 * n).astype(np.float32),
            "length": n * 50,
            "label": n,
            "id": b"a/b/" + b"9" * n,
        }
        for n in range(1, 40)
    ]
    ours = [writing.example(row) for row in rows]
    for row, data in zip(rows, ours, strict=True):
        parsed = tf.train.Example.FromString(data)
        assert parsed.SerializeToString(deterministic=True) == data
        np.testing.assert_array_equal(parsed.features.feature["strokes"].float_list.value, row["strokes"])
        assert list(parsed.features.feature["length"].int64_list.value) == [row["length"]]
        assert list(parsed.features.feature["id"].bytes_list.value) == [row["id"]]
    with writing.RecordWriter(tmp_path / "ours") as writer:
        for data in ours:
            writer.write(data)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as theirs:
        for data in ours:
            theirs.write(data)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**40, -1, -20_000])
def test_integers_survive(value: int) -> None:
    import tensorflow as tf

    parsed = tf.train.Example.FromString(writing.example({"n": value}))
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
    bound=st.sampled_from([1, 2, 11, 60]),
)
def test_many_records_at_once_equal_single_ones(rows: list[tuple[bytes, int, int]], bound: int) -> None:
    strokes = np.random.default_rng(len(rows)).normal(size=(len(rows), bound, 3)).astype(np.float32)
    many = writing.examples(
        {
            "strokes": strokes,
            "id": [row[0] for row in rows],
            "label": np.array([row[1] for row in rows], dtype=np.int64),
            "length": np.array([row[2] for row in rows], dtype=np.int64),
        }
    )
    single = [
        writing.framed(
            writing.example({"strokes": strokes[index].ravel(), "length": length, "label": label, "id": name})
        )
        for index, (name, label, length) in enumerate(rows)
    ]
    assert many == single


def test_more_records_than_are_encoded_at_once(tmp_path: Path) -> None:
    import tensorflow as tf

    count = writing._FLUSH * 2 + 3
    with writing.RecordWriter(tmp_path / "many") as writer:
        for index in range(count):
            writer.write(writing.example({"n": index}))
    read = [
        tf.train.Example.FromString(data).features.feature["n"].int64_list.value[0]
        for data in tf.data.TFRecordDataset(str(tmp_path / "many")).as_numpy_iterator()
    ]
    assert read == list(range(count))


def test_shards_are_no_larger_than_wanted() -> None:
    assert writing.shard_names("train/bucket-0032", 10, 500, 1) == [
        "train/bucket-0032-00000-of-00001.tfrecord"
    ]
    names = writing.shard_names("train/bucket-0032", 5_000, 500, 1)
    assert names == [f"train/bucket-0032-0000{shard}-of-00003.tfrecord" for shard in range(3)]


def test_digest_sees_names_contents_and_scaling(tmp_path: Path) -> None:
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
