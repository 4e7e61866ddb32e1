"""The drawings in `data/raw/sketches/` in any of the formats, and the lines and records that were rejected.

Memory holds the drawings of one class file or shard, and 8 bytes (the key_id) per drawing of the
class files before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common import names
from strokecast.common.errors import UserError
from strokecast.sources.formats import binary, kaggle, ndjson, npz, simplify, source_json, tutorial
from strokecast.sources.formats.records import Drawing, Reject, RejectedError
from strokecast.sources.formats.splits import assign_split
from strokecast.sources.formats.strokes3 import to_strokes3, to_times

SPLITS = npz.SPLITS
SUFFIXES = {"raw": ".ndjson", "simplified": ".ndjson", "binary": ".bin"}
MIN_REJECTS = 1_000  # a file with at least so many rejects, over 90 % of its lines, has another format
_FIX = "run `dvc repro -f download@sketches`"


class Group(NamedTuple):
    """Drawings of one class and split, and the rejects found while reading them.

    Attributes:
        label: the class.
        split: "train", "valid" or "test".
        drawings: [n_points, 3] = (dx, dy, pen_lift) per drawing, n_points >= 0.
        ids: one id per drawing, unique over all groups: `<class>/<split>/<key_id>`; without key_ids
            `<class>/<split>/<shard>:<record>` or, for npz, `<class>/<split>/<index>`.
        rejects: lines or records of the file that are not usable drawings. Each is in one group of
            its file, regardless of that group's class and split.
        times: int32 [n_points] per drawing, ms since the pen first touched the paper (the origin of
            npz drawings); None if the format has no time.
    """

    label: str
    split: str
    drawings: list[NDArray[Any]]
    ids: list[str]
    rejects: list[Reject]
    times: list[NDArray[np.int32]] | None = None


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How the files of a source are read; recorded in `source.json`.

    Attributes:
        recognized_only: reject drawings that the game did not recognise.
        drop_duplicates: reject drawings with the key_id of an earlier line or file.
        valid_share, test_share: shares of the splits, for formats without official splits.
        cap: maximum number of drawings per class in each split (the first ones); None or a missing
            key: no limit.
    """

    recognized_only: bool = False
    drop_duplicates: bool = True
    valid_share: float = 0.0
    test_share: float = 0.0
    cap: Mapping[str, int | None] = field(default_factory=dict)


class SeenKeyIds:
    """The key_ids of earlier files, as one sorted uint64 array."""

    def __init__(self) -> None:
        self._sorted = np.zeros(0, dtype=np.uint64)

    def __contains__(self, key_id: int) -> bool:
        index = int(np.searchsorted(self._sorted, np.uint64(key_id)))
        return index < len(self._sorted) and int(self._sorted[index]) == key_id

    def add(self, key_ids: Iterable[int]) -> None:
        """Add the key_ids of one file."""
        new = np.fromiter(key_ids, dtype=np.uint64)
        self._sorted = np.sort(np.concatenate((self._sorted, new)), kind="stable")


def read(raw_folder: Path) -> Iterator[Group]:
    """Yield all drawings of a downloaded source, class by class (the tutorial: shard by shard).

    The same folder always gives the same groups in the same order. Every line or record that is
    read becomes a drawing or a reject, or exceeds a cap. Reading of a class file stops once every
    split of the class has reached its cap.

    Raises:
        UserError: if `source.json` or a file is missing or damaged, or a file has another format.
    """
    source = source_json.read(raw_folder, "sketches")
    source_json.check_sizes(raw_folder, source)
    file_format = source.get("format", "npz")
    options = read_options(source, raw_folder)
    labels = source["classes"]
    if not all(isinstance(label, str) and not names.problem(label) and "/" not in label for label in labels):
        raise _invalid_source(raw_folder, "contains invalid class names")
    if file_format == "npz":
        for label in labels:
            yield from _read_npz(raw_folder / f"{label}.npz", label, options)
    elif file_format == "tutorial":
        yield from _read_tutorial(raw_folder, labels, options)
    elif isinstance(file_format, str) and file_format in SUFFIXES:
        seen = SeenKeyIds()
        for label in labels:
            path = raw_folder / f"{label}{SUFFIXES[file_format]}"
            yield from read_file(path, file_format, label, options, seen)
    elif file_format == "kaggle":
        seen = SeenKeyIds()
        for name, words in _words(source, raw_folder).items():
            yield from _read_groups(raw_folder / name, file_format, words, options, seen)
    else:
        raise _invalid_source(
            raw_folder,
            f"unknown format {ndjson.format_value(file_format)}",
            ", ".join(("npz", "tutorial", "kaggle", *SUFFIXES)),
        )


