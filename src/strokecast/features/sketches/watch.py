"""Validated drawings → TFRecords of videos of them being drawn, unit by unit (`features.shards`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records import writing
from strokecast.features.records.spec import SPLITS
from strokecast.features.runners import chunks, local
from strokecast.features.sketches import dataset_stats, frames
from strokecast.features.sketches.frames import Layout
from strokecast.params import Preprocess, WatchFeatures

_OVERHEAD = 120  # bytes of a record beside its frames and track, roughly
SLICE = 1_024  # drawings encoded together: with frames of 28 x 28, 12 MB


@dataclass(frozen=True)
class Plan:
    """What all units have in common: the classes in the order of their numbers, the layout, split → its files."""

    classes: tuple[str, ...]
    layout: Layout
    files: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Task:
    """A unit to encode, and how many drawings of its split the units before it hold."""

    unit: chunks.Unit
    before: int
    plan: Plan


def preprocess(
    validated: Path,
    processed: Path,
    settings: WatchFeatures,
    where: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder of TFRecords a split) from `validated`.

    Each record is a `tf.train.Example`: `frames` bytes (uint8 N * H * W), `track` float [N * steps_per_frame * 3]
    (see `frames.videos`), `length` int64 (points of the drawing), `label` int64 (position in
    `spec["classes"]`), `id` bytes.

    Args:
        validated: folder with a parquet file a split and `report.json`.
        processed: folder to write.
        settings: `features.watch` of params.yaml.
        where: `preprocess` of params.yaml; the result does not depend on it.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty, or holds a class that train lacks, or if frames go by time
            and the drawings hold none.
    """
    runner = local.get(where)
    seen = dataset_stats.survey(validated, runner)
    if settings.by == "time" and not seen.time:
        raise UserError(
            f"the drawings of {seen.source} hold no time",
            where="params.yaml: features.watch.by",
            allowed="ink; time with sketches.source: quickdraw_raw",
        )
    chosen = settings.model_dump(exclude={"shard_megabytes"})
    layout = Layout(**chosen, scale=seen.scale)
    size = layout.frames * layout.height * layout.width + 12 * layout.steps + _OVERHEAD
    counts = {split: sum(found.values()) for split, found in seen.lengths.items()}
    names = {
        split: writing.shard_names(f"{split}/videos", count, size, settings.shard_megabytes)
        for split, count in counts.items()
    }
    tasks = list(_tasks(seen, Plan(seen.classes, layout, names)))
    with files.new_folder(processed) as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        runner.write(encode, tasks, [name for found in names.values() for name in found], folder)
        spec = {
            "task": "watch",
            "classes": list(seen.classes),
            "features": {
                "frames": [layout.frames, layout.height, layout.width],
                "track": [layout.steps, 3],
            },
            **asdict(layout),
            "counts": counts,
            "class_counts": seen.class_counts,
            "length": seen.length,
            "files": names,
            "digest": writing.digest(folder, [*names["train"], *names["valid"]], [seen.scale]),
            "source": seen.source,
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def encode(task: Task) -> dict[str, bytes]:
    """TFRecord file → what the unit adds to it, in the order of its drawings."""
    plan = task.plan
    ids, labels, points, times, spans = chunks.read(task.unit, plan.classes, plan.layout.by == "time")
    videos, tracks = frames.videos(points, spans, plan.layout, times)
    framed = writing.examples(
        {
            "frames": [video.tobytes() for video in videos],
            "track": tracks,
            "length": spans[:, 1] - spans[:, 0],
            "label": labels,
            "id": ids,
        }
    )
    return chunks.dealt(framed, plan.files[task.unit.split], task.before)


def _tasks(seen: dataset_stats.Survey, plan: Plan) -> Iterator[Task]:
    """The units in parts of `SLICE` drawings, numbered anew."""
    before = dict.fromkeys(SPLITS, 0)
    index = 0
    for unit, look in zip(seen.units, seen.looks, strict=True):
        count = sum(number for _, number in look.lengths)
        for start in range(0, count, SLICE):
            rows = (start, min(start + SLICE, count))
            yield Task(replace(unit, index=index, rows=rows), before[unit.split], plan)
            before[unit.split] += rows[1] - rows[0]
            index += 1
