"""Sketch-RNN npz files, read without trusting them and written byte for byte alike.

A class file is a zip of `train.npy`, `valid.npy` and `test.npy`, each an object array of
drawings `[n_points, 3]` = (dx, dy, pen_lift). Object arrays are pickles, and a pickle may call
anything. Here none of what it names is looked up: the few names that numpy writes are answered
by small classes of this module (`strokecast.sources.formats.unpickle`), anything else is refused.
"""

from __future__ import annotations

import io
import pickle
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from strokecast.common.errors import UserError
from strokecast.sources.formats import source_json
from strokecast.sources.formats.unpickle import RefusedError, load_objects

SPLITS = ("train", "valid", "test")
MAX_MEMBER = 2 << 30  # bytes of one array once unpacked; the largest official one has 0.1 GB
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    pickle.UnpicklingError,
    EOFError,
    ValueError,  # also UnicodeDecodeError
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted member
    SyntaxError,  # a header that is no Python literal
    tokenize.TokenError,
    struct.error,
)

Splits = dict[str, list[np.ndarray]]


def read_class(path: Path) -> Splits:
    """Read the drawings of one class.

    Args:
        path: `<class>.npz`, pickled by numpy 1 or 2, by Python 2 or 3, or with plain number
            arrays `[n_drawings, n_points, 3]`.

    Returns:
        `{"train": [...], "valid": [...], "test": [...]}`, each drawing a `[n_points, 3]` array in
        the number type of the file (int16 in the official files). Values are not judged here.

    Raises:
        UserError: names the file, if it is missing, no zip, truncated, lacks a split, names
            anything but arrays in a pickle, or holds something other than drawings.
    """
    with _opened(path) as archive:
        return {split: _read_split(path, archive, split) for split in SPLITS}


def read_split(path: Path, split: str) -> list[np.ndarray]:
    """Read the drawings of one split of a class; the other arrays of the file stay packed.

    Args:
        path: as for `read_class`.
        split: `train`, `valid` or `test`.

    Returns:
        What `read_class` gives for that split.

    Raises:
        UserError: as `read_class`, of what the zip lists and of this split.
    """
    with _opened(path) as archive:
        return _read_split(path, archive, split)


def check_class(path: Path) -> None:
    """Check that a file is a whole zip with the three splits; opens no pickle.

    Raises:
        UserError: names the file and what is wrong with it.
    """
    with _opened(path) as archive:
        try:
            broken = archive.testzip()
        except _DAMAGE as error:
            raise _damaged(path, error) from None
    if broken:
        raise _damaged(path, zipfile.BadZipFile(f"wrong checksum of {broken}"))


def read_source(raw_folder: Path) -> dict[str, Any]:
    """The contents of `source.json` in `data/raw/sketches/`.

    Raises:
        UserError: if it is missing or damaged.
    """
    return source_json.read(raw_folder, "sketches", "classes", list, "names no classes")


def read_drawings(raw_folder: Path) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    """Yield (label, split, drawings), class by class in the source's order, train, valid, test in each.

    At most the source's `cap` of drawings is given a class and split, the first ones of each
    file: the index of a drawing in the list is its index in the npz.

    Raises:
        UserError: if `source.json` or a class file is missing or damaged.
    """
    from strokecast.sources.formats import reading

    for group in reading.read(raw_folder):
        yield group.label, group.split, group.drawings


