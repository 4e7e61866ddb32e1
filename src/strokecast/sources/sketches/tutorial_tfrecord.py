"""The TFRecords of TensorFlow's quickdraw tutorial, from a local folder.

The set `training` becomes train and, by a share of a hash of each drawing, valid; `eval` is test.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.sources import local
from strokecast.sources.formats import fetching, tutorial

SOURCE = "tutorial_tfrecord"
KEY = f"params.yaml: sketches.{SOURCE}"


class Options(Protocol):
    """Options of this source, as params.yaml holds them."""

    @property
    def folder(self) -> str:
        """Local folder with `training.tfrecord-*`, `eval.tfrecord-*` and their `.classes`."""

    @property
    def classes(self) -> str | Sequence[str]:
        """`all`, or a list."""

    @property
    def valid_share(self) -> float:
        """Share of the training set for validation."""

    @property
    def cap(self) -> Any:
        """`train`, `valid`, `test`: at most so many drawings a class; None: all."""


def fetch(options: Options, folder: Path) -> str:
    """Copy the shards and class lists into `folder`, with `source.json`; one line on what came out.

    Raises:
        UserError: if the folder lacks a shard or a class list, a shard is damaged, or a class is
            unknown.
    """
    from strokecast.common.stage import progress

    at = local.resolve(options.folder)
    if not at.is_dir():
        raise UserError(f"no such folder {options.folder!r}", where=f"{KEY}.folder")
    fetching.check_names(options.classes, KEY)
    paths = [path for its_set in tutorial.shards(at).values() for path in its_set]
    names = tutorial.classes(at)
    if options.classes != "all":
        for label in options.classes:
            if label not in names:
                raise UserError(f"unknown class {label!r}", where=f"{KEY}.classes", allowed=", ".join(names))
    for path in progress(paths, "copying", unit="shard"):
        tutorial.check(path)
        shutil.copyfile(path, folder / path.name)
    lists = [at / f"{its_set}.tfrecord.classes" for its_set in tutorial.SETS]
    for path in lists:
        shutil.copyfile(path, folder / path.name)
    record: dict[str, Any] = {
        "source": SOURCE,
        "format": "tutorial",
        "classes": names if options.classes == "all" else list(options.classes),
        "files": {path.name: local.facts(folder / path.name) for path in (*paths, *lists)},
        "options": {"valid_share": options.valid_share, "cap": options.cap.model_dump()},
        **fetching.QUICKDRAW,
    }
    files.write_json(folder / "source.json", record)
    return fetching.summary(SOURCE, record)


def changed(options: Options, record: dict[str, Any]) -> str | None:
    """One line if a local file has another size than what was read, or a shard was added, else None."""
    at = local.resolve(options.folder)
    if not at.is_dir():
        return None
    for path in sorted(at.glob("*.tfrecord-*")):
        if path.name not in record["files"]:
            return f"{at} got a new file {path.name}"
    return fetching.resized(at, record)
