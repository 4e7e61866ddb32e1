"""The drawings of TensorFlow's quickdraw tutorial: `training.tfrecord-*`, `eval.tfrecord-*`, `.classes`.

A record is a `tf.train.Example` with `ink` (n_points * 3 floats: dx, dy, pen_lift), `shape`
([n_points, 3]) and `class_index` (line of the class in `<set>.tfrecord.classes`, from 0).
The tutorial scaled the x and y of each drawing to [0, 1] separately (so the aspect ratio is lost),
took differences and dropped the first point. The drawings have no key_id and no recognized flag.
Source: tensorflow/models, tutorials/rnn/quickdraw/create_dataset.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strokecast.common import names, tfrecord
from strokecast.common.errors import UserError
from strokecast.common.files import open_binary
from strokecast.common.tfrecord import Feature
from strokecast.sources.formats.records import MAX_POINTS, Reject, RejectedError

SETS = ("training", "eval")
_SHARD = re.compile(r"(training|eval)\.tfrecord-(\d{5})-of-(\d{5})")
MAX_CLASSES_FILE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Ink:
    """One drawing of the tutorial.

    Attributes:
        number: record of the shard, from 1.
        class_index: index of the class in `read_classes`.
        points: float32 [n_points, 3] = (dx, dy, pen_lift).
    """

    number: int
    class_index: int
    points: NDArray[np.float32]


def read(path: Path, n_classes: int) -> Iterator[Ink | Reject]:
    """Yield an `Ink` or a `Reject` per record of a shard. The values of `ink` are not checked here.

    Raises:
        UserError: see `tfrecord.read`.
    """
    for number, data in tfrecord.read(path):
        try:
            if data is None:
                raise RejectedError("bad_checksum", "wrong checksum of the record's data")
            class_index, points = _parse(_parse_example(data), n_classes)
        except RejectedError as error:
            yield Reject(path.name, "record", number, error.kind, error.detail)
        else:
            yield Ink(number, class_index, points)


def list_shards(folder: Path) -> dict[str, list[Path]]:
    """The shards of each set, in order: {"training": [...], "eval": [...]}.

    Raises:
        UserError: if a set has no shard, or a shard is missing according to the names of the others.
    """
    shards: dict[str, dict[int, Path]] = {name: {} for name in SETS}
    totals: dict[str, int] = {}
    for path in sorted(folder.glob("*.tfrecord-*")) if folder.is_dir() else []:
        match = _SHARD.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        name, index, total = match[1], int(match[2]), int(match[3])
        if totals.setdefault(name, total) != total:
            raise UserError(
                f"{path.name} and the other shards differ in the number of shards", location=str(folder)
            )
        shards[name][index] = path
    for name in SETS:
        if not shards[name]:
            raise UserError(
                f"no file {name}.tfrecord-00000-of-...",
                location=str(folder),
                allowed="training.tfrecord-*, eval.tfrecord-*, training.tfrecord.classes, eval.tfrecord.classes",
            )
        for index in range(totals[name]):
            if index not in shards[name]:
                raise UserError(
                    f"no file {name}.tfrecord-{index:05d}-of-{totals[name]:05d}",
                    location=str(folder),
                    fix="fetch it again",
                )
        if len(shards[name]) > totals[name]:
            raise UserError(
                f"the number of {shards[name][max(shards[name])].name} exceeds the number of shards",
                location=str(folder),
            )
    return {name: [shards[name][index] for index in sorted(shards[name])] for name in SETS}


def read_classes(folder: Path) -> list[str]:
    """The class names, in the order of `class_index`. Both sets must have the same ones.

    Raises:
        UserError: if a `.classes` file is missing, is not text, is empty or repeats a class, or if
            the two files differ.
    """
    lists = {name: read_class_names(folder / f"{name}.tfrecord.classes") for name in SETS}
    if lists["training"] != lists["eval"]:
        raise UserError(
            "training.tfrecord.classes and eval.tfrecord.classes differ",
            location=str(folder),
            fix="take both sets from one run of the tutorial",
        )
    return lists["training"]


def check(path: Path) -> None:
    """Read all records of a shard without parsing them.

    Raises:
        UserError: if the file has no record or is truncated, or a length has a wrong checksum.
    """
    if not any([True for _ in tfrecord.read(path)]):  # noqa: C419  (a list: read to the end of the file)
        raise UserError("is empty", location=str(path), allowed="TFRecords", fix="fetch it again")


def read_class_names(path: Path) -> list[str]:
    """The class names in one `.classes` file.

    Raises:
        UserError: if it is missing, is not text, is empty or repeats a class.
    """
    with open_binary(path) as file:
        data = file.read(MAX_CLASSES_FILE + 1)
    try:
        if len(data) > MAX_CLASSES_FILE:
            raise ValueError
        labels = data.decode("utf-8-sig").splitlines()
    except ValueError:
        raise UserError(
            "is not a list of class names", location=str(path), allowed="one name per line"
        ) from None
    while labels and not labels[-1].strip():
        labels.pop()
    if not labels:
        raise UserError("names no class", location=str(path), allowed="one name per line")
    for line, name in enumerate(labels, start=1):
        location = f"{path}, line {line}"
        names.check(name, "class", location)
        if "/" in name:
            raise UserError(
                f"{name!r} is not a class name", location=location, allowed="a name without a slash"
            )
        if labels.index(name) != line - 1:
            raise UserError(f"{name!r} is listed twice", location=location)
    return labels


def _parse_example(data: bytes) -> dict[str, Feature]:
    try:
        return tfrecord.parse_example(data)
    except ValueError as error:
        raise RejectedError("bad_shape", str(error)) from None


def _parse(features: Mapping[str, Feature], n_classes: int) -> tuple[int, NDArray[np.float32]]:
    for key in ("ink", "shape", "class_index"):
        if key not in features:
            raise RejectedError("missing_key", f"no feature {key!r}")
    index, shape, ink = features["class_index"], features["shape"], features["ink"]
    if len(index) != 1 or not isinstance(index[0], int):
        raise RejectedError("bad_shape", "class_index is not a single whole number")
    if not 0 <= index[0] < n_classes:
        raise RejectedError(
            "bad_value", f"class_index is {index[0]}, outside 0 ... {n_classes - 1} (the lines of .classes)"
        )
    if len(shape) != 2 or not all(isinstance(step, int) for step in shape) or shape[1] != 3:
        text = ", ".join(str(step) for step in shape[:4])
        raise RejectedError("bad_shape", f"shape is [{text[:60]}], not [n_points, 3]")
    if ink and not isinstance(ink[0], float):
        raise RejectedError("bad_shape", "ink is not a list of floats")
    n_points = shape[0]
    if len(ink) != n_points * 3:
        raise RejectedError(
            "bad_shape", f"ink has {len(ink):,} values, not the {n_points:,} x 3 of its shape"
        )
    if n_points < 1:
        raise RejectedError("empty", "the drawing has no point")
    if n_points > MAX_POINTS:
        raise RejectedError("too_big", f"{n_points:,} points, more than {MAX_POINTS:,}")
    return index[0], np.array(ink, dtype=np.float32).reshape(-1, 3)
