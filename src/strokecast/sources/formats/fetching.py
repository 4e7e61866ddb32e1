"""Class files of the other official formats, from the web, a mirror or a local folder.

Files are `<base_url>/<folder>/<class><suffix>` and stay byte for byte as they are; how they are
read (splits, caps, what is left out) is recorded in `source.json` and applied by
`strokecast.sources.formats.reading`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.sources import local
from strokecast.sources.sketches import quickdraw

QUICKDRAW = {
    "attribution": "Quick, Draw! drawings by Google, https://github.com/googlecreativelab/quickdraw-dataset",
    "licence": "CC BY 4.0",
}


class ClassFiles(Protocol):
    """Options of a source of class files, as params.yaml holds them."""

    @property
    def base_url(self) -> str:
        """http(s) address or local folder laid out as the bucket; or the folder of the files itself."""

    @property
    def classes(self) -> str | Sequence[str]:
        """`all`, or a list."""

    @property
    def recognized_only(self) -> bool:
        """Set drawings aside that the game did not recognise."""

    @property
    def drop_duplicates(self) -> bool:
        """Set drawings aside whose key_id came before."""

    @property
    def valid_share(self) -> float:
        """Share of the drawings for validation."""

    @property
    def test_share(self) -> float:
        """Share of the drawings for test."""

    @property
    def cap(self) -> Any:
        """`train`, `valid`, `test`: at most so many drawings a class; None: all."""


@dataclass(frozen=True)
class Layout:
    """Where a format's class files lie.

    Attributes:
        source: name of the source, and of its section under `sketches` in params.yaml.
        form: "raw", "simplified" or "binary".
        folder: of the files, below the base address.
        suffix: of the files.
        check: raises `UserError` for a file that is not of the format.
    """

    source: str
    form: str
    folder: str
    suffix: str
    check: Callable[[Path], None]

    @property
    def key(self) -> str:
        """Key path of its options, for messages."""
        return f"params.yaml: sketches.{self.source}"

    def folder_in(self, at: Path) -> Path:
        """The folder of the files: `at` laid out as the bucket, or `at` itself."""
        return at / self.folder if (at / self.folder).is_dir() else at

    def classes_in(self, folder: Path) -> list[str]:
        """The classes that have a file in a folder."""
        paths = folder.glob(f"*{self.suffix}") if folder.is_dir() else []
        return sorted(p.name.removesuffix(self.suffix) for p in paths if not p.name.startswith("."))


def fetch(options: ClassFiles, folder: Path, layout: Layout) -> str:
    """Fetch the chosen classes into `folder`, with `source.json`; one line on what came out.

    Raises:
        UserError: if a class is unknown, a file is missing or of another format, the shares leave
            nothing to train on, or the address cannot be reached.
    """
    if options.valid_share + options.test_share >= 1:
        raise UserError(
            f"valid_share {options.valid_share:g} and test_share {options.test_share:g} leave no training data",
            where=layout.key,
            allowed="together below 1",
        )
    check_names(options.classes, layout.key)
    at = local_folder(options.base_url, layout.key)
    classes = _from_web(options, folder, layout) if at is None else _from_folder(options, at, folder, layout)
    record: dict[str, Any] = {
        "source": layout.source,
        "format": layout.form,
        "classes": classes,
        "files": {
            f"{label}{layout.suffix}": local.facts(folder / f"{label}{layout.suffix}") for label in classes
        },
        "options": {
            "recognized_only": options.recognized_only,
            "drop_duplicates": options.drop_duplicates,
            "valid_share": options.valid_share,
            "test_share": options.test_share,
            "cap": options.cap.model_dump(),
        },
        **QUICKDRAW,
    }
    files.write_json(folder / "source.json", record)
    return summary(layout.source, record)


def changed(options: ClassFiles, record: dict[str, Any], layout: Layout) -> str | None:
    """One line if the local folder no longer holds the files that `record` describes, else None.

    Compares names and sizes only. A web address, or a folder that is not there, is not looked at.
    """
    at = local_folder(options.base_url, layout.key)
    if at is None or not at.is_dir():
        return None
    folder = layout.folder_in(at)
    if found := resized(folder, record):
        return found
    if options.classes == "all" and (new := set(layout.classes_in(folder)) - set(record["classes"])):
        return f"{folder} got a new file {min(new)}{layout.suffix}"
    return None


def resized(folder: Path, record: dict[str, Any]) -> str | None:
    """One line if a file that `record` describes has another size in `folder`, else None."""
    for name, facts in record["files"].items():
        path = folder / name
        if path.is_file() and path.stat().st_size != facts["bytes"]:
            return f"{path} changed its size"
    return None


def summary(source: str, record: dict[str, Any]) -> str:
    """The one line that a download ends with."""
    total = sum(facts["bytes"] for facts in record["files"].values())
    return f"{source}: {len(record['classes'])} classes, {total / 1e6:.1f} MB"


def local_folder(base_url: str, key: str) -> Path | None:
    """The folder that `base_url` names, or None if it is an http(s) address."""
    try:
        return quickdraw.local_folder(base_url)
    except UserError as error:
        raise _at(error, f"{key}.base_url") from None


def check_names(classes: str | Sequence[str], key: str) -> None:
    """Refuse an empty list, a class named twice, and names that are no file names."""
    try:
        quickdraw._check_names(classes)
    except UserError as error:
        raise _at(error, f"{key}.classes") from None


def choose(
    classes: str | Sequence[str], present: Sequence[str], folder: Path, suffix: str, key: str
) -> list[str]:
    """The classes to take out of those that a local folder holds.

    Raises:
        UserError: if there is none, or a named one is not there; lists what is.
    """
    if not present:
        raise UserError(f"{folder} holds no <class>{suffix}", where=key)
    if classes == "all":
        return list(present)
    for label in classes:
        if label not in present:
            shown = ", ".join(present[:20]) + (f" and {len(present) - 20} more" if len(present) > 20 else "")
            raise UserError(
                f"no file {label}{suffix} in {folder}",
                where=f"{key}.classes",
                allowed=f"what is there: {shown}",
                fix=quickdraw._did_you_mean(label, list(present)),
            )
    return list(classes)


def _from_folder(options: ClassFiles, at: Path, folder: Path, layout: Layout) -> list[str]:
    from strokecast.common.stage import progress

    if not at.is_dir():
        raise UserError(
            f"no such folder {options.base_url!r}",
            where=f"{layout.key}.base_url",
            allowed=f"a folder with {layout.folder}/<class>{layout.suffix}, or with the files themselves",
        )
    source = layout.folder_in(at)
    key = layout.key
    classes = choose(options.classes, layout.classes_in(source), source, layout.suffix, key)
    for label in progress(classes, "copying", unit="class"):
        path = source / f"{label}{layout.suffix}"
        layout.check(path)
        shutil.copyfile(path, folder / path.name)
    return classes


def _from_web(options: ClassFiles, folder: Path, layout: Layout) -> list[str]:
    from strokecast.sources.http import downloads

    known = list(quickdraw.official_files())
    base = options.base_url.rstrip("/")
    classes = known if options.classes == "all" else list(options.classes)
    ways = (
        f"other ways: sketches.{layout.source}.base_url may name a mirror or a local folder "
        f"with {layout.folder}/<class>{layout.suffix}, or set sketches.source: doodles"
    )
    for label in classes:
        if base == quickdraw.OFFICIAL and label not in known:
            raise _at(quickdraw._unknown(label, quickdraw.official_files()), f"{layout.key}.classes")
    wanted = [
        downloads.Wanted(f"{base}/{layout.folder}/{quote(label)}{layout.suffix}", f"{label}{layout.suffix}")
        for label in classes
    ]
    try:
        whole = downloads.fetch(wanted, source=layout.source, other_ways=ways)
    except downloads.NotThereError as error:
        label = error.wanted.name.removesuffix(layout.suffix)
        hint = "" if label in known else quickdraw._did_you_mean(label, known)
        what = f"no such file {error.wanted.url} (HTTP {error.status})"
        raise UserError(what, where=layout.key, fix=hint or ways) from None
    for item, path in zip(wanted, whole, strict=True):
        try:
            layout.check(path)
        except UserError as error:
            downloads.forget(path)
            raise _at(error, item.url) from None
    downloads.put(whole, folder)
    return classes


def _at(error: UserError, where: str) -> UserError:
    return UserError(error.what, where=where, allowed=error.allowed, fix=error.fix)
