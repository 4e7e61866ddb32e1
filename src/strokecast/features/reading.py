"""TFRecords → batches, parsed vectorised: the one parser of training, validation and evaluation.

Shapes: B examples of a batch, T the bound of their length bucket, W window, H horizon, C channels.
TensorFlow is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Parse = Callable[[Any], tuple[dict[str, Any], Any, Any]]


@dataclass(frozen=True)
class Group:
    """Records of one shape.

    Attributes:
        files: absolute or cwd-relative TFRecord paths.
        count: records in them.
        parse: serialised records [B] → (network inputs, target, key). The key tells the records
            apart: `id` bytes [B] for drawings, the origin's day number int64 [B] for windows.
    """

    files: tuple[str, ...]
    count: int
    parse: Parse


def groups(folder: Path, spec: Mapping[str, Any], split: str) -> list[Group]:
    """The groups of one split, shortest drawings first; opens no file."""
    return _GROUPS[spec["task"]](folder, spec, split)


def parse_drawings(bound: int) -> Parse:
    """Parser of one bucket: inputs {"strokes": float32 [B, T, 3], "length": int32 [B]}, label int64 [B]."""

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {
            "strokes": tf.io.FixedLenFeature([bound, 3], tf.float32),
            "length": tf.io.FixedLenFeature([], tf.int64),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "id": tf.io.FixedLenFeature([], tf.string),
        }
        batch = tf.io.parse_example(serialised, layout)
        inputs = {"strokes": batch["strokes"], "length": tf.cast(batch["length"], tf.int32)}
        return inputs, batch["label"], batch["id"]

    return parse


def parse_windows(window: int, horizon: int, channels: int) -> Parse:
    """Parser of windows: inputs {"past": float32 [B, W, C]}, target float32 [B, H], both scaled."""

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {
            "past": tf.io.FixedLenFeature([window, channels], tf.float32),
            "target": tf.io.FixedLenFeature([horizon], tf.float32),
            "origin": tf.io.FixedLenFeature([], tf.int64),
        }
        batch = tf.io.parse_example(serialised, layout)
        return {"past": batch["past"]}, batch["target"], batch["origin"]

    return parse


def _drawings(folder: Path, spec: Mapping[str, Any], split: str) -> list[Group]:
    found = []
    for bound, count in spec["counts"][split].items():
        stem = f"{split}/bucket-{int(bound):04d}-"
        names = [name for name in spec["files"][split] if name.startswith(stem)]
        found.append(Group(tuple(str(folder / name) for name in names), count, parse_drawings(int(bound))))
    return found


def _windows(folder: Path, spec: Mapping[str, Any], split: str) -> list[Group]:
    names = tuple(str(folder / name) for name in spec["files"][split])
    parse = parse_windows(spec["window"], spec["horizon"], len(spec["channels"]))
    return [Group(names, spec["splits"][split]["windows"], parse)]


_GROUPS: dict[str, Callable[[Path, Mapping[str, Any], str], list[Group]]] = {
    "classify": _drawings,
    "forecast": _windows,
}


def steps(parts: Sequence[Group], batch: int) -> int:
    """Batches of one pass; each group keeps its last, partial batch."""
    return sum(-(-part.count // batch) for part in parts)


def batches(folder: Path, spec: Mapping[str, Any], split: str, batch: int) -> Any:
    """One pass over a split in the order of its files: a tf.data.Dataset of (inputs, target, key)."""
    import tensorflow as tf

    whole = None
    for part in groups(folder, spec, split):
        records = tf.data.TFRecordDataset(list(part.files)).batch(batch)
        parsed = records.map(part.parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        whole = parsed if whole is None else whole.concatenate(parsed)
    return whole.prefetch(2) if whole is not None else None
