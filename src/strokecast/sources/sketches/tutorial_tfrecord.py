"""The TFRecords of TensorFlow's quickdraw tutorial, from a local folder.

The set `training` is divided into train and valid by a hash of each drawing; `eval` becomes test.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from strokecast.params import Tutorial
from strokecast.sources import class_names, local
from strokecast.sources.formats import source_json, tutorial
from strokecast.sources.sketches import quickdraw

SOURCE = "tutorial_tfrecord"
KEY = f"params.yaml: sketches.{SOURCE}"


def check(options: Tutorial) -> None:
    """Check that the folder has all shards and the classes.

    Raises:
        UserError: if the folder, a shard or a class list is missing, or a class is unknown.
    """
    _select(options)


def _select(options: Tutorial) -> tuple[Path, list[Path], list[str]]:
    """The folder, its shards and the selected classes."""
    input_folder = local.resolve(options.folder)
    local.check_folder(input_folder, options.folder, f"{KEY}.folder")
    class_names.check(options.classes, KEY)
    shards = [path for paths in tutorial.list_shards(input_folder).values() for path in paths]
    return (
        input_folder,
        shards,
        class_names.select_known(options.classes, tutorial.read_classes(input_folder), KEY),
    )


def fetch(options: Tutorial, folder: Path) -> str:
    """Copy the shards and class lists into `folder`, with `source.json`; return one line that describes them.

    Raises:
        UserError: if the folder lacks a shard or a class list, a shard is damaged, or a class is
            unknown.
    """
    from strokecast.common.console import progress

    input_folder, shards, classes = _select(options)
    for path in progress(shards, "copying", unit="shard"):
        tutorial.check(path)
        shutil.copyfile(path, folder / path.name)
    class_lists = [input_folder / f"{name}.tfrecord.classes" for name in tutorial.SETS]
    for path in class_lists:
        shutil.copyfile(path, folder / path.name)
    source: dict[str, Any] = {
        "source": SOURCE,
        "format": "tutorial",
        "classes": classes,
        "files": {path.name: local.file_info(folder / path.name) for path in (*shards, *class_lists)},
        "options": {"valid_share": options.valid_share, "cap": options.cap.model_dump()},
        **quickdraw.CREDITS,
    }
    source_json.write(folder, source)
    return source_json.summary(source)


def describe_change(options: Tutorial, source: dict[str, Any]) -> str | None:
    """One line if a shard was added or a file has another size than in `source.json`, else None."""
    input_folder = local.resolve(options.folder)
    if not input_folder.is_dir():
        return None
    for path in sorted(input_folder.glob("*.tfrecord-*")):
        if path.name not in source["files"]:
            return f"{input_folder} has a new file {path.name}"
    return source_json.describe_new_size(input_folder, source)
