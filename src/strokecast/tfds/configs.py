"""Configs of the `sketch_rnn` builder: which classes, from where, how many drawings.

TensorFlow Datasets finds prepared data by the name of the config alone: the same name with other
classes would return the old drawings with the new labels. So every name ends in a hash of everything
that determines the prepared data: the classes in their order, the caps, and the source of the files,
which is their sha256 (official files), their contents (a local folder) or their address (a mirror).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from pydantic import ValidationError

from strokecast.common.errors import UserError
from strokecast.common.files import check_regular
from strokecast.params.sources import TEN_CLASSES, Cap
from strokecast.sources import class_names, local
from strokecast.sources.class_folder import ClassFolder
from strokecast.sources.sketches import quickdraw

BASE_URL_VARIABLE = "STROKECAST_QUICKDRAW_URL"
KEY = "sketch_rnn"
ALTERNATIVES = (
    f"alternatives: set {BASE_URL_VARIABLE} or config(base_url=) to a mirror or a local folder with "
    "sketchrnn/<class>.npz; the drawings of the package (sketches.source: quickdraw_sample or doodles) need "
    "no download"
)
_LAYOUT_VERSION = 1  # increase it if the same files are prepared differently
_NAME = re.compile(r"[\w+.-]+")


@dataclasses.dataclass(eq=False)
class SketchRnnConfig(tfds.core.BuilderConfig):
    """What `sketch_rnn` prepares; create it with `strokecast.datasets.config`.

    Attributes:
        name: start of the name; `-<hash>` is appended.
        classes: the class names, in the order of their labels.
        base_url: http(s) address or local folder with `sketchrnn/<class>.npz`.
        cap: maximum number of drawings per class and split, the first ones of each file.
    """

    name: str = ""
    classes: str | Sequence[str] = "all"
    base_url: str | None = None
    cap: int | Mapping[str, int | None] | Cap | None = None

    def __post_init__(self) -> None:
        self.base_url = (self.base_url or os.environ.get(BASE_URL_VARIABLE) or quickdraw.OFFICIAL).rstrip("/")
        self.cap = _to_cap(self.cap)
        all_classes = self.classes == "all"
        self.classes = _select_classes(self.classes, self.base_url)
        label = self.name or ("all" if all_classes else f"{len(self.classes)}-classes")
        if not _NAME.fullmatch(label):
            raise UserError(
                f"{label!r} is not valid", location=f"{KEY}: name", allowed="letters, digits and _ + . -"
            )
        suffix = f"-{self.digest()}"
        self.name = label if label.endswith(suffix) else label + suffix
        self.description = f"{len(self.classes)} classes of Quick, Draw! drawings"

    def folder(self) -> Path | None:
        """The local folder of the files, or None if they are downloaded."""
        return _local_folder(str(self.base_url))

    def local_files(self) -> dict[str, Path] | None:
        """The file of each class in the local folder, or None if the files are downloaded."""
        folder = self.folder()
        return None if folder is None else _scan(folder).select(list(self.classes), KEY)

    def digest(self) -> str:
        """Hash of the classes, the caps and the current contents of the source."""
        local_files = self.local_files()
        official = quickdraw.official_files() if self.base_url == quickdraw.OFFICIAL else {}
        source: Any = self.base_url
        if local_files is not None:
            source = [_fingerprint(path) for path in local_files.values()]
        elif official:
            source = [official[label]["sha256"] for label in self.classes]
        hashed = [_LAYOUT_VERSION, list(self.classes), _limits(self.cap), source]
        return hashlib.sha256(json.dumps(hashed).encode()).hexdigest()[:10]

    def limit(self, split: str) -> int | None:
        """Maximum number of drawings per class of `train`, `valid` or `test`; None: all."""
        return _limits(self.cap)[split]


def config(
    classes: str | Sequence[str] = "all",
    base_url: str | None = None,
    cap: int | Mapping[str, int | None] | Cap | None = None,
    name: str = "",
) -> SketchRnnConfig:
    """Create a config, for `tfds.load("sketch_rnn", builder_kwargs={"config": ...})`.

    `tfds.builder(f"sketch_rnn/{config.name}")` also finds it by its name, in this process and
    wherever its data has been prepared.

    Args:
        classes: `all` (of a local folder: every file; otherwise the 345 official classes), or a list;
            its order is the order of the labels.
        base_url: http(s) address or local folder with `sketchrnn/<class>.npz`; default: the
            environment variable `STROKECAST_QUICKDRAW_URL`, or the official address if it is not set.
        cap: maximum number of drawings per class and split: an integer, or a mapping with `train`,
            `valid`, `test`; None: all (70,000 / 2,500 / 2,500 in the official files).
        name: start of the name; a hash is appended.

    Raises:
        UserError: if a class is unknown or has no file, the folder does not exist, or a cap is not a
            positive integer.
    """
    created = SketchRnnConfig(name=name, classes=classes, base_url=base_url, cap=cap)
    _CREATED[created.name] = created  # equal names prepare equal data; the latest has the current folder
    return created


def available_configs() -> dict[str, SketchRnnConfig]:
    """Configs by name: the default one first, then `all`, then those created by `config`.

    The default is everything in a local folder, or ten classes (110 MB) from the web.
    `default` and `all` are further names of the first two, whatever the environment variable is.
    """
    all_classes = SketchRnnConfig()
    if all_classes.folder() is not None:
        default = all_classes
    else:
        default = SketchRnnConfig(name="ten", classes=TEN_CLASSES)
    named = {default.name: default, all_classes.name: all_classes, "default": default, "all": all_classes}
    return {**named, **{name: created for name, created in _CREATED.items() if name not in named}}


_CREATED: dict[str, SketchRnnConfig] = {}


# ---------------------------------------------------------------- checks


def _local_folder(base_url: str) -> Path | None:
    base_folder = local.folder_of(base_url, f"{KEY}.base_url")
    if base_folder is None:
        return None
    subfolder = base_folder / quickdraw.FOLDER
    folder = subfolder if subfolder.is_dir() else base_folder
    if not folder.is_dir():
        raise UserError(
            f"no such folder {base_url!r}",
            location=f"{KEY}.base_url",
            allowed="an http(s) address, or a local folder with sketchrnn/<class>.npz",
        )
    return folder.absolute()


def _scan(folder: Path) -> ClassFolder:
    return ClassFolder.scan(folder, ".npz", quickdraw.CONSOLE_PREFIX)


def _select_classes(classes: str | Sequence[str], base_url: str) -> tuple[str, ...]:
    if isinstance(classes, str) and classes != "all":
        raise UserError(
            f"{classes!r} is not a list", location=f"{KEY}.classes", allowed="all, or a list of class names"
        )
    class_names.check(classes, KEY)
    folder = _local_folder(base_url)
    if folder is not None:
        selected = list(_scan(folder).select(classes, KEY))
    else:
        official = list(quickdraw.official_files())
        selected = official if classes == "all" else list(classes)
        unknown = [label for label in selected if label not in official]
        if unknown and base_url == quickdraw.OFFICIAL:
            raise class_names.unknown(unknown[0], official, KEY)
    for label in selected:
        if label != label.strip() or len(label.splitlines()) != 1:
            raise UserError(
                f"{label!r} is not a class name",
                location=f"{KEY}.classes",
                allowed="one line without surrounding spaces",
            )
    return tuple(selected)


def _to_cap(cap: int | Mapping[str, int | None] | Cap | None) -> Cap:
    if isinstance(cap, Cap):
        return cap
    values = dict(cap) if isinstance(cap, Mapping) else dict.fromkeys(("train", "valid", "test"), cap)
    try:
        return Cap.model_validate(values)
    except ValidationError:
        raise UserError(
            f"{cap!r} is not valid",
            location=f"{KEY}.cap",
            allowed="an integer of 1 or more, a mapping with train, valid, test, or None",
        ) from None


def _limits(cap: Any) -> dict[str, int | None]:
    limits: dict[str, int | None] = cap.model_dump()
    return limits


def _fingerprint(path: Path) -> list[Any]:
    """Identifies the contents of an npz without reading it: names, sizes and checksums of its arrays."""
    check_regular(path)
    info = path.stat()
    return _zip_directory(path, info.st_size, info.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _zip_directory(path: Path, size: int, mtime_ns: int) -> list[Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [[info.filename, info.file_size, info.CRC] for info in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ["damaged", size, mtime_ns]
