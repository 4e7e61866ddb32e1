"""Validated drawings → TFRecords padded by length bucket, for every task that reads drawings point by point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.features.records import writing
from strokecast.features.records.spec import SPLITS
from strokecast.features.runners.base import Runner
from strokecast.features.runners.chunks import EncodingPlan, EncodingTask, encode
from strokecast.features.sketches import strokes
from strokecast.features.sketches.dataset_stats import DatasetStats

_OVERHEAD = 100  # approximate bytes per record besides its strokes


def write(
    task: str,
    stats: DatasetStats,
    runner: Runner,
    processed: Path,
    boundaries: Sequence[int],
    megabytes: int,
    *,
    time: bool,
    extra: Mapping[str, Any] | None = None,
) -> Any:
    """Write `processed`: spec.json and one folder of TFRecords per split.

    Each record is a `tf.train.Example`: `strokes` float [boundary * 3] (zero-padded on the right), `length` int64
    (<= boundary), `label` int64 (position in `spec["classes"]`), `id` bytes; with `time` also `time` float [boundary]
    (see `strokes.time_feature`).

    Args:
        task: "classify" or "draw".
        stats: statistics of the drawings.
        runner: where chunks are encoded; does not change the result.
        processed: folder to write.
        boundaries: bucket boundaries in points, rising; drawings longer than the last are cropped.
        megabytes: maximum size of a file; a bucket with more records gets several files.
        time: whether records hold the time of each point.
        extra: further keys of the spec.

    Returns:
        The spec, of the type of `task`.
    """
    counts = {split: _bucket_counts(lengths, boundaries) for split, lengths in stats.lengths.items()}
    point_bytes = 4 * (strokes.CHANNELS + time)
    names = {
        split: _file_names(split, bucket_counts, point_bytes, megabytes)
        for split, bucket_counts in counts.items()
    }
    plan = EncodingPlan(stats.classes, stats.scale, time, tuple(boundaries), names)
    split_files = {
        split: [name for bucket_files in buckets.values() for name in bucket_files]
        for split, buckets in names.items()
    }
    with files.new_folder(processed) as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        all_files = [name for split in SPLITS for name in split_files[split]]
        runner.write(encode, _tasks(stats, plan), all_files, folder)
        spec = {
            "task": task,
            "classes": list(plan.classes),
            "features": {"strokes": [None, strokes.CHANNELS], **({"time": [None]} if time else {})},
            "dtype": "float32",
            "bucket_boundaries": list(boundaries),
            "scale": stats.scale,
            "time": time,
            "counts": {
                split: {str(boundary): count for boundary, count in bucket_counts.items()}
                for split, bucket_counts in counts.items()
            },
            "class_counts": stats.class_counts,
            "length": stats.length,
            "files": split_files,
            "digest": writing.digest(folder, [*split_files["train"], *split_files["valid"]], [stats.scale]),
            "source": stats.source,
            **(extra or {}),
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def _bucket_counts(lengths: Mapping[int, int], boundaries: Sequence[int]) -> dict[int, int]:
    """Boundary → number of drawings in its bucket, without empty buckets."""
    counts: Counter[int] = Counter()
    for length, count in lengths.items():
        counts[strokes.bucket_boundary(length, boundaries)] += count
    return {boundary: counts[boundary] for boundary in boundaries if counts[boundary]}


def _file_names(
    split: str, bucket_counts: Mapping[int, int], point_bytes: int, megabytes: int
) -> dict[int, list[str]]:
    """Boundary → the files of its bucket."""
    return {
        boundary: writing.shard_names(
            f"{split}/bucket-{boundary:04d}", count, boundary * point_bytes + _OVERHEAD, megabytes
        )
        for boundary, count in bucket_counts.items()
    }


def _tasks(stats: DatasetStats, plan: EncodingPlan) -> list[EncodingTask]:
    """Each chunk with the number of drawings per bucket in the chunks before it."""
    offsets: dict[str, Counter[int]] = {split: Counter() for split in SPLITS}
    tasks = []
    for chunk, chunk_stats in zip(stats.chunks, stats.chunk_stats, strict=True):
        split_offsets = offsets[chunk.split]
        tasks.append(
            EncodingTask(
                chunk, {boundary: split_offsets[boundary] for boundary in plan.bucket_boundaries}, plan
            )
        )
        split_offsets.update(_bucket_counts(dict(chunk_stats.lengths), plan.bucket_boundaries))  # type: ignore[arg-type]
    return tasks
