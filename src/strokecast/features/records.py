"""TFRecord files of `tf.train.Example`, written with numpy alone: no TensorFlow import, byte-deterministic.

A TFRecord file is a sequence of: length (uint64), masked CRC-32C of those 8 bytes, the data, masked
CRC-32C of the data; all little-endian. An Example is a protobuf map from names to lists of float,
int64 or bytes (tensorflow/core/example/{example,feature}.proto). The checksums of many records are
computed side by side, one byte column at a time.
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from strokecast.files import sha256

Value = NDArray[np.floating] | int | bytes

_CASTAGNOLI = 0x82F63B78  # CRC-32C's polynomial, bits reversed
_MASK_DELTA = 0xA282EAD8
_FLUSH = 2048  # records encoded at once


@functools.cache
def _table() -> NDArray[np.uint32]:
    """CRC of every 16-bit word, two bytes a step: uint32 [65536]."""
    crc = np.arange(65536, dtype=np.uint32)
    for _ in range(16):
        crc = np.where(crc & 1, (crc >> 1) ^ np.uint32(_CASTAGNOLI), crc >> 1)
    return crc


def crc32c(rows: Sequence[bytes]) -> NDArray[np.uint32]:
    """CRC-32C (Castagnoli) of each of `rows` (at least 4 bytes each), uint32 [n].

    Rows are aligned at their ends: zeros on the left leave a CRC of 0 at 0, and starting from
    all ones equals inverting the first four bytes.
    """
    width = max(len(row) for row in rows)
    width += width % 2
    flat = b"".join(row.rjust(width, b"\0") for row in rows)
    table = np.frombuffer(flat, np.uint8).reshape(len(rows), width).copy()
    starts = width - np.array([len(row) for row in rows])
    for offset in range(4):
        table[np.arange(len(rows)), starts + offset] ^= 0xFF
    words = np.ascontiguousarray(table.view("<u2").T).astype(np.uint32)  # [width / 2, n]
    lookup = _table()
    crc = np.zeros(len(rows), np.uint32)
    for word in words:
        crc = lookup[(crc ^ word) & np.uint32(0xFFFF)] ^ (crc >> np.uint32(16))
    return ~crc


def _masked(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """TFRecord's mask: rotate right by 15 bits, add a constant."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK_DELTA)


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


def example(features: Mapping[str, Value]) -> bytes:
    """A serialised `tf.train.Example`, features in the order of their names."""
    entries = (
        _field(1, _field(1, name.encode()) + _field(2, _feature(features[name]))) for name in sorted(features)
    )
    return _field(1, b"".join(entries))


class RecordWriter:
    """Writes serialised records to one TFRecord file; use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._waiting: list[bytes] = []

    def write(self, record: bytes) -> None:
        """Append one record."""
        self._waiting.append(record)
        if len(self._waiting) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        heads = [struct.pack("<Q", len(record)) for record in self._waiting]
        head_sums = _masked(crc32c(heads))
        sums = _masked(crc32c(self._waiting))
        for record, head, head_sum, total in zip(self._waiting, heads, head_sums, sums, strict=True):
            self._file.write(b"".join((head, struct.pack("<I", head_sum), record, struct.pack("<I", total))))
        self._waiting.clear()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        try:
            self._flush()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._waiting.clear()
        self.close()


def shard_names(stem: str, count: int, record_bytes: int, megabytes: int) -> list[str]:
    """Names of the files that `count` records of about `record_bytes` go to, `megabytes` (1e6) each at most."""
    shards = max(1, -(-count * record_bytes // (megabytes * 1_000_000)))
    return [f"{stem}-{shard:05d}-of-{shards:05d}.tfrecord" for shard in range(shards)]


def digest(folder: Path, names: Sequence[str], scaling: Sequence[float]) -> str:
    """Hex sha256 over the named files of `folder` and the scaling: what a training can have seen."""
    total = hashlib.sha256()
    for name in names:
        total.update(name.encode() + b"\0" + sha256(folder / name).encode())
    total.update(",".join(float(value).hex() for value in scaling).encode())
    return total.hexdigest()
