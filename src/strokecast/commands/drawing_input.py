"""The drawings that `strokecast predict` reads: files of every format of the sources, row by row, good and bad."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common import file_types
from strokecast.common.errors import UserError
from strokecast.common.files import check_regular
from strokecast.features.records import arrow
from strokecast.inference.batch import InputRow
from strokecast.inference.classifier import drawing_problem
from strokecast.sources.formats import binary, kaggle, ndjson, npz, simplify, tutorial
from strokecast.sources.formats.records import Drawing, Reject, RejectedError
from strokecast.sources.formats.strokes3 import to_strokes3, to_times

FORMATS = ("raw", "simplified", "binary", "kaggle", "npz", "tutorial", "parquet")
_SUFFIXES = {".ndjson": "", ".bin": "binary", ".csv": "kaggle", ".npz": "npz", ".parquet": "parquet"}
_SHARD = ".tfrecord-"
_EXPECTED = ".ndjson, .csv (Kaggle), .bin, .npz, .parquet or .tfrecord-* files"
_KAGGLE_COLUMNS = ("key_id", "drawing")  # the test files of the competition have no class
_CONSOLE_PREFIXES = ("sketchrnn_", "full_binary_")  # of files that the web console of the bucket saves
_CHECKED_LINES = 20
_MAX_LEADING_ERRORS = 1_000  # a file that begins with so many bad rows has another format
_BATCH = 1_024  # rows of a Parquet file
_COUNTED = ("raw", "simplified", "kaggle")


def find_files(source: Path, file_format: str = "") -> dict[Path, str]:
    """The files of the input in alphabetical order, each with its format.

    Args:
        source: a file, or a folder, of which the files with a known suffix are read.
        file_format: one of `FORMATS`; "": by the suffix, and for ndjson by the first lines.

    Raises:
        UserError: if `source` does not exist, or its format is not known, or the folder has no such file.
    """
    if not source.is_dir():
        return {source: file_format or _recognize(source)}
    files = {path: file_format or _recognize(path) for path in sorted(source.iterdir()) if _is_input(path)}
    if not files:
        raise UserError("has no file with drawings", location=str(source), allowed=_EXPECTED)
    return files


def count_rows(files: dict[Path, str]) -> int | None:
    """The rows of all files; None if counting them takes as long as reading them."""
    counts = [_count(path, file_format) for path, file_format in files.items()]
    return sum(count for count in counts if count is not None) if None not in counts else None


def read(files: dict[Path, str], classes: Collection[str]) -> Iterator[InputRow]:
    """Yield every row of the files. A file that cannot be read further ends with a row without number.

    Args:
        files: from `find_files`.
        classes: of the model; the name of an npz or binary file is a label only if it is one of them.
    """
    for path, file_format in files.items():
        n_errors: int | None = 0  # None after the first drawing
        try:
            for row in _READERS[file_format](path, _file_label(path, classes)):
                yield row
                n_errors = None if n_errors is None or row.points is not None else n_errors + 1
                if n_errors == _MAX_LEADING_ERRORS:
                    raise UserError(f"none of the first {n_errors:,} rows is a {file_format} drawing")
        except UserError as error:
            yield InputRow(path.name, None, error=f"unreadable: {error}")


def _is_input(path: Path) -> bool:
    is_named = path.suffix.lower() in _SUFFIXES or _SHARD in path.name
    return is_named and not path.name.startswith(".") and path.is_file()


def _recognize(path: Path) -> str:
    if _SHARD in path.name:
        return "tutorial"
    if (suffix := path.suffix.lower()) not in _SUFFIXES:
        raise UserError(
            f"the suffix {path.suffix!r} names no format of drawings",
            location=str(path),
            allowed=_EXPECTED,
            fix="rename the file, or name its format with --format",
        )
    return _SUFFIXES[suffix] or _ndjson_variant(path)


def _ndjson_variant(path: Path) -> str:
    """The variant of which one of the first lines is a drawing; simplified if there is none."""
    items = islice(ndjson.read(path, "raw"), _CHECKED_LINES)
    return "raw" if any(isinstance(item, Drawing) for item in items) else "simplified"


def _file_label(path: Path, classes: Collection[str]) -> str:
    name = unicodedata.normalize("NFC", path.stem).removesuffix(".full")
    for prefix in _CONSOLE_PREFIXES:
        name = name.removeprefix(prefix)
    return name if name in classes else ""


def _count(path: Path, file_format: str) -> int | None:
    if file_format == "parquet":
        return int(arrow.read_metadata(path).num_rows)
    if file_format not in _COUNTED:
        return None
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    count += last != b"\n"
    return count - 1 if file_format == "kaggle" else count


def _read_strokes(path: Path, items: Iterator[Drawing | Reject], label: str, raw: bool) -> Iterator[InputRow]:
    for item in items:
        if isinstance(item, Reject):
            key_id = "" if item.key_id is None else str(item.key_id)
            yield InputRow(path.name, item.number, key_id, label, error=f"{item.kind}: {item.detail}")
            continue
        key_id, word = str(item.key_id), item.word or label
        try:
            strokes = simplify.simplify(item.strokes) if raw else item.strokes
        except RejectedError as error:
            yield InputRow(path.name, item.number, key_id, word, error=f"{error.kind}: {error}")
            continue
        yield _checked(
            path, item.number, key_id, word, to_strokes3(strokes), to_times(strokes) if raw else None
        )


def _checked(
    path: Path, number: int, name: str, label: str, points: NDArray[Any], times: NDArray[Any] | None = None
) -> InputRow:
    """The row of an array that may not be a drawing."""
    if len(points) == 0:
        error = "empty: the drawing has no movement"
    elif problem := drawing_problem(points):
        error = f"bad_value: {problem[0]}; allowed: {problem[1]}"
    elif times is not None and not (times.shape == points.shape[:1] and np.isfinite(times).all()):
        error = "bad_shape: the times are not one finite number per point"
    else:
        return InputRow(path.name, number, name, label, points, times)
    return InputRow(path.name, number, name, label, error=error)


def _read_raw(path: Path, label: str) -> Iterator[InputRow]:
    return _read_strokes(path, _read_ndjson(path, "raw"), "", raw=True)


def _read_simplified(path: Path, label: str) -> Iterator[InputRow]:
    return _read_strokes(path, _read_ndjson(path, "simplified"), "", raw=False)


def _read_ndjson(path: Path, variant: ndjson.Variant) -> Iterator[Drawing | Reject]:
    check_regular(path)
    if file_type := file_types.recognize(path):
        raise UserError(f"is {file_type.name}, not {variant} ndjson", location=str(path), fix=file_type.fix)
    return ndjson.read(path, variant)


def _read_binary(path: Path, label: str) -> Iterator[InputRow]:
    return _read_strokes(path, binary.read(path), label, raw=False)


def _read_kaggle(path: Path, label: str) -> Iterator[InputRow]:
    return _read_strokes(path, kaggle.read(path, _KAGGLE_COLUMNS), "", raw=False)


def _read_npz(path: Path, label: str) -> Iterator[InputRow]:
    for split, index, points in npz.read_each(path):
        name = f"{split}/{index}"
        if isinstance(points, RejectedError):
            yield InputRow(path.name, index, name, label, error=f"{points.kind}: {points}")
        else:
            yield _checked(path, index, name, label, points)


def _read_tutorial(path: Path, label: str) -> Iterator[InputRow]:
    class_list = path.with_name(path.name.partition("-")[0] + ".classes")
    classes = tutorial.read_class_names(class_list) if class_list.is_file() else []
    for item in tutorial.read(path, len(classes) or 1 << 31):
        if isinstance(item, Reject):
            yield InputRow(path.name, item.number, error=f"{item.kind}: {item.detail}")
        else:
            word = classes[item.class_index] if classes else ""
            yield _checked(path, item.number, "", word, item.points)


def _read_parquet(path: Path, label: str) -> Iterator[InputRow]:
    with arrow.open_parquet(path) as file:
        names = file.schema_arrow.names
        strokes = next((name for name in ("points", "strokes") if name in names), None)
        if strokes is None:
            raise UserError(
                f"has no column 'points' or 'strokes', but {', '.join(map(repr, names[:12]))}",
                location=str(path),
                allowed="points: lists of dx, dy, pen_lift one after the other; or strokes: lists of [dx, dy, pen_lift]",
            )
        columns = [name for name in ("id", "label", strokes, "times") if name in names]
        number = 0
        for batch in file.iter_batches(_BATCH, columns=columns):
            for values in batch.to_pylist():
                number += 1
                yield _parse_cells(path, number, values, strokes)


def _parse_cells(path: Path, number: int, values: dict[str, Any], strokes: str) -> InputRow:
    name, label = (str(values.get(key) or "") for key in ("id", "label"))
    try:
        points = np.array(values[strokes] or [], np.float32)
        points = points.reshape(-1, 3) if strokes == "points" or not len(points) else points
        times = None if values.get("times") is None else np.array(values["times"], np.float64)
    except (TypeError, ValueError):
        error = f"bad_shape: {strokes} is not a list of movements (dx, dy, pen_lift)"
        return InputRow(path.name, number, name, label, error=error)
    return _checked(path, number, name, label, points, times)


_READERS = {
    "raw": _read_raw,
    "simplified": _read_simplified,
    "binary": _read_binary,
    "kaggle": _read_kaggle,
    "npz": _read_npz,
    "tutorial": _read_tutorial,
    "parquet": _read_parquet,
}
