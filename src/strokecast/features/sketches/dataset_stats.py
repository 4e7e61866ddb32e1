"""Statistics of the validated drawings that every sketch task needs before it writes records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records import arrow
from strokecast.features.records.scaling import stroke_scale
from strokecast.features.records.spec import SPLITS
from strokecast.features.runners.base import Runner
from strokecast.features.runners.chunks import TIMES, ChunkStats, RowGroupChunk, split_into_chunks


@dataclass(frozen=True)
class DatasetStats:
    """Statistics of the drawings of all splits.

    Attributes:
        chunks: the chunks of all splits.
        chunk_stats: the statistics of each chunk.
        classes: the classes of train, in the source's order; in order of occurrence if the source names none.
        class_counts: class → number of training drawings.
        lengths: split → number of points → number of drawings.
        scale: standard deviation of dx and dy on train.
        time: whether every split has the time of each point.
        source: name of the raw data's source.
        left_out: split → number of drawings with more than `max_points` points.
    """

    chunks: Sequence[RowGroupChunk]
    chunk_stats: Sequence[ChunkStats]
    classes: tuple[str, ...]
    class_counts: dict[str, int]
    lengths: Mapping[str, Counter[int]]
    scale: float
    time: bool
    source: str
    left_out: dict[str, int]

    @property
    def length(self) -> dict[str, float]:
        """Median and maximum of the points per training drawing, as stored in spec.json."""
        return {"median": _median(self.lengths["train"]), "max": max(self.lengths["train"])}


def train_lengths(validated: Path) -> Counter[int]:
    """Number of points → number of training drawings; opens no other split.

    Args:
        validated: folder with one parquet file per split.

    Raises:
        UserError: if the training file is missing or empty.
    """
    path = _check_file(validated / "train.parquet")
    lengths = arrow.read_table(path, ["length"])["length"].combine_chunks()
    values, counts = np.unique(arrow.to_numpy(lengths, np.int32), return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))


def collect_stats(validated: Path, runner: Runner, max_points: int | None = None) -> DatasetStats:
    """Collect the statistics of all splits.

    Args:
        validated: folder with one parquet file per split and `report.json`.
        runner: where chunks are read.
        max_points: drawings with more points are left out; None: none are.

    Raises:
        UserError: if a split is missing, or empty after leaving out long drawings, or has a class that train lacks,
            or if no training drawing moves.
    """
    paths = {split: _check_file(validated / f"{split}.parquet") for split in SPLITS}
    report = files.read_json(validated / "report.json")
    chunks = list(split_into_chunks(paths, max_points))
    stats = runner.collect_stats(chunks)
    by_split = {
        split: [one for chunk, one in zip(chunks, stats, strict=True) if chunk.split == split]
        for split in SPLITS
    }
    lengths = {split: _count_lengths(split_stats) for split, split_stats in by_split.items()}
    for split, split_lengths in lengths.items():
        if not split_lengths:
            raise UserError(
                f"every drawing of {split} has more than {max_points} points",
                location="params.yaml: features.draw.bucket_boundaries",
                fix="raise the last boundary",
            )
    try:
        scale = stroke_scale(one.moments for one in by_split["train"])
    except ValueError as error:
        raise UserError(str(error), location=str(paths["train"])) from None
    classes = _classes(by_split, report)
    return DatasetStats(
        chunks=chunks,
        chunk_stats=stats,
        classes=classes,
        class_counts={name: sum(one.labels.get(name, 0) for one in by_split["train"]) for name in classes},
        lengths=lengths,
        scale=scale,
        time=all(TIMES in arrow.column_names(path) for path in paths.values()),
        source=report["source"],
        left_out={
            split: arrow.read_metadata(path).num_rows - sum(lengths[split].values())
            for split, path in paths.items()
        },
    )


def _check_file(path: Path) -> Path:
    if not path.is_file():
        raise UserError("no such file", location=str(path), fix="run `dvc repro validate@sketches`")
    if arrow.read_metadata(path).num_rows == 0:
        raise UserError(
            "no drawing was accepted for this split",
            location=str(path),
            fix="see quarantine.parquet for the reasons",
        )
    return path


def _classes(by_split: Mapping[str, Sequence[ChunkStats]], report: Mapping[str, Any]) -> tuple[str, ...]:
    labels = {
        split: list(dict.fromkeys(label for one in stats for label in one.labels))
        for split, stats in by_split.items()
    }
    for split in ("valid", "test"):
        unknown = [label for label in labels[split] if label not in labels["train"]]
        if unknown:
            raise UserError(
                f"{split} has drawings of {unknown[0]!r}, train has none",
                location="data/validated/sketches",
                fix="give every class training drawings, or leave the class out",
            )
    order = {label: index for index, label in enumerate(report.get("classes", ()))}
    return tuple(sorted(labels["train"], key=lambda label: order.get(label, len(order))))


def _count_lengths(stats: Sequence[ChunkStats]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for one in stats:
        counts.update(dict(one.lengths))  # type: ignore[arg-type]
    return counts


def _median(lengths: Mapping[int, int]) -> float:
    rising = sorted(lengths)
    cumulative = np.cumsum([lengths[length] for length in rising])
    middle = np.searchsorted(cumulative, [(cumulative[-1] - 1) // 2, cumulative[-1] // 2], side="right")
    return float(np.mean([rising[position] for position in middle]))