def read_file(
    path: Path, file_format: str, label: str, options: ReadOptions, seen: SeenKeyIds | None = None
) -> list[Group]:
    """Read one class file: raw or simplified ndjson, or binary.

    Args:
        path: the file.
        file_format: "raw", "simplified" or "binary".
        label: the class of the file.
        options: splits, caps and filters.
        seen: key_ids of earlier files; those of this file are added. None: the result depends on
            this file only.

    Returns:
        One group, possibly empty, for each of train, valid and test. The first has all rejects.

    Raises:
        UserError: if the file is missing or damaged, or (almost) none of its lines is a drawing of
            this format.
    """
    return _read_groups(path, file_format, [label], options, seen)


def _read_groups(
    path: Path, file_format: str, labels: Sequence[str], options: ReadOptions, seen: SeenKeyIds | None
) -> list[Group]:
    """Read a file with the drawings of one class, or of several classes that its records name (`kaggle`).

    Drawings of other classes are rejected, or skipped in a file of several classes.
    """
    has_times = file_format == "raw"
    groups = {
        (label, split): Group(label, split, [], [], [], [] if has_times else None)
        for label in labels
        for split in SPLITS
    }
    rejects = groups[labels[0], SPLITS[0]].rejects
    used_groups = [groups[label, split] for label in labels for split in _used_splits(options)]
    file_keys: set[int] = set()
    n_drawings = n_rejects = 0
    first_reject: Reject | None = None
    for item in _read_items(path, file_format):
        if isinstance(item, Drawing):
            n_drawings += 1
            label = item.word if file_format == "kaggle" else labels[0]
            if label not in labels:
                continue
            try:
                _apply_filters(item, label, options, seen, file_keys)
                strokes = simplify.simplify(item.strokes) if has_times else item.strokes
            except RejectedError as error:
                rejects.append(_reject(path, file_format, item, error))
                continue
            is_duplicate = item.key_id in file_keys or (seen is not None and item.key_id in seen)
            file_keys.add(item.key_id)
            group = groups[label, assign_split(item.key_id, options.valid_share, options.test_share)]
            if _is_full(group, options):
                continue
            group.drawings.append(to_strokes3(strokes))
            if group.times is not None:
                group.times.append(to_times(strokes))
            suffix = f":{item.number}" if is_duplicate else ""  # only if duplicates are kept
            group.ids.append(f"{label}/{group.split}/{item.key_id}{suffix}")
            if options.cap and all(_is_full(used, options) for used in used_groups):
                break
        else:
            rejects.append(item)
            first_reject = first_reject or item
            n_rejects += 1
            if _is_other_format(n_drawings, n_rejects):
                break
    _check_format(path, file_format, n_drawings, n_rejects, first_reject)
    if seen is not None:
        seen.add(file_keys)
    return list(groups.values())


def read_options(source: Mapping[str, Any], raw_folder: Path) -> ReadOptions:
    """The options in `source.json`; npz sources have only a `cap`, outside of `options`.

    Raises:
        UserError: if they are not valid.
    """
    values = source.get("options") or {}
    cap = source.get("cap") or {}
    try:
        options = ReadOptions(**{"cap": cap, **values})
        valid_shares = options.valid_share >= 0 and options.test_share >= 0
        if valid_shares and options.valid_share + options.test_share < 1 and set(options.cap) <= set(SPLITS):
            return options
    except (TypeError, AttributeError):
        pass
    raise _invalid_source(raw_folder, "contains options that this version does not support")


def _invalid_source(raw_folder: Path, problem: str, allowed: str = "") -> UserError:
    return UserError(problem, location=str(raw_folder / source_json.FILE_NAME), allowed=allowed, fix=_FIX)


def _words(source: Mapping[str, Any], raw_folder: Path) -> dict[str, list[str]]:
    """The selected classes of each file of a `kaggle` source."""
    words = source.get("words")
    if (
        isinstance(words, dict)
        and words
        and all(
            Path(name).name == name
            and isinstance(labels, list)
            and labels
            and set(labels) <= set(source["classes"])
            for name, labels in words.items()
        )
    ):
        return words
    raise _invalid_source(raw_folder, "does not name the classes of each file")


