"""TFRecords → batches, parsed vectorised: the one parser of training, validation and evaluation.

Shapes: B examples of a batch, T the bound of their length bucket, W window, H horizon, C channels; of videos
N frames of H x W pixels and M steps of the track.
TensorFlow is imported inside the functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.common.stage import start_tensorflow

Parse = Callable[[Any], tuple[dict[str, Any], Any, Any]]


@dataclass(frozen=True)
class Group:
    """Records of one shape.

    Attributes:
        files: absolute or cwd-relative TFRecord paths.
        count: records in them.
        bound: steps of each record, padding included: T or W, or N.
        parse: serialised records [B] → (network inputs, target, key). The key tells the records
            apart: `id` bytes [B] for drawings, the origin's day number int64 [B] for windows.
    """

    files: tuple[str, ...]
    count: int
    bound: int
    parse: Parse


def groups(folder: Path, spec: Mapping[str, Any], split: str, inputs: Collection[str] = ()) -> list[Group]:
    """The groups of one split, shortest drawings first; opens no file.

    Args:
        folder: of the processed data.
        spec: its spec.json.
        split: "train", "valid" or "test".
        inputs: names of the network's inputs: `time` is given to those that read it, all else to all; of videos
            none but these are read, and the class of a drawing to be drawn is given where it is named, or
            where none is.

    Raises:
        UserError: if the network reads `time`, and the records hold none.
    """
    return _GROUPS[spec["task"]](folder, spec, split, inputs)


def parse_drawings(bound: int, time: bool = False) -> Parse:
    """Parser of one bucket: inputs {"strokes": float32 [B, T, 3], "length": int32 [B]}, label int64 [B].

    With `time`, the inputs also hold {"time": float32 [B, T]}, see `strokes.clock`.
    """

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {
            "strokes": tf.io.FixedLenFeature([bound, 3], tf.float32),
            "length": tf.io.FixedLenFeature([], tf.int64),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "id": tf.io.FixedLenFeature([], tf.string),
        }
        if time:
            layout["time"] = tf.io.FixedLenFeature([bound], tf.float32)
        batch = tf.io.parse_example(serialised, layout)
        inputs = {"strokes": batch["strokes"], "length": tf.cast(batch["length"], tf.int32)}
        if time:
            inputs["time"] = batch["time"]
        return inputs, batch["label"], batch["id"]

    return parse


def parse_videos(spec: Mapping[str, Any], names: Collection[str]) -> Parse:
    """Parser of videos of a drawing being drawn: the inputs in `names`, label int64 [B].

    Inputs are {"frames": uint8 [B, N, H, W]}, {"track": float32 [B, M, 3]} (see `frames.videos`),
    {"motion": float32 [B, N, H, W]} and {"length": int32 [B]}, the points of the drawings.
    """

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {
            "frames": tf.io.FixedLenFeature([], tf.string),
            "track": tf.io.FixedLenFeature(spec["features"]["track"], tf.float32),
            "length": tf.io.FixedLenFeature([], tf.int64),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "id": tf.io.FixedLenFeature([], tf.string),
        }
        needed = {"label", "id", *names} | ({"frames"} if "motion" in names else set())
        batch = tf.io.parse_example(serialised, {name: layout[name] for name in sorted(needed - {"motion"})})
        made = dict(batch)
        if "frames" in needed:
            pixels = tf.io.decode_raw(batch["frames"], tf.uint8)
            made["frames"] = tf.reshape(pixels, [-1, *spec["features"]["frames"]])
        if "motion" in names:
            made["motion"] = motion(made["frames"])
        if "length" in names:
            made["length"] = tf.cast(batch["length"], tf.int32)
        return {name: made[name] for name in names}, batch["label"], batch["id"]

    return parse


def motion(frames: Any) -> Any:
    """What each frame has that the one before had not (the first: than an empty page), in parts of full ink.

    Args:
        frames: uint8 [B, N, H, W].

    Returns:
        float32 [B, N, H, W], -1 to 1.
    """
    import tensorflow as tf

    ink = tf.cast(frames, tf.float32)
    return (ink - tf.pad(ink[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))) / 255.0


def parse_sequences(bound: int, label: bool) -> Parse:
    """Parser of drawings to be drawn: the inputs of `parse_drawings`, target float32 [B, T + 1, 5], see `drawn`.

    With `label`, the inputs also hold {"label": int64 [B]}.
    """
    drawings = parse_drawings(bound)

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        inputs, number, key = drawings(serialised)
        return inputs | ({"label": number} if label else {}), drawn(inputs), key

    return parse


def drawn(inputs: Mapping[str, Any]) -> Any:
    """What is to be drawn: the drawings themselves in stroke-5, with their end, float32 [B, T + 1, 5]."""
    from strokecast.models.layers.stroke5 import stroke5

    return stroke5(inputs["strokes"], inputs["length"])


def parse_windows(spec: Mapping[str, Any]) -> Parse:
    """Parser of windows: inputs {"past": float32 [B, W, C]}, target float32 [B, H, D], transformed and scaled.

    Where anything is known of the days to come, the inputs also hold {"future": float32 [B, H, F]}.
    """
    window, horizon = int(spec["window"]), int(spec["horizon"])
    shapes = {"past": [window, len(spec["channels"])], "target": [horizon, len(spec["targets"])]}
    if spec["future"]:
        shapes["future"] = [horizon, len(spec["future"])]

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {name: tf.io.FixedLenFeature(shape, tf.float32) for name, shape in shapes.items()}
        layout["origin"] = tf.io.FixedLenFeature([], tf.int64)
        batch = tf.io.parse_example(serialised, layout)
        return {name: batch[name] for name in shapes if name != "target"}, batch["target"], batch["origin"]

    return parse


def stepwise(past: Any, target: Any) -> Any:
    """What is to be forecast on each day of the window: the targets of a network from sequence to sequence.

    Args:
        past: float32 [B, W, C], the targets in its first D channels.
        target: float32 [B, H, D].

    Returns:
        float32 [B, W, H, D]: at step t the days t + 1 to t + H; at the last step `target`.
    """
    import tensorflow as tf

    window, (horizon, targets) = past.shape[1], target.shape[1:]
    values = tf.concat([past[:, :, :targets], target], axis=1)  # [B, W + H, D]
    days = tf.range(window)[:, None] + tf.range(1, horizon + 1)
    return tf.gather(values, days, axis=1)


def _drawings(folder: Path, spec: Mapping[str, Any], split: str, inputs: Collection[str]) -> list[Group]:
    time = "time" in inputs
    if time and not spec["time"]:
        raise UserError(
            "the drawings hold no time, and the network reads it",
            where=str(folder / "spec.json"),
            fix="set sketches.source to quickdraw_raw, or train the network with time: false",
        )
    return _buckets(folder, spec, split, lambda bound: parse_drawings(bound, time))


def _sequences(folder: Path, spec: Mapping[str, Any], split: str, inputs: Collection[str]) -> list[Group]:
    label = not inputs or "label" in inputs
    return _buckets(folder, spec, split, lambda bound: parse_sequences(bound, label))


def _buckets(folder: Path, spec: Mapping[str, Any], split: str, parse: Callable[[int], Parse]) -> list[Group]:
    """One group a length bucket, with the parser of its bound."""
    found = []
    for bound, count in spec["counts"][split].items():
        stem = f"{split}/bucket-{int(bound):04d}-"
        names = [name for name in spec["files"][split] if name.startswith(stem)]
        files = tuple(str(folder / name) for name in names)
        found.append(Group(files, count, int(bound), parse(int(bound))))
    return found


def _windows(folder: Path, spec: Mapping[str, Any], split: str, inputs: Collection[str]) -> list[Group]:
    names = tuple(str(folder / name) for name in spec["files"][split])
    return [Group(names, spec["splits"][split]["windows"], spec["window"], parse_windows(spec))]


def _videos(folder: Path, spec: Mapping[str, Any], split: str, inputs: Collection[str]) -> list[Group]:
    names = tuple(str(folder / name) for name in spec["files"][split])
    return [Group(names, spec["counts"][split], spec["frames"], parse_videos(spec, tuple(inputs)))]


_GROUPS: dict[str, Callable[[Path, Mapping[str, Any], str, Collection[str]], list[Group]]] = {
    "classify": _drawings,
    "watch": _videos,
    "draw": _sequences,
    "forecast": _windows,
}


def batches(
    folder: Path, spec: Mapping[str, Any], split: str, batch: int, inputs: Collection[str] = ()
) -> Any:
    """One pass over a split in the order of its files: a tf.data.Dataset of (inputs, target, key).

    Args: as for `groups`; `batch` is records a batch, each of one group.
    """
    start_tensorflow()
    import tensorflow as tf

    whole = None
    for part in groups(folder, spec, split, inputs):
        records = tf.data.TFRecordDataset(list(part.files)).batch(batch)
        parsed = records.map(part.parse, num_parallel_calls=side_by_side(), deterministic=True)
        whole = parsed if whole is None else whole.concatenate(parsed)
    return untuned(whole.prefetch(2)) if whole is not None else None


def side_by_side() -> int:
    """Batches that are parsed or augmented at a time."""
    return min(os.cpu_count() or 1, 8)


def untuned(dataset: Any) -> Any:
    """A tf.data.Dataset without the thread that tunes it: ending a pass waits for that thread.

    It sleeps for twice as long each time, as long as the pass has lasted already, and the end of a pass does not
    always wake it: a training, or a pass over the validation split, then took double its time
    (TensorFlow 2.21; `model::Model::OptimizeLoop` under `RootDataset::Iterator::~Iterator`).
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
