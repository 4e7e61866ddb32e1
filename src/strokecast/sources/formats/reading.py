"""The drawings in `data/raw/sketches/`, whatever format they came in, and what could not be used.

Memory holds the drawings of one class file or one shard, and 8 bytes of key_id for each drawing
of the class files before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.sources.formats import binary, ndjson, npz, simplify, tutorial
from strokecast.sources.formats.records import Drawing, RefusedError, Reject
from strokecast.sources.formats.splits import split_of
from strokecast.sources.formats.strokes3 import to_strokes3, to_times

SPLITS = npz.SPLITS
SUFFIX = {"raw": ".ndjson", "simplified": ".ndjson", "binary": ".bin"}
MANY = 1_000  # rejects; with more of them than nine in ten, a file is of another format


class Group(NamedTuple):
    """Drawings of one class and split, and what was set aside on the way to them.

    Attributes:
        label: the class.
        split: "train", "valid" or "test".
        drawings: [n_points, 3] = (dx, dy, pen_lift) each, n_points >= 0.
        ids: one name a drawing, unique over all groups: `<class>/<split>/<key_id>`, where there is
            none `<class>/<split>/<shard>:<record>`, for npz `<class>/<split>/<index>`.
        rejects: lines or records of the file that gave no drawing; each stands in one group of
            its file, whatever that group's class and split.
        times: int32 [n_points] for each drawing, ms since the pen first touched the paper (where
            npz drawings have their origin); None where the format has no time.
    """

    label: str
    split: str
    drawings: list[NDArray[Any]]
    ids: list[str]
    rejects: list[Reject]
    times: list[NDArray[np.int32]] | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What `source.json` says about how its files are read.

    Attributes:
        recognized_only: set drawings aside that the game did not recognise.
        drop_duplicates: set drawings aside whose key_id stood in an earlier line or file.
        valid_share, test_share: shares of the splits where the format has none of its own.
        cap: at most so many drawings a class and split, the first ones; no entry or None: all.
    """

    recognized_only: bool = False
    drop_duplicates: bool = True
    valid_share: float = 0.0
    test_share: float = 0.0
    cap: Mapping[str, int | None] = field(default_factory=dict)


class Keys:
    """The key_ids of the files before this one, sorted in one uint64 array."""

    def __init__(self) -> None:
        self._sorted = np.zeros(0, dtype=np.uint64)

    def __contains__(self, key: int) -> bool:
        place = int(np.searchsorted(self._sorted, np.uint64(key)))
        return place < len(self._sorted) and int(self._sorted[place]) == key

    def add(self, keys: Iterable[int]) -> None:
        """Take in the keys of one file."""
        new = np.fromiter(keys, dtype=np.uint64)
        self._sorted = np.sort(np.concatenate((self._sorted, new)), kind="stable")


def read(raw_folder: Path) -> Iterator[Group]:
    """Yield all drawings of a downloaded source, class by class (the tutorial: shard by shard).

    The same folder gives the same groups in the same order. Lines and records that were read are
    exactly the drawings, the rejects, and those beyond a cap; where every split of a class is
    full, its file is not read on.

    Raises:
        UserError: if `source.json` or a file is missing or damaged, or a file is of another format.
    """
    record = npz.read_source(raw_folder)
    form = record.get("format", "npz")
    options = options_of(record, raw_folder)
    labels = record["classes"]
    if not all(isinstance(label, str) and label.isprintable() and "/" not in label for label in labels):
        raise _damaged(raw_folder, "names classes that are none")
    if form == "npz":
        for label in labels:
            yield from _npz(raw_folder / f"{label}.npz", label, options)
    elif form == "tutorial":
        yield from _tutorial(raw_folder, labels, options)
    elif isinstance(form, str) and form in SUFFIX:
        keys = Keys()
        for label in labels:
            yield from read_file(raw_folder / f"{label}{SUFFIX[form]}", form, label, options, keys)
    else:
        raise _damaged(
            raw_folder, f"unknown format {ndjson.shown(form)}", ", ".join(("npz", "tutorial", *SUFFIX))
        )


def read_file(path: Path, form: str, label: str, options: Options, keys: Keys | None = None) -> list[Group]:
    """Read one class file: raw or simplified ndjson, or binary.

    Args:
        path: the file.
        form: "raw", "simplified" or "binary".
        label: the class that it holds.
        options: how to read it.
        keys: key_ids of earlier files; takes this one's in. None: this file stands alone, so that
            the result depends on nothing else.

    Returns:
        A group for each of train, valid and test, which may be empty; the rejects stand in the
        first.

    Raises:
        UserError: if the file is missing, damaged, or holds (nearly) no drawing of this form.
    """
    found = {split: Group(label, split, [], [], [], [] if form == "raw" else None) for split in SPLITS}
    rejects = found[SPLITS[0]].rejects
    seen: set[int] = set()
    usable = unusable = 0
    first: Reject | None = None
    for item in _items(path, form):
        if isinstance(item, Drawing):
            usable += 1
            try:
                _check_wanted(item, label, options, keys, seen)
                strokes = simplify.simplify(item.strokes) if form == "raw" else item.strokes
            except RefusedError as refused:
                rejects.append(_reject(path, form, item, refused))
                continue
            again = item.key_id in seen  # only where duplicates are kept
            seen.add(item.key_id)
            group = found[split_of(item.key_id, options.valid_share, options.test_share)]
            if _full(group, options):
                continue
            group.drawings.append(to_strokes3(strokes))
            if group.times is not None:
                group.times.append(to_times(strokes))
            suffix = f":{item.number}" if again or (keys is not None and item.key_id in keys) else ""
            group.ids.append(f"{label}/{group.split}/{item.key_id}{suffix}")
            if options.cap and all(_full(found[split], options) for split in _used(options)):
                break
        else:
            rejects.append(item)
            first = first or item
            unusable += 1
            if unusable >= MANY and unusable > 9 * usable:
                break
    _check_form(path, form, usable, unusable, first)
    if keys is not None:
        keys.add(seen)
    return list(found.values())


