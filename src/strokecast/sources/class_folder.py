"""The class files in a local folder: which file holds which class, under the names that users' files have.

A class is the name of its file without the suffix. Three more names are read:

* The web console of the dataset's bucket saves `full/simplified/bee.ndjson` as `full_simplified_bee.ndjson`. The prefix
  is removed.
* `<class>.full.npz` repeats a class. It is read only if there is no `<class>.npz`.
* macOS may store names in decomposed Unicode (NFD). Classes are in composed form (NFC).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strokecast.common import file_types
from strokecast.common.errors import UserError
from strokecast.sources import class_names

FULL = ".full"
_ARCHIVES = (".gz", ".xz", ".bz2", ".zst", ".zip", ".7z", ".rar", ".tar", ".tgz")
_INCOMPLETE = (".crdownload", ".part", ".download")  # what browsers call a download in progress
_SOURCES = {
    ".ndjson": "quickdraw_simplified or quickdraw_raw",
    ".npz": "npz_folder",
    ".bin": "quickdraw_binary",
    ".csv": "kaggle_csv",
}
_MAX_ENTRIES = 10_000  # of a folder that are looked at for a hint


@dataclass(frozen=True)
class ClassFolder:
    """The class files of one folder.

    Attributes:
        folder: the folder.
        suffix: of the class files.
        paths: class → its files, the one to read first; classes in alphabetical order.
    """

    folder: Path
    suffix: str
    paths: Mapping[str, Sequence[Path]]

    @classmethod
    def scan(cls, folder: Path, suffix: str, console_prefix: str = "") -> ClassFolder:
        """Find the class files of `folder`; a missing folder has none.

        Args:
            folder: the folder.
            suffix: of the class files.
            console_prefix: what the bucket's console puts before the name of the class.
        """
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        paths: dict[str, list[Path]] = {}
        full_paths: dict[str, list[Path]] = {}
        for name in names:
            if not name.endswith(suffix) or name.startswith("."):
                continue
            label = unicodedata.normalize("NFC", name.removesuffix(suffix)).removeprefix(console_prefix)
            is_full = suffix == ".npz" and label.endswith(FULL)
            target = full_paths if is_full else paths
            target.setdefault(label.removesuffix(FULL) if is_full else label, []).append(folder / name)
        return cls(folder, suffix, dict(sorted((full_paths | paths).items())))

    def select(self, classes: str | Sequence[str], key: str) -> dict[str, Path]:
        """The file of each selected class.

        Args:
            classes: `all`, or a list of class names.
            key: key path of the source's options, for error messages.

        Raises:
            UserError: as `class_names.select`, or if a class has two files.
        """
        if not self.paths:
            raise UserError(
                f"{self.folder} contains no <class>{self.suffix}", location=key, fix=self._describe_contents()
            )
        classes = class_names.normalize(classes)
        for label in () if classes == "all" else classes:
            self._refuse_archive(label)
        labels = class_names.select(classes, list(self.paths), self.folder, self.suffix, key)
        for label in labels:
            if len(self.paths[label]) > 1:
                raise UserError(
                    f"{' and '.join(repr(path.name) for path in self.paths[label])} both hold the class {label!r}",
                    location=str(self.folder),
                    fix="keep one of them",
                )
        return {label: self.paths[label][0] for label in labels}

    def describe_change(self, classes: str | Sequence[str], source: Mapping[str, object]) -> str | None:
        """One line if a class file was added or has another size than in `source.json`, else None."""
        sizes = source["files"]
        assert isinstance(sizes, Mapping)
        known = source["classes"]
        assert isinstance(known, Sequence)
        for label in known:
            paths, info = self.paths.get(label, ()), sizes.get(f"{label}{self.suffix}")
            if info and paths and paths[0].is_file() and paths[0].stat().st_size != info["bytes"]:
                return f"the size of {paths[0]} changed"
        if classes == "all" and (new := set(self.paths) - set(known)):
            return f"{self.folder} has a new file {self.paths[min(new)][0].name}"
        return None

    def passed_over(self) -> str:
        """Names the files that look like class files and are not read, as the end of a line; "" if there are none."""
        used = {path.name for paths in self.paths.values() for path in paths}
        names = [
            name
            for name in self._names()
            if (self.suffix in name and name.endswith(_ARCHIVES + _INCOMPLETE))
            or (name.endswith(f"{FULL}.npz") and name not in used and self.suffix == ".npz")
        ]
        return f"; passed over: {class_names.shorten(names)}" if names else ""

    def _names(self) -> list[str]:
        entries = self.folder.iterdir()
        names = [path.name for _, path in zip(range(_MAX_ENTRIES), entries, strict=False)]
        return sorted(name for name in names if not name.startswith("."))

    def _refuse_archive(self, label: str) -> None:
        """Raise an error if the only file of a class is compressed."""
        if label in self.paths:
            return
        for name in self._names():
            if name in {f"{label}{inner}{outer}" for inner in ("", self.suffix) for outer in _ARCHIVES}:
                raise UserError(
                    f"is not <class>{self.suffix}",
                    location=str(self.folder / name),
                    fix=f"{_describe(self.folder / name)}, so that {label}{self.suffix} is in the folder",
                )

    def _describe_contents(self) -> str:
        """What the folder holds instead of class files, and what to do."""
        names = self._names()
        for name in names:
            path = self.folder / name
            if path.suffix in _SOURCES and path.is_file():
                return f"it contains {name}; for such files set sketches.source: {_SOURCES[path.suffix]}"
            if path.is_file() and (description := _describe(path)):
                return f"it contains {name}: {description}"
        return f"it contains {class_names.shorten(names)}" if names else ""


def _describe(path: Path) -> str:
    """What an archive or a table is and what to do with it; "" if its type is not known."""
    if not path.is_file():
        return ""
    try:
        file_type = file_types.recognize(path)
    except OSError:
        return ""
    return f"it is {file_type.name}; {file_type.fix}" if file_type else ""
