"""Validated drawings → padded TFRecords, one file set a length bucket, unit by unit (`features.shards`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from strokecast import files
from strokecast.errors import UserError
from strokecast.features import records, runners, shards, strokes
from strokecast.features.scaling import stroke_scale
from strokecast.features.spec import SPLITS
from strokecast.params import ClassifyFeatures, Preprocess

_OVERHEAD = 100  # bytes of a record beside its strokes, roughly


def preprocess(
    validated: Path,
    processed: Path,
    settings: ClassifyFeatures,
    where: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder of TFRecords a split) from `validated`.

    Each record is a `tf.train.Example`: `strokes` float [bound * 3] (zero-padded on the right),
    `length` int64 (<= bound), `label` int64 (position in `spec["classes"]`), `id` bytes, and where
    the validated drawings carry `times`, `time` float [bound] (see `strokes.clock`).

    Args:
        validated: folder with a parquet file a split and `report.json`.
        processed: folder to write.
        settings: `features.classify` of params.yaml.
        where: `preprocess` of params.yaml; the result does not depend on it.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty, or holds a class that train lacks.
    """
    runner = runners.get(where)
    paths = {split: _checked(validated / f"{split}.parquet") for split in SPLITS}
    report = files.read_json(validated / "report.json")
    units = list(shards.cut(paths))
    looks = runner.look(units)
    by_split = {
        split: [look for unit, look in zip(units, looks, strict=True) if unit.split == split]
        for split in SPLITS
    }
    lengths = {split: _lengths(found) for split, found in by_split.items()}
    counts = {split: _counts(found, settings.bounds) for split, found in lengths.items()}
    time = all(shards.TIMES in pq.read_schema(path).names for path in paths.values())
    point = 4 * (strokes.CHANNELS + time)  # bytes
    names = {split: _names(split, found, point, settings.shard_megabytes) for split, found in counts.items()}
    try:
        scale = stroke_scale(look.moments for look in by_split["train"])
    except ValueError as error:
        raise UserError(str(error), where=str(paths["train"])) from None
    plan = shards.Plan(_classes(by_split, report), scale, time, settings.bounds, names)
    listed = {split: [name for group in found.values() for name in group] for split, found in names.items()}
    with files.new_folder(processed) as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        tasks = _tasks(units, looks, plan)
        runner.write(tasks, [name for group in listed.values() for name in group], folder)
        spec = {
            "task": "classify",
            "classes": list(plan.classes),
            "features": {"strokes": [None, strokes.CHANNELS], **({"time": [None]} if time else {})},
            "dtype": "float32",
            "bounds": list(settings.bounds),
            "scale": scale,
            "time": time,
            "counts": {
                split: {str(bound): n for bound, n in found.items()} for split, found in counts.items()
            },
            "class_counts": _class_counts(plan.classes, by_split["train"]),
            "length": {"median": _median(lengths["train"]), "max": max(lengths["train"])},
            "files": listed,
            "digest": records.digest(folder, [*listed["train"], *listed["valid"]], [scale]),
            "source": report["source"],
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro validate@sketches`")
    if pq.read_metadata(path).num_rows == 0:
        raise UserError(
            "no drawing was accepted for this split", where=str(path), fix="look into quarantine.parquet"
        )
    return path


def _classes(looks: Mapping[str, Sequence[shards.Look]], report: Mapping[str, Any]) -> tuple[str, ...]:
    """The classes of train, in the source's order (in that of train where the report names none)."""
    found = {
        split: list(dict.fromkeys(label for look in own for label in look.labels))
        for split, own in looks.items()
    }
    for split in ("valid", "test"):
        extra = [label for label in found[split] if label not in found["train"]]
        if extra:
            raise UserError(
                f"{split} holds drawings of {extra[0]!r}, train holds none",
                where="data/validated/sketches",
                fix="give every class training drawings, or leave the class out",
            )
    order = {label: index for index, label in enumerate(report.get("classes", ()))}
    return tuple(sorted(found["train"], key=lambda label: order.get(label, len(order))))


def _class_counts(classes: Sequence[str], looks: Sequence[shards.Look]) -> dict[str, int]:
    """Class → its drawings."""
    return {name: sum(look.labels.get(name, 0) for look in looks) for name in classes}


def _lengths(looks: Sequence[shards.Look]) -> Counter[int]:
    """Number of points → drawings."""
    found: Counter[int] = Counter()
    for look in looks:
        found.update(dict(look.lengths))  # type: ignore[arg-type]
    return found


def _median(lengths: Mapping[int, int]) -> float:
    rising = sorted(lengths)
    upto = np.cumsum([lengths[length] for length in rising])
    middle = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return float(np.mean([rising[place] for place in middle]))


def _counts(lengths: Mapping[int, int], bounds: Sequence[int]) -> dict[int, int]:
    """Bound → drawings of its bucket, for those that have any."""
    found: Counter[int] = Counter()
    for length, count in lengths.items():
        found[strokes.bucket(length, bounds)] += count
    return {bound: found[bound] for bound in bounds if found[bound]}


def _names(split: str, counts: Mapping[int, int], point: int, megabytes: int) -> dict[int, list[str]]:
    """Bound → its files."""
    return {
        bound: records.shard_names(f"{split}/bucket-{bound:04d}", count, bound * point + _OVERHEAD, megabytes)
        for bound, count in counts.items()
    }


def _tasks(
    units: Sequence[shards.Unit], looks: Sequence[shards.Look], plan: shards.Plan
) -> list[shards.Task]:
    """Each unit with the number of drawings before it."""
    before: dict[str, Counter[int]] = {split: Counter() for split in SPLITS}
    tasks = []
    for unit, look in zip(units, looks, strict=True):
        so_far = before[unit.split]
        tasks.append(shards.Task(unit, {bound: so_far[bound] for bound in plan.bounds}, plan))
        so_far.update(_counts(dict(look.lengths), plan.bounds))  # type: ignore[arg-type]
    return tasks
