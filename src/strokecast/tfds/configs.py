"""Configs of the `sketch_rnn` builder: which classes, from where, how many drawings.

TensorFlow Datasets finds prepared data by the config's name alone: the same name with other
classes would hand out the old drawings under the new labels. So every name ends in a hash of all
that decides what is prepared: the classes in their order, the caps, and where the files come from:
their sha256 (official files), their contents (a local folder) or their address (a mirror).
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
from strokecast.params import Cap
from strokecast.sources.formats import fetching
from strokecast.sources.sketches import quickdraw

BASE_VARIABLE = "STROKECAST_QUICKDRAW_URL"
KEY = "sketch_rnn"
TEN = ("airplane", "ant", "apple", "butterfly", "cactus", "crab", "duck", "face", "pig", "pineapple")
OTHER_WAYS = (
    f"other ways: {BASE_VARIABLE} or config(base_url=) may name a mirror or a local folder with "
    "sketchrnn/<class>.npz; strokecast's own drawings (sketches.source: doodles) need no download"
)
_LAYOUT = 1  # raise it when the same files would be prepared in another way
_LABEL = re.compile(r"[\w+.-]+")


@dataclasses.dataclass(eq=False)
class SketchRnnConfig(tfds.core.BuilderConfig):
    """What `sketch_rnn` prepares; `strokecast.tfds.config` makes one.

    Attributes:
        name: what the name begins with; `-<hash>` is appended.
        classes: the class names, in the order of their labels.
        base_url: http(s) address or local folder that holds `sketchrnn/<class>.npz`.
        cap: at most so many drawings a class and split, the first ones of each file.
    """

    name: str = ""
    classes: str | Sequence[str] = "all"
    base_url: str | None = None
    cap: int | Mapping[str, int | None] | Cap | None = None

    def __post_init__(self) -> None:
        self.base_url = (self.base_url or os.environ.get(BASE_VARIABLE) or quickdraw.OFFICIAL).rstrip("/")
        self.cap = _cap(self.cap)
        everything = self.classes == "all"
        self.classes = _classes(self.classes, self.base_url)
        label = self.name or ("all" if everything else f"{len(self.classes)}-classes")
        if not _LABEL.fullmatch(label):
            raise UserError(
                f"{label!r} will not do", where=f"{KEY}: name", allowed="letters, digits and _ + . -"
            )
        ending = f"-{self.digest()}"
        self.name = label if label.endswith(ending) else label + ending
        self.description = f"{len(self.classes)} classes of Quick, Draw! drawings"

    def folder(self) -> Path | None:
        """The local folder of the files, or None where they come from the web."""
        return _folder(str(self.base_url))

    def digest(self) -> str:
        """Hash of the classes, the caps and the source, as the source is now."""
        folder = self.folder()
        known = quickdraw.official_files() if self.base_url == quickdraw.OFFICIAL else {}
        source: Any = self.base_url
        if folder is not None:
            source = [_contents(folder / f"{label}.npz") for label in self.classes]
        elif known:
            source = [known[label]["sha256"] for label in self.classes]
        told = [_LAYOUT, list(self.classes), _limits(self.cap), source]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:10]

    def limit(self, split: str) -> int | None:
        """At most so many drawings a class of `train`, `valid` or `test`; None: all."""
        return _limits(self.cap)[split]


def config(
    classes: str | Sequence[str] = "all",
    base_url: str | None = None,
    cap: int | Mapping[str, int | None] | Cap | None = None,
    name: str = "",
) -> SketchRnnConfig:
    """A config for a chosen list of classes, for `tfds.load(..., builder_kwargs={"config": ...})`.

    In this process, and wherever its data was prepared, `tfds.builder(f"sketch_rnn/{it.name}")`
    finds it by its name too.

    Args:
        classes: `all` (of a local folder: every file; else the 345 official classes), or a list;
            its order is the order of the labels.
        base_url: http(s) address or local folder that holds `sketchrnn/<class>.npz`; None: what
            the environment variable `STROKECAST_QUICKDRAW_URL` says, else the official address.
        cap: at most so many drawings a class and split: a number, or a mapping with `train`,
            `valid`, `test`; None: all (officially 70,000 / 2,500 / 2,500).
        name: what the name begins with; a hash is appended.

    Raises:
        UserError: if a class is unknown or has no file, the folder is not there, or a cap is no
            positive whole number.
    """
    made = SketchRnnConfig(name=name, classes=classes, base_url=base_url, cap=cap)
    _MADE[made.name] = made  # two of one name prepare the same; the latest tells where the files lie now
    return made


def known_configs() -> dict[str, SketchRnnConfig]:
    """Configs by their names: what a bare `sketch_rnn` means first, `all`, and what `config` made.

    A bare `sketch_rnn` is all that a local folder holds, or ten classes (110 MB) from the web.
    The first two answer to `default` and `all` also, whatever the environment makes of them.
    """
    everything = SketchRnnConfig()
    default = everything if everything.folder() is not None else SketchRnnConfig(name="ten", classes=TEN)
    names = {default.name: default, everything.name: everything, "default": default, "all": everything}
    return {**names, **{name: made for name, made in _MADE.items() if name not in names}}


_MADE: dict[str, SketchRnnConfig] = {}


# ---------------------------------------------------------------- checks


def _folder(base_url: str) -> Path | None:
    at = fetching.local_folder(base_url, KEY)
    if at is None:
        return None
    inner = at / "sketchrnn"
    folder = inner if inner.is_dir() else at
    if not folder.is_dir():
        raise UserError(
            f"no such folder {base_url!r}",
            where=f"{KEY}.base_url",
            allowed="an http(s) address, or a local folder with sketchrnn/<class>.npz",
        )
    return folder.absolute()


def _classes(classes: str | Sequence[str], base_url: str) -> tuple[str, ...]:
    if isinstance(classes, str) and classes != "all":
        raise UserError(
            f"{classes!r} is no list", where=f"{KEY}.classes", allowed="all, or a list of class names"
        )
    fetching.check_names(classes, KEY)
    folder = _folder(base_url)
    if folder is not None:
        present = sorted(p.stem for p in folder.glob("*.npz") if not p.stem.endswith(".full"))
        chosen = fetching.choose(classes, present, folder, ".npz", KEY)
    else:
        official = list(quickdraw.official_files())
        chosen = official if classes == "all" else list(classes)
        if base_url == quickdraw.OFFICIAL:
            fetching.choose(chosen, official, Path("the official bucket"), ".npz", KEY)
    for label in chosen:
        if label != label.strip() or len(label.splitlines()) != 1:
            raise UserError(
                f"{label!r} is no class name", where=f"{KEY}.classes", allowed="one line, trimmed"
            )
    return tuple(chosen)


def _cap(cap: int | Mapping[str, int | None] | Cap | None) -> Cap:
    if isinstance(cap, Cap):
        return cap
    values = dict.fromkeys(("train", "valid", "test"), cap) if not isinstance(cap, Mapping) else dict(cap)
    try:
        return Cap.model_validate(values)
    except ValidationError:
        raise UserError(
            f"{cap!r} will not do",
            where=f"{KEY}.cap",
            allowed="a whole number of 1 or more, a mapping with train, valid, test, or None",
        ) from None


def _limits(cap: Any) -> dict[str, int | None]:
    limits: dict[str, int | None] = cap.model_dump()
    return limits


def _contents(path: Path) -> list[Any]:
    """What tells the contents of an npz: names, sizes and checksums of its arrays."""
    try:
        state = path.stat()
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    return _directory(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _directory(path: Path, size: int, changed: int) -> list[Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [[info.filename, info.file_size, info.CRC] for info in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ["damaged", size, changed]
