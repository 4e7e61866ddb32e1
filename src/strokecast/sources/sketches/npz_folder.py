"""A local folder of Sketch-RNN files `<class>.npz` (directly in the folder, not in `sketchrnn/`).

The files may be the user's own, come from other Sketch-RNN datasets, or be pickled by Python 2.
`strokecast.sources.class_folder` describes the names under which a class is found.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from strokecast.params import NpzFolder
from strokecast.sources import class_names, local
from strokecast.sources.class_folder import ClassFolder
from strokecast.sources.formats import npz, source_json
from strokecast.sources.sketches.quickdraw import CONSOLE_PREFIX

SOURCE = "npz_folder"
KEY = f"params.yaml: sketches.{SOURCE}"


def check(options: NpzFolder) -> None:
    """Check that the folder has the file of each class.

    Raises:
        UserError: if the folder is missing or a class has no file.
    """
    _select(options)


def _select(options: NpzFolder) -> tuple[ClassFolder, dict[str, Path]]:
    """The class files of the folder, and the file of each selected class."""
    input_folder = local.resolve(options.folder)
    local.check_folder(input_folder, options.folder, f"{KEY}.folder", "a folder with <class>.npz")
    class_names.check(options.classes, KEY)
    class_folder = ClassFolder.scan(input_folder, ".npz", CONSOLE_PREFIX)
    return class_folder, class_folder.select(options.classes, KEY)


def fetch(options: NpzFolder, folder: Path) -> str:
    """Copy the selected classes into `folder`, with `source.json`; return one line that describes them.

    Raises:
        UserError: if the folder is missing, a class has no file, or a file is damaged.
    """
    from strokecast.common.console import progress

    class_folder, paths = _select(options)
    for label, path in progress(paths.items(), "copying", total=len(paths), unit="class"):
        npz.check_class(path)
        shutil.copyfile(path, folder / f"{label}.npz")
    source: dict[str, Any] = {
        "source": SOURCE,
        "format": "npz",
        "classes": list(paths),
        "files": {f"{label}.npz": local.file_info(folder / f"{label}.npz") for label in paths},
        "cap": options.cap.model_dump(),
        "attribution": "as the owner of the files states",
        "licence": "as the owner of the files states",
    }
    source_json.write(folder, source)
    return source_json.summary(source) + class_folder.passed_over()


def describe_change(options: NpzFolder, source: dict[str, Any]) -> str | None:
    """One line if a local file was added or has another size than in `source.json`, else None."""
    input_folder = local.resolve(options.folder)
    return ClassFolder.scan(input_folder, ".npz", CONSOLE_PREFIX).describe_change(options.classes, source)
