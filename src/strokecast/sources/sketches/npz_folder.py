"""A local folder of Sketch-RNN files `<class>.npz` (directly in the folder, not in `sketchrnn/`).

The files may be the user's own, come from other Sketch-RNN datasets, or be pickled by Python 2.
`<class>.full.npz` repeats the drawings of a class and is ignored.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.params import NpzFolder
from strokecast.sources import class_names, local
from strokecast.sources.formats import npz, source_json

SOURCE = "npz_folder"
KEY = f"params.yaml: sketches.{SOURCE}"


def fetch(options: NpzFolder, folder: Path) -> str:
    """Copy the selected classes into `folder`, with `source.json`; return one line that describes them.

    Raises:
        UserError: if the folder is missing, a class has no file, or a file is damaged.
    """
    from strokecast.common.console import progress

    input_folder = local.resolve(options.folder)
    if not input_folder.is_dir():
        raise UserError(f"no such folder {options.folder!r}", location=f"{KEY}.folder")
    class_names.check(options.classes, KEY)
    classes = class_names.select(options.classes, _classes_in(input_folder), input_folder, ".npz", KEY)
    for label in progress(classes, "copying", unit="class"):
        npz.check_class(input_folder / f"{label}.npz")
        shutil.copyfile(input_folder / f"{label}.npz", folder / f"{label}.npz")
    source: dict[str, Any] = {
        "source": SOURCE,
        "format": "npz",
        "classes": classes,
        "files": {f"{label}.npz": local.file_info(folder / f"{label}.npz") for label in classes},
        "cap": options.cap.model_dump(),
        "attribution": "as the owner of the files states",
        "licence": "as the owner of the files states",
    }
    source_json.write(folder, source)
    return source_json.summary(source)


def describe_change(options: NpzFolder, source: dict[str, Any]) -> str | None:
    """One line if a local file was added or has another size than in `source.json`, else None."""
    input_folder = local.resolve(options.folder)
    if not input_folder.is_dir():
        return None
    if options.classes == "all" and (new := set(_classes_in(input_folder)) - set(source["classes"])):
        return f"{input_folder} has a new file {min(new)}.npz"
    return source_json.describe_new_size(input_folder, source)


def _classes_in(folder: Path) -> list[str]:
    return sorted(
        p.stem for p in folder.glob("*.npz") if not p.name.startswith(".") and not p.stem.endswith(".full")
    )
