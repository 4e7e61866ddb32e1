"""The .bin format: a real file, truncated files, bad records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.sources.formats import binary
from strokecast.sources.formats.records import Drawing, Reject


def test_all_values_of_the_real_bed(shared: Path) -> None:
    (bed,) = binary.read(shared / "quickdraw/full/binary/bed.bin")
    assert isinstance(bed, Drawing)
    assert bed.key_id == int.from_bytes(bytes.fromhex("0000a0bca1661100"), "little")
    assert (bed.countrycode, bed.recognized, bed.timestamp) == ("US", True, "2017-01-24 22:38:33 UTC")
    assert [stroke.shape for stroke in bed.strokes] == [(2, 11), (2, 2), (2, 3), (2, 2), (2, 2), (2, 5)]
    assert bytes(bed.strokes[0].astype(np.uint8)[0]).hex() == "120c000b739db5ddf2fdff"
    assert bytes(bed.strokes[0].astype(np.uint8)[1]).hex() == "00083e40423f43414d3f13"
    assert bed.strokes[1].tolist() == [[0xF6, 0xF8], [0x4C, 0x8A]]


@pytest.mark.parametrize("kept", [1, 8, 16, 17, 18, 19, 22, 25, 30, 32])
def test_a_truncated_file_rejects_its_last_record(
    tmp_path: Path, binary_record: Callable[..., bytes], kept: int
) -> None:
    record = binary_record()
    assert len(record) == 17 + 2 + 6 + 2 + 4 + 2 - 2
    path = tmp_path / "cat.bin"
    path.write_bytes(record + record[: min(kept, len(record) - 1)])
    items = list(binary.read(path))
    assert [type(item) for item in items] == [Drawing, Reject]
    assert str(items[1]) == "cat.bin, record 2: the file ends inside the record that starts at byte 31"
    with pytest.raises(UserError) as error:
        binary.check(path)
    assert str(error.value) == (
        f"{path}: is truncated: the file ends inside the record that starts at byte 31; fetch it again"
    )


@pytest.mark.parametrize(
    ("fields", "kind", "detail"),
    [
        ({"strokes": ()}, "empty", "the drawing has no stroke"),
        ({"strokes": (((1, 1),), ())}, "empty", "stroke 2 has no point"),
        ({"strokes": (((0, 0),) * 60_000,) * 2}, "too_big", "120,000 points, more than 100,000"),
        ({"strokes": (((0, 0),),) * 20_000}, "too_big", "20,000 strokes, more than 10,000"),
    ],
)
def test_a_bad_record_is_one_reject(
    tmp_path: Path, binary_record: Callable[..., bytes], fields: Any, kind: str, detail: str
) -> None:
    path = tmp_path / "cat.bin"
    path.write_bytes(binary_record() + binary_record(key_id=8, **fields) + binary_record())
    items = list(binary.read(path))
    assert [type(item) for item in items] == [Drawing, Reject, Drawing]
    assert isinstance(items[1], Reject)
    assert (items[1].kind, items[1].key_id) == (kind, 8)
    assert str(items[1]) == f"cat.bin, record 2: {detail}"
    binary.check(path)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"recognized": 77}, "recognized is 77, not 0 or 1"),
        ({"recognized": -1}, "recognized is -1, not 0 or 1"),
        ({"country": b"\x8f!"}, r"the country is b'\x8f!', not two letters"),
    ],
)
def test_an_impossible_record_head_stops_the_reading(
    tmp_path: Path, binary_record: Callable[..., bytes], fields: Any, problem: str
) -> None:
    path = tmp_path / "cat.bin"
    path.write_bytes(binary_record() + binary_record(**fields) + binary_record())
    items = binary.read(path)
    assert isinstance(next(items), Drawing)
    with pytest.raises(UserError) as error:
        next(items)
    assert str(error.value) == (
        f"{path}, record 2 at byte 31: is damaged or not a .bin file: {problem}; later records cannot be located; "
        "allowed: records of key_id, country, recognized, timestamp and strokes; fetch it again"
    )


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "cat.bin"
    path.write_bytes(b"")
    assert list(binary.read(path)) == []
    with pytest.raises(UserError) as error:
        binary.check(path)
    assert str(error.value) == f"{path}: is empty; allowed: .bin records; fetch it again"


@pytest.mark.parametrize("name", ["none", "."])
def test_a_missing_file_or_a_folder_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as error:
        list(binary.read(tmp_path / name))
    line = "no such file" if name == "none" else "is a folder; allowed: a regular file"
    assert str(error.value) == f"{tmp_path / name}: {line}"
