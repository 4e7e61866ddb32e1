"""TFRecord files of `tf.train.Example`, written without TensorFlow, byte for byte as it writes them.

A TFRecord file is a sequence of: length (uint64), masked CRC-32C of those 8 bytes, the data, masked
CRC-32C of the data; all little-endian. An Example is a protobuf map from names to lists of float,
int64 or bytes (tensorflow/core/example/{example,feature}.proto).
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from strokecast.common.files import sha256

Value = NDArray[np.floating] | int | bytes

_MASK_DELTA = 0xA282EAD8
_FLUSH = 2048  # records written at once
FRAME = 12  # bytes before the data of a record


def masked_crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), masked as TFRecord has it: rotated right by 15 bits, plus a constant."""
    return int(_mask(np.array([google_crc32c.value(data)], np.uint32))[0])


def _mask(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK_DELTA)


@functools.lru_cache(maxsize=4096)
def _head(length: int) -> bytes:
    """What stands before the data of a record of `length` bytes."""
    head = struct.pack("<Q", length)
    return head + struct.pack("<I", masked_crc32c(head))


def framed(record: bytes) -> bytes:
    """One record as it stands in the file."""
    return b"".join((_head(len(record)), record, masked_crc32c(record).to_bytes(4, "little")))


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


def example(features: Mapping[str, Value]) -> bytes:
    """A serialised `tf.train.Example`, features in the order of their names."""
    return _field(1, b"".join(_entry(name, features[name]) for name in sorted(features)))


def drawings(
    ids: Sequence[bytes],
    labels: NDArray[np.int64],
    lengths: NDArray[np.int64],
    strokes: NDArray[np.float32],
    times: NDArray[np.float32] | None = None,
) -> list[bytes]:
    """Framed records of N padded drawings: `example` and `framed` in one, many times as fast.

    Records with ids, labels and lengths of the same sizes in bytes are laid out alike, so each such
    group is one table of bytes, filled column by column.

    Args:
        ids: N names.
        labels: int64 [N], class numbers, 0 or more.
        lengths: int64 [N], numbers of points.
        strokes: [N, bound, 3].
        times: [N, bound], for the feature `time`; None: the records have none.
    """
    data = _bytes(strokes)  # [N, bound * 12]
    clocks = data[:, :0] if times is None else _bytes(times)  # [N, bound * 4]
    sizes = (
        np.array([len(name) for name in ids], dtype=np.int64),
        _varint_size(labels),
        _varint_size(lengths),
    )
    alike = sizes[0] * 100 + sizes[1] * 10 + sizes[2]  # a varint of what int64 holds has 9 bytes at most
    made: list[bytes] = [b""] * len(ids)
    for kind in np.unique(alike).tolist():
        rows = np.flatnonzero(alike == kind)
        layout = (kind // 100, kind // 10 % 10, kind % 10)
        start, between, ends = _layout(*layout, data.shape[1], clocks.shape[1])
        table = np.empty((len(rows), ends[-1] + 4), np.uint8)
        table[:, : len(start)] = np.frombuffer(start, np.uint8)
        chosen = rows.tolist()
        names = np.frombuffer(b"".join([ids[row] for row in chosen]), np.uint8)
        table[:, ends[0] - layout[0] : ends[0]] = names.reshape(len(rows), layout[0])
        table[:, ends[1] - layout[1] : ends[1]] = _varints(labels[rows], layout[1])
        table[:, ends[2] - layout[2] : ends[2]] = _varints(lengths[rows], layout[2])
        table[:, ends[3] - data.shape[1] : ends[3]] = data[rows]
        table[:, ends[3] : ends[3] + len(between)] = np.frombuffer(between, np.uint8)
        table[:, ends[3] + len(between) : -4] = clocks[rows]
        whole, width = table.tobytes(), table.shape[1]
        cuts = range(0, len(whole), width)
        sums = [google_crc32c.value(whole[cut + FRAME : cut + width - 4]) for cut in cuts]
        table[:, -4:] = _mask(np.array(sums, np.uint32)).astype("<u4").view(np.uint8).reshape(-1, 4)
        whole = table.tobytes()
        for row, cut in zip(chosen, cuts, strict=True):
            made[row] = whole[cut : cut + width]
    return made


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The bytes of each row, [N, ...]."""
    return (
        values.astype("<f4", copy=False).reshape(len(values), int(np.prod(values.shape[1:]))).view(np.uint8)
    )


@functools.lru_cache(maxsize=4096)
def _layout(
    id_size: int, label_size: int, length_size: int, stroke_size: int, time_size: int
) -> tuple[bytes, bytes, list[int]]:
    """A framed record with zeros for values: up to its strokes, from there to its times, and where values end."""
    least = [0, *(1 << 7 * size for size in range(1, 10))]  # by the bytes of a varint, less one
    entries = [
        _entry("id", bytes(id_size)),
        _entry("label", least[label_size - 1]),
        _entry("length", least[length_size - 1]),
        _entry("strokes", np.zeros(stroke_size // 4, "<f4")),
    ]
    if time_size:
        entries.append(_entry("time", np.zeros(time_size // 4, "<f4")))
    record = _field(1, b"".join(entries))
    first = FRAME + len(record) - sum(map(len, entries))
    ends = (first + np.cumsum([len(entry) for entry in entries])).tolist()
    whole = _head(len(record)) + record
    return whole[: ends[3] - stroke_size], whole[ends[3] : ends[-1] - time_size], ends


def _varint_size(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of each varint, [N]; values are 0 or more."""
    sizes = np.ones(len(values), np.int64)
    for place in range(1, 9):
        sizes += values >= 1 << 7 * place
    return sizes


def _varints(values: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """Varints of `size` bytes each, [N, size]."""
    parts = values[:, None] >> (7 * np.arange(size)) & 0x7F
    parts[:, :-1] |= 0x80
    return parts.astype(np.uint8)


class RecordWriter:
    """Writes serialised records to one TFRecord file; use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._waiting: list[bytes] = []

    def write(self, record: bytes) -> None:
        """Append one record."""
        self._waiting.append(framed(record))
        if len(self._waiting) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        self._file.write(b"".join(self._waiting))
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
