"""Sketch-RNN npz files: reading without trusting them, and writing with reproducible bytes.

A class file is a zip of `train.npy`, `valid.npy` and `test.npy`, each an object array of drawings
`[n_points, 3]` = (dx, dy, pen_lift), or `[n_points, 5]` in the stroke-5 format, which
`strokecast.sources.formats.stroke5` converts. Object arrays are pickles, and a pickle can call any function.
Here none of the names in a pickle is looked up: `strokecast.sources.formats.unpickle` replaces the
few names that numpy writes by its own classes and rejects all others.
"""

from __future__ import annotations

import io
import pickle
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.lib import format as npy

from strokecast.common import file_types
from strokecast.common.errors import UserError
from strokecast.common.files import check_regular, describe_os_error
from strokecast.sources.formats import stroke5
from strokecast.sources.formats.records import RejectedError
from strokecast.sources.formats.unpickle import UnsafePickleError, load_objects

SPLITS = ("train", "valid", "test")
MAX_CHECKED_BYTES = 16 << 20  # of one unpacked array that a download parses; a fifth of a second
MAX_ARRAY_BYTES = 2 << 30  # of one unpacked array; the largest official one has 0.1 GB
_EXPECTED = "a Sketch-RNN npz"
_DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    pickle.UnpicklingError,
    EOFError,
    OSError,  # an offset of the directory is negative
    ValueError,  # also UnicodeDecodeError
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    NotImplementedError,  # a compression that zipfile does not support
    RuntimeError,  # an encrypted member
    SyntaxError,  # a header that is not a Python literal
    tokenize.TokenError,
    struct.error,
)

Splits = dict[str, list[np.ndarray]]
T = TypeVar("T")


def read_class(path: Path) -> Splits:
    """Read the drawings of one class.

    Args:
        path: `<class>.npz`: object arrays pickled by numpy 1 or 2, Python 2 or 3, or plain number
            arrays `[n_drawings, n_points, 3]`.

    Returns:
        `{"train": [...], "valid": [...], "test": [...]}`, each drawing a `[n_points, 3]` array in
        the number type of the file (int16 in the official files). Values are not checked here.

    Raises:
        UserError: if the file is missing, truncated, not a zip, lacks a split, or contains
            something other than drawings; if a pickle names anything but arrays. Names the file.
    """
    with _open(path) as archive:
        return {split: _read_split(path, archive, split, _parse_drawings) for split in SPLITS}


def read_split(path: Path, split: str) -> list[np.ndarray]:
    """Read the drawings of one split of a class without unpacking the other splits.

    Args:
        path: as for `read_class`.
        split: `train`, `valid` or `test`.

    Returns:
        The drawings, as in `read_class`.

    Raises:
        UserError: as `read_class`, for the directory of the zip and this split.
    """
    with _open(path) as archive:
        return _read_split(path, archive, split, _parse_drawings)


def read_each(path: Path) -> Iterator[tuple[str, int, np.ndarray | RejectedError]]:
    """Yield split, index in the split, and a drawing or why it is not one, in the order train, valid, test.

    Other than `read_class`, it does not stop at a drawing of the wrong shape. Memory holds one split.

    Raises:
        UserError: as `read_class`, for all that makes a whole split unreadable.
    """
    with _open(path) as archive:
        for split in SPLITS:
            for index, item in enumerate(_read_split(path, archive, split, _parse_items)):
                try:
                    yield split, index, _check_drawing(item, index)
                except ValueError as error:
                    yield split, index, RejectedError("bad_shape", str(error))


def check_class(path: Path) -> None:
    """Check that a file is a complete zip with drawings in the three splits.

    The drawings of a split of more than `MAX_CHECKED_BYTES` are left to `read_class`.

    Raises:
        UserError: if it is not; names the file and the problem.
    """
    with _open(path) as archive:
        for split in SPLITS:
            if archive.getinfo(f"{split}.npy").file_size <= MAX_CHECKED_BYTES:
                _read_split(path, archive, split, _parse_drawings)
        try:
            broken = archive.testzip()
        except _DAMAGE_ERRORS as error:
            raise _damaged(path, error) from None
    if broken:
        raise _damaged(path, zipfile.BadZipFile(f"wrong checksum of {broken}"))


