"""Google's Quick, Draw! drawings in Sketch-RNN form, from the web, a mirror or a local folder.

Files are `<base_url>/sketchrnn/<class>.npz` and stay byte for byte as they are; a cap is recorded
in `source.json` and applied by whoever reads the drawings. Files from the official address are
checked against the sizes and sha256 digests of `data/sketchrnn_files.tsv`.
Source: https://github.com/googlecreativelab/quickdraw-dataset (CC BY 4.0).
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import QuickDraw
from strokecast.sources import local
from strokecast.sources.local import FileFacts

OFFICIAL = "https://storage.googleapis.com/quickdraw_dataset"
KEY = "params.yaml: sketches.quickdraw"
CLASSES_KEY = f"{KEY}.classes"
BASE_KEY = f"{KEY}.base_url"
OTHER_WAYS = (
    "other ways: sketches.quickdraw.base_url may name a mirror or a local folder with sketchrnn/<class>.npz, "
    "or set sketches.source: doodles"
)


def official_files() -> dict[str, FileFacts]:
    """Size and sha256 of the official file of each of the 345 classes, in alphabetical order."""
    text = (resources.files("strokecast.sources") / "data" / "sketchrnn_files.tsv").read_text(
        encoding="utf-8"
    )
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {name: {"bytes": int(size), "sha256": digest} for name, size, digest in rows}


def fetch(options: QuickDraw, folder: Path) -> str:
    """Fetch the chosen classes into `folder`, with `source.json`; one line on what came out.

    Raises:
        UserError: if a class is unknown, a file is missing, damaged or not the official one, or
            the address cannot be reached.
    """
    _check_names(options.classes)
    at = local_folder(options.base_url)
    classes = _from_web(options, folder) if at is None else _from_folder(options, at, folder)
    record: dict[str, Any] = {
        "source": "quickdraw",
        "classes": classes,
        "files": {f"{label}.npz": local.facts(folder / f"{label}.npz") for label in classes},
        "cap": options.cap.model_dump(),
        "attribution": "Quick, Draw! drawings by Google, https://github.com/googlecreativelab/quickdraw-dataset",
        "licence": "CC BY 4.0",
    }
    files.write_json(folder / "source.json", record)
    total = sum(facts["bytes"] for facts in record["files"].values())
    return f"quickdraw: {len(classes)} classes, {total / 1e6:.1f} MB"


def changed(options: QuickDraw, record: dict[str, Any]) -> str | None:
    """One line if the local folder no longer holds the files that `record` describes, else None.

    Compares names and sizes only. A web address, or a folder that is not there, is not looked at.
    """
    at = local_folder(options.base_url)
    if at is None or not (at / "sketchrnn").is_dir():
        return None
    for name, facts in record["files"].items():
        path = at / "sketchrnn" / name
        if path.is_file() and path.stat().st_size != facts["bytes"]:
            return f"{path} changed its size"
    if options.classes == "all" and (new := set(_classes_in(at)) - set(record["classes"])):
        return f"{at / 'sketchrnn'} got a new file {min(new)}.npz"
    return None


def local_folder(base_url: str) -> Path | None:
    """The folder that `base_url` names, or None if it is an http(s) address.

    Raises:
        UserError: if it has a scheme other than http, https or file.
    """
    parts = urlsplit(base_url)
    scheme = parts.scheme if "://" in base_url else ""
    if scheme in ("http", "https"):
        return None
    if scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(url2pathname(parts.path))
    if scheme:
        raise UserError(
            f"{base_url!r} will not do",
            where=BASE_KEY,
            allowed="an http(s) address, file:///..., or a local folder",
        )
    return local.resolve(base_url)


# ---------------------------------------------------------------- a local folder


def _classes_in(at: Path) -> list[str]:
    """Classes with an npz in the folder; the official `<class>.full.npz` repeat a class and are left out."""
    return sorted(p.stem for p in (at / "sketchrnn").glob("*.npz") if not p.name.endswith(".full.npz"))


def _from_folder(options: QuickDraw, at: Path, folder: Path) -> list[str]:
    from strokecast.common.stage import progress
    from strokecast.sources.formats import npz

    if not (at / "sketchrnn").is_dir():
        raise UserError(
            f"{options.base_url!r} has no folder sketchrnn",
            where=BASE_KEY,
            allowed="a folder with sketchrnn/<class>.npz",
        )
    present = _classes_in(at)
    if not present:
        raise UserError(f"{options.base_url!r} holds no sketchrnn/<class>.npz", where=BASE_KEY)
    classes = present if options.classes == "all" else list(options.classes)
    for label in classes:
        if label not in present:
            shown = ", ".join(present[:20]) + (f" and {len(present) - 20} more" if len(present) > 20 else "")
            raise UserError(
                f"no file {label}.npz in {at / 'sketchrnn'}",
                where=CLASSES_KEY,
                allowed=f"what is there: {shown}",
                fix=_did_you_mean(label, present),
            )
    for label in progress(classes, "copying", unit="class"):
        path = at / "sketchrnn" / f"{label}.npz"
        npz.check_class(path)
        shutil.copyfile(path, folder / path.name)
    return classes


# ---------------------------------------------------------------- http(s)


def _from_web(options: QuickDraw, folder: Path) -> list[str]:
    from strokecast.sources.formats import npz
    from strokecast.sources.http import downloads

    known = official_files()
    base = options.base_url.rstrip("/")
    official = base == OFFICIAL
    classes = list(known) if options.classes == "all" else list(options.classes)
    for label in classes:
        if official and label not in known:
            raise _unknown(label, known)
    wanted = [
        downloads.Wanted(
            f"{base}/sketchrnn/{quote(label)}.npz", f"{label}.npz", known[label] if official else None
        )
        for label in classes
    ]
    try:
        found = downloads.fetch(wanted, source="quickdraw", other_ways=OTHER_WAYS)
    except downloads.NotThereError as error:
        url, label = error.wanted.url, error.wanted.name.removesuffix(".npz")
        if label not in known:
            raise _unknown(label, known, f" at {url} (HTTP {error.status})") from None
        raise UserError(f"no such file {url} (HTTP {error.status})", where=BASE_KEY, fix=OTHER_WAYS) from None
    for item, path in zip(wanted, found, strict=True):
        if item.known is None:  # else its sha256 was checked
            try:
                npz.check_class(path)
            except UserError as error:
                downloads.forget(path)
                raise UserError(error.what, where=item.url, allowed=error.allowed, fix=error.fix) from None
    downloads.put(found, folder)
    return classes


# ---------------------------------------------------------------- names


def _check_names(classes: str | Sequence[str]) -> None:
    if classes == "all":
        return
    if not classes:
        raise UserError("the list is empty", where=CLASSES_KEY, allowed="all, or a list of classes")
    for label in classes:
        if classes.count(label) > 1:
            raise UserError(f"{label!r} stands there twice", where=CLASSES_KEY)
        if not label or label.startswith(".") or any(sign in label for sign in "/\\\0"):
            raise UserError(f"{label!r} is no class name", where=CLASSES_KEY)


def _unknown(label: str, known: dict[str, FileFacts], where_not: str = "") -> UserError:
    return UserError(
        f"unknown class {label!r}{where_not}",
        where=CLASSES_KEY,
        allowed="the 345 Quick, Draw! classes",
        fix=_did_you_mean(label, list(known)),
    )


def _did_you_mean(label: str, names: list[str]) -> str:
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(label.casefold(), list(folded), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(repr(folded[name]) for name in close)}?" if close else ""