def _reject(path: Path, file_format: str, drawing: Drawing, error: RejectedError) -> Reject:
    unit: Literal["line", "record"] = "record" if file_format == "binary" else "line"
    return Reject(path.name, unit, drawing.number, error.kind, error.detail, drawing.key_id)


def _read_items(path: Path, file_format: str) -> Iterator[Drawing | Reject]:
    if file_format == "binary":
        return binary.read(path)
    if file_format == "kaggle":
        return kaggle.read(path)
    return ndjson.read(path, "raw" if file_format == "raw" else "simplified")


def _apply_filters(
    drawing: Drawing, label: str, options: ReadOptions, seen: SeenKeyIds | None, file_keys: set[int]
) -> None:
    if drawing.word and drawing.word != label:
        raise RejectedError("other_class", f"word is {ndjson.format_value(drawing.word)}, not {label!r}")
    if options.recognized_only and not drawing.recognized:
        raise RejectedError("not_recognized", "the game did not recognise it (recognized_only)")
    if not options.drop_duplicates:
        return
    if drawing.key_id in file_keys:
        raise RejectedError("duplicate_key", f"an earlier drawing of this file has key_id {drawing.key_id}")
    if seen is not None and drawing.key_id in seen:
        raise RejectedError("duplicate_key", f"a drawing of an earlier file has key_id {drawing.key_id}")


def _is_other_format(n_drawings: int, n_rejects: int) -> bool:
    return n_rejects >= MIN_REJECTS and n_rejects > 9 * n_drawings


def _check_format(
    path: Path, file_format: str, n_drawings: int, n_rejects: int, first_reject: Reject | None
) -> None:
    if not n_drawings and not n_rejects:
        raise UserError("is empty", location=str(path), fix=_FIX)
    if first_reject is None or (n_drawings and not _is_other_format(n_drawings, n_rejects)):
        return
    unit = "records" if file_format == "binary" else "lines"
    raise UserError(
        f"{n_drawings:,} of the first {n_drawings + n_rejects:,} {unit} are {file_format} drawings; "
        f"{first_reject.unit} {first_reject.number}: {first_reject.detail}",
        location=str(path),
        fix=f"if this is not a {file_format} file, fetch it again or choose another sketches.source",
    )


def _used_splits(options: ReadOptions) -> list[str]:
    """The splits whose share is above 0."""
    shares = {"valid": options.valid_share, "test": options.test_share}
    return [split for split in SPLITS if shares.get(split, 1.0) > 0]


def _is_full(group: Group, options: ReadOptions) -> bool:
    cap = options.cap.get(group.split)
    return cap is not None and len(group.drawings) >= cap


def _read_npz(path: Path, label: str, options: ReadOptions) -> Iterator[Group]:
    for split, drawings in npz.read_class(path).items():
        capped = drawings[: options.cap.get(split)]
        yield Group(label, split, capped, [f"{label}/{split}/{index}" for index in range(len(capped))], [])


def _read_tutorial(raw_folder: Path, labels: Sequence[str], options: ReadOptions) -> Iterator[Group]:
    names = tutorial.read_classes(raw_folder)
    counts: Counter[tuple[str, str]] = Counter()
    for set_name, paths in tutorial.list_shards(raw_folder).items():
        for path in paths:
            first = Group(names[0], "train" if set_name == "training" else "test", [], [], [])
            groups = {(first.label, first.split): first}
            for item in tutorial.read(path, len(names)):
                if isinstance(item, Reject):
                    first.rejects.append(item)
                    continue
                label, split = names[item.class_index], "test"
                if set_name == "training":
                    split = assign_split(item.points.tobytes(), options.valid_share, 0.0)
                cap = options.cap.get(split)
                if label not in labels or (cap is not None and counts[label, split] >= cap):
                    continue
                counts[label, split] += 1
                group = groups.setdefault((label, split), Group(label, split, [], [], []))
                group.drawings.append(item.points)
                group.ids.append(f"{label}/{split}/{path.name}:{item.number}")
            yield from (groups[key] for key in sorted(groups) if groups[key].drawings or groups[key].rejects)
