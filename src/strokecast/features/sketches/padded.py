"""Validated drawings → TFRecords, padded by length bucket: for every task that reads drawings point by point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.features.records import writing
from strokecast.features.records.spec import SPLITS
from strokecast.features.runners import chunks, local
from strokecast.features.sketches import strokes
from strokecast.features.sketches.dataset_stats import Survey

_OVERHEAD = 100  # bytes of a record beside its strokes, roughly


def write(
    task: str,
    seen: Survey,
    runner: local.Runner,
    processed: Path,
    bounds: Sequence[int],
    megabytes: int,
    *,
    time: bool,
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """Write `processed`: spec.json and a folder of TFRecords a split.

    Each record is a `tf.train.Example`: `strokes` float [bound * 3] (zero-padded on the right),
    `length` int64 (<= bound), `label` int64 (position in `spec["classes"]`), `id` bytes, and with `time`
    also `time` float [bound] (see `strokes.clock`).

    Args:
        task: for the spec.
        seen: the drawings.
        runner: where the units are worked on; the result does not depend on it.
        processed: folder to write.
        bounds: the length buckets; what is longer than the last is cropped.
        megabytes: a bucket's records are split into files of this size.
        time: whether the records hold it.
        told: what else the spec says.

    Returns:
        The spec.
    """
    counts = {split: _counts(found, bounds) for split, found in seen.lengths.items()}
    point = 4 * (strokes.CHANNELS + time)  # bytes
    names = {split: _names(split, found, point, megabytes) for split, found in counts.items()}
    plan = chunks.Plan(seen.classes, seen.scale, time, tuple(bounds), names)
    listed = {split: [name for group in found.values() for name in group] for split, found in names.items()}
    with files.new_folder(processed) as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        tasks = _tasks(seen.units, seen.looks, plan)
        runner.write(chunks.encode, tasks, [name for group in listed.values() for name in group], folder)
        spec = {
            "task": task,
            "classes": list(plan.classes),
            "features": {"strokes": [None, strokes.CHANNELS], **({"time": [None]} if time else {})},
            "dtype": "float32",
            "bounds": list(bounds),
            "scale": seen.scale,
            "time": time,
            "counts": {
                split: {str(bound): n for bound, n in found.items()} for split, found in counts.items()
            },
            "class_counts": seen.class_counts,
            "length": seen.length,
            "files": listed,
            "digest": writing.digest(folder, [*listed["train"], *listed["valid"]], [seen.scale]),
            "source": seen.source,
            **told,
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def _counts(lengths: Mapping[int, int], bounds: Sequence[int]) -> dict[int, int]:
    """Bound → drawings of its bucket, for those that have any."""
    found: Counter[int] = Counter()
    for length, count in lengths.items():
        found[strokes.bucket(length, bounds)] += count
    return {bound: found[bound] for bound in bounds if found[bound]}


def _names(split: str, counts: Mapping[int, int], point: int, megabytes: int) -> dict[int, list[str]]:
    """Bound → its files."""
    return {
        bound: writing.shard_names(f"{split}/bucket-{bound:04d}", count, bound * point + _OVERHEAD, megabytes)
        for bound, count in counts.items()
    }


def _tasks(
    units: Sequence[chunks.Unit], looks: Sequence[chunks.Look], plan: chunks.Plan
) -> list[chunks.Task]:
    """Each unit with the number of drawings before it."""
    before: dict[str, Counter[int]] = {split: Counter() for split in SPLITS}
    tasks = []
    for unit, look in zip(units, looks, strict=True):
        so_far = before[unit.split]
        tasks.append(chunks.Task(unit, {bound: so_far[bound] for bound in plan.bounds}, plan))
        so_far.update(_counts(dict(look.lengths), plan.bounds))  # type: ignore[arg-type]
    return tasks
