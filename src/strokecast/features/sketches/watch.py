"""Validated drawings → TFRecords of videos that show them being drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records import writing
from strokecast.features.records.spec import SPLITS, WatchSpec
from strokecast.features.runners.chunks import RowGroupChunk, read_drawings, round_robin
from strokecast.features.runners.select import make_runner
from strokecast.features.sketches import frames
from strokecast.features.sketches.dataset_stats import DatasetStats, collect_stats
from strokecast.features.sketches.frames import Layout
from strokecast.params import Preprocess, WatchFeatures

_OVERHEAD = 120  # approximate bytes per record besides its frames and track
SLICE = 1_024  # drawings per task; their frames of 28 x 28 pixels take 12 MB


@dataclass(frozen=True)
class VideoPlan:
    """What all tasks share: the classes in the order of their numbers, the layout, and split → TFRecord files."""

    classes: tuple[str, ...]
    layout: Layout
    files: Mapping[str, Sequence[str]]


class VideoTask(NamedTuple):
    """A chunk to encode.

    Attributes:
        chunk: the chunk.
        offset: number of drawings of its split in earlier chunks.
        plan: what all tasks share.
    """

    chunk: RowGroupChunk
    offset: int
    plan: VideoPlan


def preprocess(
    validated: Path,
    processed: Path,
    settings: WatchFeatures,
    runner_settings: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> WatchSpec:
    """Write `processed` (spec.json and one folder of TFRecords per split) from `validated`.

    Each record is a `tf.train.Example`: `frames` bytes (uint8 N * H * W), `track` float [N * steps_per_frame * 3]
    (see `frames.render_videos`), `length` int64 (points of the drawing), `label` int64 (position in
    `spec["classes"]`), `id` bytes.

    Args:
        validated: folder with one parquet file per split and `report.json`.
        processed: folder to write.
        settings: `features.watch` of params.yaml.
        runner_settings: `preprocess` of params.yaml; does not change the result.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty, or has a class that train lacks, or if frames divide the time and
            the drawings have none.
    """
    runner = make_runner(runner_settings)
    stats = collect_stats(validated, runner)
    if settings.by == "time" and not stats.time:
        raise UserError(
            f"the drawings of {stats.source} have no time",
            location="params.yaml: features.watch.by",
            allowed="ink; time with sketches.source: quickdraw_raw",
        )
    layout = Layout(**settings.model_dump(exclude={"shard_megabytes"}), scale=stats.scale)
    record_bytes = layout.frames * layout.height * layout.width + 12 * layout.steps + _OVERHEAD
    counts = {split: sum(lengths.values()) for split, lengths in stats.lengths.items()}
    names = {
        split: writing.shard_names(f"{split}/videos", count, record_bytes, settings.shard_megabytes)
        for split, count in counts.items()
    }
    tasks = list(_tasks(stats, VideoPlan(stats.classes, layout, names)))
    with files.new_folder(processed) as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        runner.write(encode, tasks, [name for split_files in names.values() for name in split_files], folder)
        spec: WatchSpec = {
            "task": "watch",
            "classes": list(stats.classes),
            "features": {
                "frames": [layout.frames, layout.height, layout.width],
                "track": [layout.steps, 3],
            },
            **asdict(layout),  # type: ignore[typeddict-item]
            "counts": counts,
            "class_counts": stats.class_counts,
            "length": stats.length,
            "files": names,
            "digest": writing.digest(folder, [*names["train"], *names["valid"]], [stats.scale]),
            "source": stats.source,
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def encode(task: VideoTask) -> dict[str, bytes]:
    """TFRecord file → the bytes that the chunk appends to it, in the order of its drawings."""
    plan = task.plan
    ids, labels, points, times, spans = read_drawings(task.chunk, plan.classes, plan.layout.by == "time")
    videos, tracks = frames.render_videos(points, spans, plan.layout, times)
    records = writing.serialize_examples(
        {
            "frames": [video.tobytes() for video in videos],
            "track": tracks,
            "length": spans[:, 1] - spans[:, 0],
            "label": labels,
            "id": ids,
        }
    )
    return round_robin(records, plan.files[task.chunk.split], task.offset)


def _tasks(stats: DatasetStats, plan: VideoPlan) -> Iterator[VideoTask]:
    """The chunks cut into slices of `SLICE` drawings, with new indices."""
    offsets = dict.fromkeys(SPLITS, 0)
    index = 0
    for chunk, chunk_stats in zip(stats.chunks, stats.chunk_stats, strict=True):
        count = sum(number for _, number in chunk_stats.lengths)
        for start in range(0, count, SLICE):
            rows = (start, min(start + SLICE, count))
            yield VideoTask(replace(chunk, index=index, rows=rows), offsets[chunk.split], plan)
            offsets[chunk.split] += rows[1] - rows[0]
            index += 1
