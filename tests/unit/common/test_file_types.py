"""The type of a file from its first bytes."""

from __future__ import annotations

import gzip
import io
import lzma
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from strokecast.common import file_types
from strokecast.common.errors import UserError


def zip_of(members: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def npz() -> bytes:
    data = io.BytesIO()
    np.savez(data, train=np.zeros(1))
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", None),
        (b"ds,y\n2020-01-01,1\n", None),
        (gzip.compress(b"x", mtime=0), "a gzip-compressed file"),
        (lzma.compress(b"x"), "an xz-compressed file"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive"),
        (zip_of({"bee.ndjson": b""}), "a zip archive"),
        (zip_of({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (zip_of({"config.json": b"", "model.weights.h5": b""}), "a Keras model"),
        (npz(), "a NumPy npz archive"),
        (npz()[:100], "a truncated or damaged zip archive"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
        (pickle.dumps([1]), "a Python pickle"),
        ("ds,y".encode("utf-16"), "UTF-16 text"),
        (b"\n<!DOCTYPE HTML><html>", "an HTML page"),
    ],
)
def test_types(tmp_path: Path, data: bytes, name: str | None) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    file_type = file_types.recognize(path)
    assert (file_type.name if file_type else None) == name


def test_an_error_names_the_type_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(gzip.compress(b"x", mtime=0))
    error = UserError("line 1: not UTF-8", location=str(path))
    assert str(file_types.explain(error, path, "ndjson")) == (
        f"{path}: is a gzip-compressed file, not ndjson; unpack it with `gunzip`"
    )
    path.write_bytes(b"{}")
    assert file_types.explain(error, path, "ndjson") is error