def write_class(
    path: Path, splits: Mapping[str, Sequence[np.ndarray]], dtype: type[np.number] = np.int16
) -> None:
    """Write drawings in the official layout. The same drawings give the same bytes.

    Args:
        path: the file to write.
        splits: `train`, `valid`, `test` → drawings `[n_points, 3]` whose values fit `dtype`.
        dtype: number type of the file; int16 in the official files.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for split in SPLITS:
            array = np.empty(len(splits[split]), dtype=object)
            for index, drawing in enumerate(splits[split]):
                array[index] = np.array(drawing, dtype=dtype, order="C")
            member = io.BytesIO()
            npy.write_array_header_1_0(member, npy.header_data_from_array_1_0(array))
            pickle.dump(array, member, protocol=4)
            info = zipfile.ZipInfo(f"{split}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, member.getvalue())


def _open(path: Path) -> zipfile.ZipFile:
    check_regular(path)
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError as error:
        raise UserError(describe_os_error(error), location=str(path)) from None
    except _DAMAGE_ERRORS as error:
        raise file_types.explain(_damaged(path, error), path, _EXPECTED) from None
    names = archive.namelist()
    missing = [split for split in SPLITS if f"{split}.npy" not in names]
    if missing:
        archive.close()
        lacking = UserError(
            f"lacks the array{'s' if len(missing) > 1 else ''} {', '.join(missing)}; it contains "
            + (", ".join(sorted(name.removesuffix(".npy") for name in names)[:12]) or "nothing"),
            location=str(path),
            allowed="an npz with the keys train, valid, test",
        )
        raise file_types.explain(lacking, path, _EXPECTED)
    too_big = next((info for info in archive.infolist() if info.file_size > MAX_ARRAY_BYTES), None)
    if too_big:
        archive.close()
        raise _unsafe(
            path,
            too_big.filename,
            f"needs {too_big.file_size:,} bytes unpacked, more than {MAX_ARRAY_BYTES:,}",
        )
    return archive


def _read_split(path: Path, archive: zipfile.ZipFile, split: str, parse: Callable[[io.BytesIO, int], T]) -> T:
    try:
        info = archive.getinfo(f"{split}.npy")
        with archive.open(info) as member:
            data = member.read(MAX_ARRAY_BYTES + 1)
        if len(data) != info.file_size:
            raise ValueError("the file is truncated")
        return parse(io.BytesIO(data), len(data))
    except UnsafePickleError as error:
        raise _unsafe(path, f"{split}.npy", str(error)) from None
    except _DAMAGE_ERRORS as error:
        raise _damaged(path, error, f"{split}.npy: ") from None


def _parse_drawings(data: io.BytesIO, size: int) -> list[np.ndarray]:
    return [_check_drawing(item, index) for index, item in enumerate(_parse_items(data, size))]


def _parse_items(data: io.BytesIO, size: int) -> Sequence[object]:
    """What stands for each drawing of a split; see `_check_drawing`."""
    shape, dtype, fortran = _parse_header(data)
    if dtype.hasobject:
        if dtype != np.dtype(object):
            raise UnsafePickleError("contains records with objects in them")
        objects = load_objects(data)
        if objects.shape != shape:
            raise ValueError(f"the shape is {shape} in the header but {objects.shape} in the contents")
        if objects.ndim == 1:
            return list(objects)
        array = np.array(objects.tolist())
    else:
        count = int(np.prod(shape, dtype=object))
        if count * dtype.itemsize != size - data.tell():
            raise ValueError(f"the size of the contents does not match the header ({shape} of {dtype})")
        array = np.frombuffer(data.read(), dtype=dtype).reshape(shape, order="F" if fortran else "C")
    if array.size == 0:
        return [np.zeros((0, 3), dtype=np.int16) for _ in range(shape[0] if shape else 0)]
    if array.ndim != 3:
        raise ValueError(f"has the shape {shape}, not [n_drawings] of drawings or [n_drawings, n_points, 3]")
    return list(array)


def _parse_header(data: io.BytesIO) -> tuple[tuple[int, ...], np.dtype, bool]:
    version = npy.read_magic(data)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read_header is None:
        raise ValueError(f"npy version {version} is unknown")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # numpy warns about headers written by Python 2
        shape, fortran, dtype = read_header(data)
    if any(step < 0 for step in shape):
        raise ValueError(f"has the shape {shape}")
    return shape, dtype, fortran


def _check_drawing(item: object, index: int) -> np.ndarray:
    if not isinstance(item, np.ndarray) or item.dtype.kind not in "iuf":
        raise ValueError(f"drawing {index} is not an array of numbers")
    if item.size == 0:
        return np.zeros((0, 3), dtype=item.dtype)
    if item.dtype.kind == "u":
        raise ValueError(
            f"drawing {index} has unsigned numbers ({item.dtype}), which cannot hold a move to the left or up; "
            "save it again as int16 or float32"
        )
    if item.ndim == 2 and item.shape[1] == 5:
        return stroke5.to_stroke3(item, index)
    if item.ndim != 2 or item.shape[1] != 3:
        raise ValueError(
            f"drawing {index} has the shape {list(item.shape)}, not [n_points, 3] (dx, dy, pen_lift) "
            "or [n_points, 5] (stroke-5: dx, dy, p1, p2, p3)"
        )
    return item


def _unsafe(path: Path, member: str, problem: str) -> UserError:
    return UserError(
        f"is not safe to read: {member} {problem}",
        location=str(path),
        fix="get this file from a source you trust",
    )


def _damaged(path: Path, error: BaseException, member: str = "") -> UserError:
    reason = str(error).split("\n")[0][:200] or type(error).__name__
    return UserError(
        f"is damaged or not a Sketch-RNN npz: {member}{reason}",
        location=str(path),
        allowed="a complete npz with the keys train, valid, test",
        fix="fetch it again",
    )
