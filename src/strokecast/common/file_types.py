"""What a file is according to its first bytes, for the error line about a file of the wrong kind."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from strokecast.common.errors import UserError

_N_BYTES = 512  # read from the start of a file


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file, and how its contents become readable.

    Attributes:
        name: with its article, such as "an Excel workbook".
        fix: what to do with it.
    """

    name: str
    fix: str


_EXCEL = FileType("an Excel workbook", "save it as CSV (UTF-8)")
_ZIP = FileType("a zip archive", "unpack it with `unzip`")
_DAMAGED_ZIP = FileType("a truncated or damaged zip archive", "fetch it again")
KERAS = FileType("a Keras model", "train the model again, or name the right file")
_NPZ = FileType("a NumPy npz archive", "set sketches.source: npz_folder for npz files of drawings")
_UTF16 = FileType("UTF-16 text", "save it as UTF-8")
_HTML = FileType("an HTML page", "fetch the file itself, not the page that links to it")
_SIGNATURES = (
    (b"\x1f\x8b", FileType("a gzip-compressed file", "unpack it with `gunzip`")),
    (b"\xfd7zXZ\0", FileType("an xz-compressed file", "unpack it with `unxz`")),
    (b"BZh", FileType("a bzip2-compressed file", "unpack it with `bunzip2`")),
    (b"\x28\xb5\x2f\xfd", FileType("a Zstandard-compressed file", "unpack it with `unzstd`")),
    (b"7z\xbc\xaf\x27\x1c", FileType("a 7-Zip archive", "unpack it with `7z x`")),
    (b"Rar!\x1a\x07", FileType("a RAR archive", "unpack it with `unrar x`")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _EXCEL),
    (b"PAR1", FileType("a Parquet file", "convert it, for example with pandas.read_parquet")),
    (b"ARROW1", FileType("an Arrow file", "convert it, for example with pandas.read_feather")),
    (b"\x89HDF\r\n\x1a\n", FileType("an HDF5 file", "convert it to the expected format")),
    (b"SQLite format 3\0", FileType("an SQLite database", "export its table as CSV")),
    (b"\x93NUMPY", FileType("a NumPy npy array", "save the arrays with numpy.savez_compressed")),
    (b"%PDF-", FileType("a PDF document", "export its data as text")),
    (b"\x89PNG\r\n", FileType("a PNG image", "name the file with the data")),
    (b"\xff\xfe", _UTF16),
    (b"\xfe\xff", _UTF16),
    (b"version https://git-lfs", FileType("a pointer of Git LFS", "fetch the file with `git lfs pull`")),
    *(
        (b"\x80" + bytes([version]), FileType("a Python pickle", "save plain arrays instead"))
        for version in range(2, 6)
    ),
)


def recognize(path: Path) -> FileType | None:
    """The type of a regular file that is not plain text, or None if it is not known."""
    with path.open("rb") as file:
        head = file.read(_N_BYTES)
        tar_magic = head[257:262]
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _recognize_zip(path)
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return _HTML
    if tar_magic == b"ustar":
        return FileType("a tar archive", "unpack it with `tar -xf`")
    return next((file_type for magic, file_type in _SIGNATURES if head.startswith(magic)), None)


def explain(error: UserError, path: Path, expected: str) -> UserError:
    """The error that says what the file is and what was expected; `error` if its type is not known.

    Args:
        error: why the file cannot be read.
        path: of the file.
        expected: kind of file that can be read, with its article.
    """
    try:
        file_type = recognize(path)
    except OSError:
        return error
    if file_type is None or (file_type in (_NPZ, _DAMAGED_ZIP) and path.suffix == ".npz"):
        return error
    return UserError(f"is {file_type.name}, not {expected}", location=str(path), fix=file_type.fix)


def _recognize_zip(path: Path) -> FileType:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # a damaged directory, which zipfile reports in many ways
        return _DAMAGED_ZIP
    if any(name.startswith(("xl/", "word/")) for name in names):
        return _EXCEL
    if "config.json" in names and "model.weights.h5" in names:
        return KERAS
    if names and all(name.endswith(".npy") for name in names):
        return _NPZ
    return _ZIP
