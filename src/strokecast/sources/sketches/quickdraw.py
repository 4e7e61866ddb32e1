"""Google's Quick, Draw! drawings in Sketch-RNN form, from the web, a mirror or a local folder.

Files are `<base_url>/sketchrnn/<class>.npz` and are kept byte for byte. A cap is recorded in
`source.json` and applied when the drawings are read. Files from the official address are checked
against the sizes and sha256 digests in `data/sketchrnn_files.tsv`.
Source: https://github.com/googlecreativelab/quickdraw-dataset (CC BY 4.0).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from strokecast.common.errors import UserError
from strokecast.params import QuickDraw
from strokecast.sources import class_names, local
from strokecast.sources.class_folder import ClassFolder
from strokecast.sources.formats import source_json
from strokecast.sources.local import FileInfo

OFFICIAL = "https://storage.googleapis.com/quickdraw_dataset"
FOLDER = "sketchrnn"
CONSOLE_PREFIX = f"{FOLDER}_"  # of files that the web console of the bucket saves
KEY = "params.yaml: sketches.quickdraw"
BASE_KEY = f"{KEY}.base_url"
ALTERNATIVES = (
    "alternatives: set sketches.quickdraw.base_url to a mirror or a local folder with sketchrnn/<class>.npz, "
    "or set sketches.source: quickdraw_sample"
)
CREDITS = {
    "attribution": "Quick, Draw! drawings by Google, https://github.com/googlecreativelab/quickdraw-dataset",
    "licence": "CC BY 4.0",
}


def official_files() -> dict[str, FileInfo]:
    """Size and sha256 of the official npz file of each of the 345 classes, in alphabetical order."""
    text = (resources.files("strokecast.sources") / "data" / "sketchrnn_files.tsv").read_text(
        encoding="utf-8"
    )
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {name: {"bytes": int(size), "sha256": digest} for name, size, digest in rows}


def check(options: QuickDraw) -> None:
    """Check the address or local folder, and the classes as far as they are known without a download.

    Raises:
        UserError: if a class is unknown, or the folder is missing or lacks the file of a class.
    """
    class_names.check(options.classes, KEY)
    base_folder = local.folder_of(options.base_url, BASE_KEY)
    if base_folder is None:
        check_official(options.classes, options.base_url, KEY)
    else:
        _select(options, base_folder)


def check_official(classes: str | Sequence[str], base_url: str, key: str) -> None:
    """Check classes that the official address should have; other addresses may have any class.

    Raises:
        UserError: if a class is not an official one.
    """
    official = list(official_files())
    for label in () if classes == "all" else classes:
        if base_url.rstrip("/") == OFFICIAL and label not in official:
            raise class_names.unknown(label, official, key)


def fetch(options: QuickDraw, folder: Path) -> str:
    """Fetch the selected classes into `folder`, with `source.json`; return one line that describes them.

    Raises:
        UserError: if a class is unknown, a file is missing, damaged or not the official one, or
            the address cannot be reached.
    """
    check(options)
    base_folder = local.folder_of(options.base_url, BASE_KEY)
    passed_over = ""
    if base_folder is None:
        classes = _from_web(options, folder)
    else:
        classes, passed_over = _from_folder(options, base_folder, folder)
    source: dict[str, Any] = {
        "source": "quickdraw",
        "classes": classes,
        "files": {f"{label}.npz": local.file_info(folder / f"{label}.npz") for label in classes},
        "cap": options.cap.model_dump(),
        **CREDITS,
    }
    source_json.write(folder, source)
    return source_json.summary(source) + passed_over


def describe_change(options: QuickDraw, source: dict[str, Any]) -> str | None:
    """One line if the files of the local folder differ from those in `source.json`, else None.

    Compares names and sizes only. A web address or a missing folder does not count as changed.
    """
    base_folder = local.folder_of(options.base_url, BASE_KEY)
    if base_folder is None or not base_folder.is_dir():
        return None
    return _scan(base_folder).describe_change(options.classes, source)


def _scan(base_folder: Path) -> ClassFolder:
    """The class files in `base_folder/sketchrnn` if it exists, else in `base_folder`."""
    folder = base_folder / FOLDER
    return ClassFolder.scan(folder if folder.is_dir() else base_folder, ".npz", CONSOLE_PREFIX)


def _select(options: QuickDraw, base_folder: Path) -> tuple[ClassFolder, dict[str, Path]]:
    """The class files of the folder, and the file of each selected class."""
    allowed = f"a folder with {FOLDER}/<class>.npz, or with the files themselves"
    local.check_folder(base_folder, options.base_url, BASE_KEY, allowed)
    class_folder = _scan(base_folder)
    return class_folder, class_folder.select(options.classes, KEY)


def _from_folder(options: QuickDraw, base_folder: Path, folder: Path) -> tuple[list[str], str]:
    """Copy the class files; the classes, and the files that were passed over as the end of a line."""
    from strokecast.common.console import progress
    from strokecast.sources.formats import npz

    class_folder, paths = _select(options, base_folder)
    for label, path in progress(paths.items(), "copying", total=len(paths), unit="class"):
        npz.check_class(path)
        shutil.copyfile(path, folder / f"{label}.npz")
    return list(paths), class_folder.passed_over()


def _from_web(options: QuickDraw, folder: Path) -> list[str]:
    from strokecast.sources.formats import npz
    from strokecast.sources.http import downloads

    known_files = official_files()
    official = list(known_files)
    base = options.base_url.rstrip("/")
    is_official = base == OFFICIAL
    classes = official if options.classes == "all" else list(options.classes)
    requests = [
        downloads.DownloadRequest(
            f"{base}/{FOLDER}/{quote(label)}.npz", f"{label}.npz", known_files[label] if is_official else None
        )
        for label in classes
    ]
    try:
        cached = downloads.fetch(
            requests,
            source="quickdraw",
            alternatives=ALTERNATIVES,
            max_file_megabytes=options.max_file_megabytes,
        )
    except downloads.NotFoundError as error:
        url, label = error.request.url, error.request.name.removesuffix(".npz")
        if label not in known_files:
            raise class_names.unknown(label, official, KEY, f" at {url} (HTTP {error.status})") from None
        message = f"no such file {url} (HTTP {error.status})"
        raise UserError(message, location=BASE_KEY, fix=ALTERNATIVES) from None
    for request, path in zip(requests, cached, strict=True):
        if request.expected is None:  # otherwise the download has checked its sha256
            try:
                npz.check_class(path)
            except UserError as error:
                downloads.evict(path)
                raise UserError(
                    error.what, location=request.url, allowed=error.allowed, fix=error.fix
                ) from None
    downloads.link_or_copy(cached, folder)
    return classes
