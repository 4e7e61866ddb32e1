"""TFRecord files of `tf.train.Example`, encoded without TensorFlow and byte for byte as TensorFlow does.

A TFRecord file is a sequence of: length (uint64), masked CRC-32C of those 8 bytes, the data, masked CRC-32C of the
data; all little-endian. An Example is a protobuf map from names to lists of float, int64 or bytes
(tensorflow/core/example/{example,feature}.proto).
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from strokecast.common.files import sha256
from strokecast.common.tfrecord import masked_crc

Value = NDArray[np.floating] | int | bytes  # one feature of one record
Values = NDArray[Any] | Sequence[bytes]  # one feature of many records

_MASK_DELTA = 0xA282EAD8
HEADER_BYTES = 12  # length and its checksum


def _mask(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """`tfrecord.masked_crc` applied to many raw checksums."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK_DELTA)


@functools.lru_cache(maxsize=4096)
def _header(length: int) -> bytes:
    """The header of a record of `length` bytes."""
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked_crc(packed))


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _feature(value: Value) -> bytes:
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    if isinstance(value, np.ndarray):
        return _field(2, _field(1, value.astype("<f4").tobytes()))
    return _field(3, _field(1, _varint(value)))


def _entry(name: str, value: Value) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, _feature(value)))


def serialize_examples(features: Mapping[str, Values]) -> list[bytes]:
    """N Examples as stored in a TFRecord file, each with its header and checksum and its features sorted by name.

    Records whose values have the same sizes in bytes share one layout. Each such group becomes one table of bytes,
    filled column by column.

    Args:
        features: name → N byte strings, int64 [N], or floats [N, ...], which are stored as float32.
    """
    names = sorted(features)
    columns = [_Column.from_values(features[name]) for name in names]
    count = len(columns[0].sizes)
    layout_ids = np.zeros(count, np.int64)
    for column in columns:
        layout_ids = layout_ids * (column.sizes.max(initial=0) + 1) + column.sizes
    records: list[bytes] = [b""] * count
    for layout_id in np.unique(layout_ids).tolist():
        rows = np.flatnonzero(layout_ids == layout_id)
        widths = tuple(int(column.sizes[rows[0]]) for column in columns)
        template, ends = _layout(tuple(names), tuple(column.kind for column in columns), widths)
        table = np.empty((len(rows), len(template)), np.uint8)
        position = 0
        for column, width, end in zip(columns, widths, ends, strict=True):
            table[:, position : end - width] = template[position : end - width]
            table[:, end - width : end] = column.take_bytes(rows, width)
            position = end
        data, size = table.tobytes(), table.shape[1]
        starts = range(0, len(data), size)
        checksums = [google_crc32c.value(data[start + HEADER_BYTES : start + size - 4]) for start in starts]
        table[:, -4:] = _mask(np.array(checksums, np.uint32)).astype("<u4").view(np.uint8).reshape(-1, 4)
        data = table.tobytes()
        for row, start in zip(rows.tolist(), starts, strict=True):
            records[row] = data[start : start + size]
    return records


class _Column(NamedTuple):
    """One feature of N records.

    Attributes:
        kind: "bytes", "floats" or "integers".
        values: N byte strings, uint8 [N, width] or uint64 [N].
        sizes: int64 [N], encoded bytes per value.
    """

    kind: str
    values: Any
    sizes: NDArray[np.int64]

    @classmethod
    def from_values(cls, values: Values) -> _Column:
        if not isinstance(values, np.ndarray):
            return cls("bytes", values, np.array([len(value) for value in values], np.int64))
        if values.dtype.kind == "f":
            flat = values.astype("<f4", copy=False).reshape(len(values), int(np.prod(values.shape[1:])))
            data = flat.view(np.uint8)
            return cls("floats", data, np.full(len(data), data.shape[1], np.int64))
        unsigned = values.astype(np.int64, copy=False).view(np.uint64)
        return cls("integers", unsigned, _varint_size(unsigned))

    def take_bytes(self, rows: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """The encoded values of `rows`, uint8 [n, width]."""
        if self.kind == "floats":
            return np.asarray(self.values[rows])
        if self.kind == "integers":
            return _varints(self.values[rows], width)
        joined = b"".join([self.values[row] for row in rows.tolist()])
        return np.frombuffer(joined, np.uint8).reshape(len(rows), width)


@functools.lru_cache(maxsize=4096)
def _layout(
    names: tuple[str, ...], kinds: tuple[str, ...], widths: tuple[int, ...]
) -> tuple[NDArray[np.uint8], list[int]]:
    """A framed record with placeholder values of `widths` bytes, and the position after each value."""
    smallest = [0, *(1 << 7 * size for size in range(1, 9)), -1]  # integer whose varint has (index + 1) bytes
    entries = []
    for name, kind, width in zip(names, kinds, widths, strict=True):
        values: dict[str, Value] = {"bytes": bytes(width), "floats": np.zeros(width // 4, "<f4")}
        entries.append(_entry(name, smallest[width - 1] if kind == "integers" else values[kind]))
    record = _field(1, b"".join(entries))
    first = HEADER_BYTES + len(record) - sum(map(len, entries))
    ends = (first + np.cumsum([len(entry) for entry in entries])).tolist()
    return np.frombuffer(_header(len(record)) + record + bytes(4), np.uint8), ends


def _varint_size(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bytes per varint, int64 [N]."""
    sizes = np.ones(len(values), np.int64)
    for count in range(1, 10):
        sizes += values >= np.uint64(1 << 7 * count)
    return sizes


def _varints(values: NDArray[np.uint64], size: int) -> NDArray[np.uint8]:
    """Varints of `size` bytes each, uint8 [N, size]."""
    digits = values[:, None] >> (7 * np.arange(size, dtype=np.uint64)) & np.uint64(0x7F)
    digits[:, :-1] |= np.uint64(0x80)
    return digits.astype(np.uint8)


def shard_names(stem: str, count: int, record_bytes: int, megabytes: int) -> list[str]:
    """File names for `count` records of about `record_bytes` each, at most `megabytes` (1e6 bytes) per file."""
    shards = max(1, -(-count * record_bytes // (megabytes * 1_000_000)))
    return [f"{stem}-{shard:05d}-of-{shards:05d}.tfrecord" for shard in range(shards)]


def digest(folder: Path, names: Sequence[str], scaling: Sequence[float]) -> str:
    """Hex sha256 of the files `names` in `folder` and of the fitted scaling: all data that training can see."""
    total = hashlib.sha256()
    for name in names:
        total.update(name.encode() + b"\0" + sha256(folder / name).encode())
    total.update(",".join(float(value).hex() for value in scaling).encode())
    return total.hexdigest()