def write_class(path: Path, splits: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write drawings in the official layout; the same drawings give the same bytes.

    Args:
        path: the file to write.
        splits: `train`, `valid`, `test`: int16-valued drawings `[n_points, 3]`.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for split in SPLITS:
            array = np.empty(len(splits[split]), dtype=object)
            for index, drawing in enumerate(splits[split]):
                array[index] = np.array(drawing, dtype=np.int16, order="C")
            member = io.BytesIO()
            npy.write_array_header_1_0(member, npy.header_data_from_array_1_0(array))
            pickle.dump(array, member, protocol=4)
            info = zipfile.ZipInfo(f"{split}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, member.getvalue())


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except (*_DAMAGE, IsADirectoryError) as error:
        raise _damaged(path, error) from None
    present = archive.namelist()
    missing = [split for split in SPLITS if f"{split}.npy" not in present]
    if missing:
        archive.close()
        raise UserError(
            f"lacks the array{'s' if len(missing) > 1 else ''} {', '.join(missing)}; it holds "
            + (", ".join(sorted(name.removesuffix(".npy") for name in present)[:12]) or "nothing"),
            where=str(path),
            allowed="an npz with the keys train, valid, test",
        )
    return archive


def _read_split(path: Path, archive: zipfile.ZipFile, split: str) -> list[np.ndarray]:
    try:
        info = archive.getinfo(f"{split}.npy")
        if info.file_size > MAX_MEMBER:
            raise RefusedError(f"{info.file_size:,} bytes once unpacked, more than {MAX_MEMBER:,}")
        with archive.open(info) as member:
            data = member.read(MAX_MEMBER + 1)
        if len(data) != info.file_size:
            raise ValueError("the file ends too early")
        return _drawings(io.BytesIO(data), len(data))
    except RefusedError as error:
        raise UserError(
            f"is refused: {split}.npy {error}", where=str(path), fix="get this file from a source you trust"
        ) from None
    except _DAMAGE as error:
        raise _damaged(path, error, f"{split}.npy: ") from None


def _drawings(data: io.BytesIO, size: int) -> list[np.ndarray]:
    shape, dtype, fortran = _header(data)
    if dtype.hasobject:
        if dtype != np.dtype(object):
            raise RefusedError("holds records with objects in them")
        found = load_objects(data)
        if found.shape != shape:
            raise ValueError(f"its header says {shape}, its contents {found.shape}")
        if found.ndim == 1:
            return [_drawing(item, index) for index, item in enumerate(found)]
        array = np.array(found.tolist())
    else:
        count = int(np.prod(shape, dtype=object))
        if count * dtype.itemsize != size - data.tell():
            raise ValueError(f"its header says {shape} of {dtype}, which is not the size of its contents")
        array = np.frombuffer(data.read(), dtype=dtype).reshape(shape, order="F" if fortran else "C")
    if array.size == 0:
        return [np.zeros((0, 3), dtype=np.int16) for _ in range(shape[0] if shape else 0)]
    if array.ndim != 3:
        raise ValueError(f"has the shape {shape}, not [n_drawings] of drawings or [n_drawings, n_points, 3]")
    return [_drawing(item, index) for index, item in enumerate(array)]


def _header(data: io.BytesIO) -> tuple[tuple[int, ...], np.dtype, bool]:
    version = npy.read_magic(data)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"npy version {version} is unknown")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # numpy remarks on headers written by Python 2
        shape, fortran, dtype = read(data)
    if any(step < 0 for step in shape):
        raise ValueError(f"has the shape {shape}")
    return shape, dtype, fortran


def _drawing(item: object, index: int) -> np.ndarray:
    if not isinstance(item, np.ndarray) or item.dtype.kind not in "iuf":
        raise ValueError(f"drawing {index} is no array of numbers")
    if item.size == 0:
        return np.zeros((0, 3), dtype=item.dtype)
    if item.ndim != 2 or item.shape[1] != 3:
        raise ValueError(f"drawing {index} has the shape {list(item.shape)}, not [n_points, 3]")
    return item


def _damaged(path: Path, error: BaseException, inside: str = "") -> UserError:
    reason = str(error).split("\n")[0][:200] or type(error).__name__
    return UserError(
        f"is damaged or no Sketch-RNN npz: {inside}{reason}",
        where=str(path),
        allowed="a whole npz with the keys train, valid, test",
        fix="fetch it again",
    )
