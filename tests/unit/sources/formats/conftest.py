"""Real samples, and small files of each format written by hand."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

SHARED = Path(__file__).resolve().parents[4] / "../shared/data"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("needs the real data of ../shared/data")
    return SHARED.resolve()


@pytest.fixture(scope="session")
def line() -> Callable[..., bytes]:
    """One ndjson line; keywords replace its fields, None removes one."""

    def make(form: str = "raw", **fields: Any) -> bytes:
        drawing = [[[0, 100, 100], [0, 0, 50], [0, 10, 20]], [[20, 30], [40, 40], [50, 60]]]
        if form == "simplified":
            drawing = [[[0, 255, 255], [0, 0, 128]], [[51, 77], [102, 102]]]
        whole = {
            "word": "cat",
            "countrycode": "NZ",
            "timestamp": "2017-03-08 21:12:07.26604 UTC",
            "recognized": True,
            "key_id": "5152802093400064",
            "drawing": drawing,
        } | fields
        return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()

    return make


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
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


@pytest.fixture(scope="session")
def example() -> Callable[[dict[str, list[Any]]], bytes]:
    """A serialised tf.train.Example, encoded by hand: floats, whole numbers or bytes a feature."""

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
def framed() -> Callable[[bytes], bytes]:
    """A TFRecord around some data."""

    def checksum(data: bytes) -> bytes:
        crc = google_crc32c.value(data)
        rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
        return struct.pack("<I", (rotated + 0xA282EAD8) % 2**32)

    def make(data: bytes) -> bytes:
        length = struct.pack("<Q", len(data))
        return length + checksum(length) + data + checksum(data)

    return make
