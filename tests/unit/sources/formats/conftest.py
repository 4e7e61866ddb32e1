"""Fixtures of the tests of formats: small records of each binary format, encoded by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from strokecast.common import tfrecord


@pytest.fixture(scope="session")
def binary_record() -> Callable[..., bytes]:
    """One .bin record; strokes are lists of (x, y)."""

    def make(
        key_id: int = 7,
        country: bytes = b"NZ",
        recognized: int = 1,
        seconds: int = 1_489_007_527,
        strokes: Any = (((0, 0), (255, 0), (255, 128)), ((51, 102), (77, 102))),
    ) -> bytes:
        data = struct.pack("<Q", key_id) + country + struct.pack("<bIH", recognized, seconds, len(strokes))
        for stroke in strokes:
            data += struct.pack("<H", len(stroke))
            data += bytes(x for x, _ in stroke) + bytes(y for _, y in stroke)
        return data

    return make


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


@pytest.fixture(scope="session")
def example() -> Callable[[dict[str, list[Any]]], bytes]:
    """A serialised tf.train.Example, encoded by hand: floats, integers or bytes per feature."""

    def make(features: dict[str, list[Any]]) -> bytes:
        entries = b""
        for key, values in features.items():
            if values and isinstance(values[0], bytes):
                feature = _field(1, b"".join(_field(1, value) for value in values))
            elif values and isinstance(values[0], float):
                feature = _field(2, _field(1, struct.pack(f"<{len(values)}f", *values)))
            else:
                feature = _field(3, _field(1, b"".join(_varint(value) for value in values)))
            entries += _field(1, _field(1, key.encode()) + _field(2, feature))
        return _field(1, entries)

    return make


@pytest.fixture(scope="session")
def tfrecord_of() -> Callable[[bytes], bytes]:
    """`tfrecord_of(data)`: a TFRecord with this data."""

    def checksum(data: bytes) -> bytes:
        return struct.pack("<I", tfrecord.masked_crc(data))

    def make(data: bytes) -> bytes:
        length = struct.pack("<Q", len(data))
        return length + checksum(length) + data + checksum(data)

    return make
