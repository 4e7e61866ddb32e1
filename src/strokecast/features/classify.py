"""Validated drawings → padded TFRecords, one file set a length bucket, streamed row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strokecast import files, stage
from strokecast.errors import UserError
from strokecast.features import records, strokes
from strokecast.features.scaling import stroke_scale
from strokecast.features.spec import SPLITS
from strokecast.params import ClassifyFeatures

_OVERHEAD = 100  # bytes of a record beside its strokes, roughly


def preprocess(validated: Path, processed: Path, settings: ClassifyFeatures) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder of TFRecords a split) from `validated`.

    Each record is a `tf.train.Example`: `strokes` float [bound * 3] (zero-padded on the right),
    `length` int64 (<= bound), `label` int64 (position in `spec["classes"]`), `id` bytes.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty, or holds a class that train lacks.
    """
    tables = {split: _open(validated / f"{split}.parquet") for split in SPLITS}
    classes = _classes(tables)
    scale = _fit_scale(tables["train"], validated / "train.parquet")
    report = files.read_json(validated / "report.json")
    with files.new_folder(processed) as folder:
        counts: dict[str, dict[str, int]] = {}
        names: dict[str, list[str]] = {}
        for split, table in tables.items():
            (folder / split).mkdir()
            counts[split], names[split] = _write_split(table, split, folder, classes, scale, settings)
        lengths = np.concatenate(list(_column(tables["train"], "length")))
        spec = {
            "task": "classify",
            "classes": classes,
            "features": {"strokes": [None, strokes.CHANNELS]},
            "dtype": "float32",
            "bounds": list(settings.bounds),
            "scale": scale,
            "counts": counts,
            "length": {"median": float(np.median(lengths)), "max": int(lengths.max())},
            "files": names,
            "digest": records.digest(folder, [*names["train"], *names["valid"]], [scale]),
            "source": report["source"],
        }
        files.write_json(folder / "spec.json", spec)
    return spec


def _open(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro validate@sketches`")
    table = pq.ParquetFile(path)
    if table.metadata.num_rows == 0:
        raise UserError(
            "no drawing was accepted for this split", where=str(path), fix="look into quarantine.parquet"
        )
    return table


def _column(table: pq.ParquetFile, name: str) -> Iterator[NDArray[Any]]:
    for batch in table.iter_batches(columns=[name]):
        yield batch.column(0).to_numpy(zero_copy_only=False)


def _classes(tables: dict[str, pq.ParquetFile]) -> list[str]:
    """The classes in the order in which they come in train, which is the source's order."""
    found = {
        split: list(dict.fromkeys(label for chunk in _column(table, "label") for label in chunk))
        for split, table in tables.items()
    }
    for split in ("valid", "test"):
        extra = [label for label in found[split] if label not in found["train"]]
        if extra:
            raise UserError(
                f"{split} holds drawings of {extra[0]!r}, train holds none",
                where="data/validated/sketches",
                fix="give every class training drawings, or leave the class out",
            )
    return found["train"]


def _fit_scale(train: pq.ParquetFile, path: Path) -> float:
    try:
        return stroke_scale(points for *_, points in _drawings(train))
    except ValueError as error:
        raise UserError(str(error), where=str(path)) from None


def _drawings(table: pq.ParquetFile) -> Iterator[tuple[str, str, NDArray[np.generic]]]:
    """(id, label, points [n, 3]) of every row, one row group in memory at a time."""
    for group in range(table.num_row_groups):
        rows = table.read_row_group(group, columns=["id", "label", "points"]).combine_chunks()
        points = rows["points"].combine_chunks()
        offsets = points.offsets.to_numpy()
        values = points.values.to_numpy(zero_copy_only=False)
        columns = zip(
            rows["id"].to_pylist(), rows["label"].to_pylist(), offsets[:-1], offsets[1:], strict=True
        )
        for name, label, start, end in columns:
            yield name, label, values[start:end].reshape(-1, strokes.CHANNELS)


def _write_split(
    table: pq.ParquetFile,
    split: str,
    folder: Path,
    classes: Sequence[str],
    scale: float,
    settings: ClassifyFeatures,
) -> tuple[dict[str, int], list[str]]:
    """The counts a bucket and the file names of one split; the shards of a bucket are filled in turn."""
    bounds = settings.bounds
    number = {label: index for index, label in enumerate(classes)}
    lengths = np.concatenate(list(_column(table, "length")))
    tally = np.bincount(strokes.buckets(lengths, bounds), minlength=len(bounds))
    counts = {str(bound): int(n) for bound, n in zip(bounds, tally, strict=True) if n}
    names: list[str] = []
    with ExitStack() as stack:
        shards: dict[int, list[records.RecordWriter]] = {}
        for bound in (int(key) for key in counts):
            size = bound * strokes.CHANNELS * 4 + _OVERHEAD
            stem = f"{split}/bucket-{bound:04d}"
            fresh = records.shard_names(stem, counts[str(bound)], size, settings.shard_megabytes)
            shards[bound] = [stack.enter_context(records.RecordWriter(folder / name)) for name in fresh]
            names.extend(fresh)
        written = dict.fromkeys(shards, 0)
        for name, label, points in stage.progress(_drawings(table), split, len(lengths), " drawings"):
            bound = strokes.bucket(len(points), bounds)
            padded, length = strokes.prepare(points, scale, bound)
            writer = shards[bound][written[bound] % len(shards[bound])]
            writer.write(
                records.example(
                    {"strokes": padded.ravel(), "length": length, "label": number[label], "id": name.encode()}
                )
            )
            written[bound] += 1
    return counts, names