def options_of(record: Mapping[str, Any], raw_folder: Path) -> Options:
    """The options in `source.json`; npz sources keep their `cap` beside them.

    Raises:
        UserError: if they are none.
    """
    given = record.get("options") or {}
    cap = record.get("cap") or {}
    try:
        options = Options(**{"cap": cap, **given})
        shares = options.valid_share >= 0 and options.test_share >= 0
        if shares and options.valid_share + options.test_share < 1 and set(options.cap) <= set(SPLITS):
            return options
    except (TypeError, AttributeError):
        pass
    raise _damaged(raw_folder, "holds options that this version does not know")


def _damaged(raw_folder: Path, what: str, allowed: str = "") -> UserError:
    where = str(raw_folder / "source.json")
    return UserError(what, where=where, allowed=allowed, fix="run `dvc repro -f download@sketches`")


def _reject(path: Path, form: str, drawing: Drawing, refused: RefusedError) -> Reject:
    unit: Literal["line", "record"] = "record" if form == "binary" else "line"
    return Reject(path.name, unit, drawing.number, refused.kind, refused.detail, drawing.key_id)


def _items(path: Path, form: str) -> Iterator[Drawing | Reject]:
    if form == "binary":
        return binary.read(path)
    return ndjson.read(path, "raw" if form == "raw" else "simplified")


def _check_wanted(drawing: Drawing, label: str, options: Options, keys: Keys | None, seen: set[int]) -> None:
    if drawing.word and drawing.word != label:
        raise RefusedError("other_class", f"word is {ndjson.shown(drawing.word)}, not {label!r}")
    if options.recognized_only and not drawing.recognized:
        raise RefusedError("not_recognized", "the game did not recognise it (recognized_only)")
    if not options.drop_duplicates:
        return
    if drawing.key_id in seen:
        raise RefusedError("duplicate_key", f"key_id {drawing.key_id} stands further up in this file")
    if keys is not None and drawing.key_id in keys:
        raise RefusedError("duplicate_key", f"key_id {drawing.key_id} stands in an earlier file")


def _check_form(path: Path, form: str, usable: int, unusable: int, first: Reject | None) -> None:
    if not usable and not unusable:
        raise UserError("is empty", where=str(path), fix="run `dvc repro -f download@sketches`")
    if first is None or (usable and not (unusable >= MANY and unusable > 9 * usable)):
        return
    lines = "records" if form == "binary" else "lines"
    raise UserError(
        f"{usable:,} of its first {usable + unusable:,} {lines} are {form} drawings; "
        f"{first.unit} {first.number}: {first.detail}",
        where=str(path),
        fix=f"is this file {form}? fetch it again or choose another sketches.source",
    )


def _used(options: Options) -> list[str]:
    """The splits that drawings can fall into."""
    shares = {"valid": options.valid_share, "test": options.test_share}
    return [split for split in SPLITS if shares.get(split, 1.0) > 0]


def _full(group: Group, options: Options) -> bool:
    cap = options.cap.get(group.split)
    return cap is not None and len(group.drawings) >= cap


def _npz(path: Path, label: str, options: Options) -> Iterator[Group]:
    for split, drawings in npz.read_class(path).items():
        kept = drawings[: options.cap.get(split)]
        yield Group(label, split, kept, [f"{label}/{split}/{index}" for index in range(len(kept))], [])


def _tutorial(raw_folder: Path, labels: Sequence[str], options: Options) -> Iterator[Group]:
    names = tutorial.classes(raw_folder)
    counts: Counter[tuple[str, str]] = Counter()
    for its_set, paths in tutorial.shards(raw_folder).items():
        for path in paths:
            first = Group(names[0], "train" if its_set == "training" else "test", [], [], [])
            found = {(first.label, first.split): first}
            for item in tutorial.read(path, len(names)):
                if isinstance(item, Reject):
                    first.rejects.append(item)
                    continue
                label, split = names[item.class_index], "test"
                if its_set == "training":
                    split = split_of(item.points.tobytes(), options.valid_share, 0.0)
                cap = options.cap.get(split)
                if label not in labels or (cap is not None and counts[label, split] >= cap):
                    continue
                counts[label, split] += 1
                group = found.setdefault((label, split), Group(label, split, [], [], []))
                group.drawings.append(item.points)
                group.ids.append(f"{label}/{split}/{path.name}:{item.number}")
            yield from (found[key] for key in sorted(found) if found[key].drawings or found[key].rejects)
