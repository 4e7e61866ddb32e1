"""Quick, Draw! files of one class each (ndjson, .bin) from the web, a mirror or a local folder.

Files are `<base_url>/<folder>/<class><suffix>` and are kept byte for byte. How they are read (splits,
caps, filters) is recorded in `source.json` and applied by `strokecast.sources.formats.reading`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from strokecast.common.errors import UserError
from strokecast.params import ClassFiles, KaggleCsv
from strokecast.sources import class_names, local
from strokecast.sources.class_folder import ClassFolder
from strokecast.sources.formats import source_json
from strokecast.sources.sketches import quickdraw


@dataclass(frozen=True)
class Layout:
    """Location of the class files of one format.

    Attributes:
        source: name of the source, and of its section under `sketches` in params.yaml.
        file_format: "raw", "simplified" or "binary".
        folder: folder of the files, relative to the base address.
        suffix: of the files.
        check: raises `UserError` if a file is not of the format, or not of the class.
    """

    source: str
    file_format: str
    folder: str
    suffix: str
    check: Callable[[Path, str], None]

    @property
    def key(self) -> str:
        """Key path of the options, for error messages."""
        return f"params.yaml: sketches.{self.source}"

    def folder_in(self, base_folder: Path) -> Path:
        """The folder of the files: `base_folder/<folder>` if it exists, else `base_folder` itself."""
        folder = base_folder / self.folder
        return folder if folder.is_dir() else base_folder

    def scan(self, folder: Path) -> ClassFolder:
        """The class files in `folder`, also under the names that the bucket's console gives them."""
        return ClassFolder.scan(folder, self.suffix, f"{self.folder.replace('/', '_')}_")


def check(options: ClassFiles, layout: Layout) -> None:
    """Check the address or local folder, and the classes as far as they are known without a download.

    Raises:
        UserError: if a class is unknown, or the folder is missing or lacks the file of a class.
    """
    class_names.check(options.classes, layout.key)
    base_folder = local.folder_of(options.base_url, f"{layout.key}.base_url")
    if base_folder is None:
        quickdraw.check_official(options.classes, options.base_url, layout.key)
    else:
        _select(options, base_folder, layout)


def fetch(options: ClassFiles, folder: Path, layout: Layout) -> str:
    """Fetch the selected classes into `folder`, with `source.json`; return one line that describes them.

    Raises:
        UserError: if a class is unknown, a file is missing or has another format, or the address
            cannot be reached.
    """
    check(options, layout)
    base_folder = local.folder_of(options.base_url, f"{layout.key}.base_url")
    passed_over = ""
    if base_folder is None:
        classes = _from_web(options, folder, layout)
    else:
        classes, passed_over = _from_folder(options, base_folder, folder, layout)
    file_names = [f"{label}{layout.suffix}" for label in classes]
    source: dict[str, Any] = {
        "source": layout.source,
        "format": layout.file_format,
        "classes": classes,
        "files": {name: local.file_info(folder / name) for name in file_names},
        "options": drawing_options(options),
        **quickdraw.CREDITS,
    }
    source_json.write(folder, source)
    return source_json.summary(source) + passed_over


def drawing_options(options: ClassFiles | KaggleCsv) -> dict[str, Any]:
    """What `source.json` says of the drawings that `validate` keeps and of their splits."""
    keys = {"recognized_only", "drop_duplicates", "valid_share", "test_share", "cap"}
    return options.model_dump(include=keys)


def describe_change(options: ClassFiles, source: dict[str, Any], layout: Layout) -> str | None:
    """One line if the files of the local folder differ from those in `source.json`, else None.

    Compares names and sizes only. A web address or a missing folder does not count as changed.
    """
    base_folder = local.folder_of(options.base_url, f"{layout.key}.base_url")
    if base_folder is None or not base_folder.is_dir():
        return None
    return layout.scan(layout.folder_in(base_folder)).describe_change(options.classes, source)


def _select(options: ClassFiles, base_folder: Path, layout: Layout) -> tuple[ClassFolder, dict[str, Path]]:
    """The class files of the folder, and the file of each selected class."""
    allowed = f"a folder with {layout.folder}/<class>{layout.suffix}, or with the files themselves"
    local.check_folder(base_folder, options.base_url, f"{layout.key}.base_url", allowed)
    class_folder = layout.scan(layout.folder_in(base_folder))
    return class_folder, class_folder.select(options.classes, layout.key)


def _from_folder(
    options: ClassFiles, base_folder: Path, folder: Path, layout: Layout
) -> tuple[list[str], str]:
    """Copy the class files; the classes, and the files that were passed over as the end of a line."""
    from strokecast.common.console import progress

    class_folder, paths = _select(options, base_folder, layout)
    for label, path in progress(paths.items(), "copying", total=len(paths), unit="class"):
        layout.check(path, label)
        shutil.copyfile(path, folder / f"{label}{layout.suffix}")
    return list(paths), class_folder.passed_over()


def _from_web(options: ClassFiles, folder: Path, layout: Layout) -> list[str]:
    from strokecast.sources.http import downloads

    official = list(quickdraw.official_files())
    base = options.base_url.rstrip("/")
    classes = official if options.classes == "all" else list(options.classes)
    alternatives = (
        f"alternatives: set sketches.{layout.source}.base_url to a mirror or a local folder "
        f"with {layout.folder}/<class>{layout.suffix}, or set sketches.source: quickdraw_sample"
    )
    requests = [
        downloads.DownloadRequest(
            f"{base}/{layout.folder}/{quote(label)}{layout.suffix}", f"{label}{layout.suffix}"
        )
        for label in classes
    ]
    try:
        cached = downloads.fetch(
            requests,
            source=layout.source,
            alternatives=alternatives,
            max_file_megabytes=options.max_file_megabytes,
        )
    except downloads.NotFoundError as error:
        label = error.request.name.removesuffix(layout.suffix)
        hint = "" if label in official else class_names.suggest(label, official)
        message = f"no such file {error.request.url} (HTTP {error.status})"
        raise UserError(message, location=layout.key, fix=hint or alternatives) from None
    for label, request, path in zip(classes, requests, cached, strict=True):
        try:
            layout.check(path, label)
        except UserError as error:
            downloads.evict(path)
            raise UserError(error.what, location=request.url, allowed=error.allowed, fix=error.fix) from None
    downloads.link_or_copy(cached, folder)
    return classes
