"""A local folder of Sketch-RNN files `<class>.npz`, in no folder `sketchrnn` below it.

Files of one's own, of Sketch-RNN's other data sets, or pickled by Python 2 will do. `<class>.full.npz`
repeats a class and is left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.sources import local
from strokecast.sources.formats import fetching, npz

SOURCE = "npz_folder"
KEY = f"params.yaml: sketches.{SOURCE}"


class Options(Protocol):
    """Options of this source, as params.yaml holds them."""

    @property
    def folder(self) -> str:
        """Local folder with `<class>.npz`."""

    @property
    def classes(self) -> str | Sequence[str]:
        """`all`, or a list."""

    @property
    def cap(self) -> Any:
        """`train`, `valid`, `test`: at most so many drawings a class; None: all."""


def fetch(options: Options, folder: Path) -> str:
    """Copy the chosen classes into `folder`, with `source.json`; one line on what came out.

    Raises:
        UserError: if a class has no file, or a file is damaged.
    """
    from strokecast.common.stage import progress

    at = local.resolve(options.folder)
    if not at.is_dir():
        raise UserError(f"no such folder {options.folder!r}", where=f"{KEY}.folder")
    fetching.check_names(options.classes, KEY)
    classes = fetching.choose(options.classes, _classes_in(at), at, ".npz", KEY)
    for label in progress(classes, "copying", unit="class"):
        npz.check_class(at / f"{label}.npz")
        shutil.copyfile(at / f"{label}.npz", folder / f"{label}.npz")
    record: dict[str, Any] = {
        "source": SOURCE,
        "format": "npz",
        "classes": classes,
        "files": {f"{label}.npz": local.facts(folder / f"{label}.npz") for label in classes},
        "cap": options.cap.model_dump(),
        "attribution": "as the owner of the files states",
        "licence": "as the owner of the files states",
    }
    files.write_json(folder / "source.json", record)
    return fetching.summary(SOURCE, record)


def changed(options: Options, record: dict[str, Any]) -> str | None:
    """One line if a local file has another size than what was read, or one was added, else None."""
    at = local.resolve(options.folder)
    if not at.is_dir():
        return None
    if options.classes == "all" and (new := set(_classes_in(at)) - set(record["classes"])):
        return f"{at} got a new file {min(new)}.npz"
    return fetching.resized(at, record)


def _classes_in(at: Path) -> list[str]:
    return sorted(
        p.stem for p in at.glob("*.npz") if not p.name.startswith(".") and not p.stem.endswith(".full")
    )
