"""TFRecords → batches, parsed vectorised: the one parser of training, validation and evaluation.

Shapes: B examples per batch, T padded length of their bucket, W days of the past, H days of the horizon, C channels,
F features known of future days, D targets; for videos N frames of H x W pixels and M steps of the track.
TensorFlow is imported inside the functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.common.import_hiding import start_tensorflow
from strokecast.features.records.spec import ForecastSpec, WatchSpec

Parse = Callable[[Any], tuple[dict[str, Any], Any, Any]]


@dataclass(frozen=True)
class Group:
    """Records of one shape.

    Attributes:
        files: TFRecord paths, absolute or relative to the working directory.
        count: number of records in them.
        padded_length: steps per record including padding: T, W or N.
        parse: serialised records [B] → (network inputs, target, key). The key identifies a record: `id` bytes [B]
            for drawings, the day number of the origin int64 [B] for windows.
    """

    files: tuple[str, ...]
    count: int
    padded_length: int
    parse: Parse


def groups(folder: Path, spec: Mapping[str, Any], split: str, inputs: Collection[str] = ()) -> list[Group]:
    """The record groups of one split, shortest drawings first; opens no file.

    Args:
        folder: folder of the processed data.
        spec: its spec.json, of any task.
        split: "train", "valid" or "test".
        inputs: names of the network's inputs. `time` is parsed only if it is named. Of videos only the named
            inputs are parsed. For drawings to be generated, `label` is an input if it is named or if no input is.

    Raises:
        UserError: if the network reads `time` and the records do not have it.
    """
    return _GROUPS[spec["task"]](folder, spec, split, inputs)


def drawing_parser(padded_length: int, time: bool = False) -> Parse:
    """Parser for one bucket: inputs {"strokes": float32 [B, T, 3], "length": int32 [B]}, label int64 [B].

    With `time`, the inputs also hold {"time": float32 [B, T]}, see `strokes.time_feature`.
    """

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {
            "strokes": tf.io.FixedLenFeature([padded_length, 3], tf.float32),
            "length": tf.io.FixedLenFeature([], tf.int64),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "id": tf.io.FixedLenFeature([], tf.string),
        }
        if time:
            layout["time"] = tf.io.FixedLenFeature([padded_length], tf.float32)
        batch = tf.io.parse_example(serialised, layout)
        inputs = {"strokes": batch["strokes"], "length": tf.cast(batch["length"], tf.int32)}
        if time:
            inputs["time"] = batch["time"]
        return inputs, batch["label"], batch["id"]

    return parse


def video_parser(spec: WatchSpec, inputs: Collection[str]) -> Parse:
    """Parser for videos of drawings: the inputs named in `inputs`, label int64 [B].

    Possible inputs are {"frames": uint8 [B, N, H, W]}, {"track": float32 [B, M, 3]} (see `frames.render_videos`),
    {"motion": float32 [B, N, H, W]} (see `motion`) and {"length": int32 [B]}, the points per drawing.
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
        stored = {"label", "id", *inputs} | ({"frames"} if "motion" in inputs else set())
        batch = tf.io.parse_example(serialised, {name: layout[name] for name in sorted(stored - {"motion"})})
        features = dict(batch)
        if "frames" in stored:
            pixels = tf.io.decode_raw(batch["frames"], tf.uint8)
            features["frames"] = tf.reshape(pixels, [-1, *spec["features"]["frames"]])
        if "motion" in inputs:
            features["motion"] = motion(features["frames"])
        if "length" in inputs:
            features["length"] = tf.cast(batch["length"], tf.int32)
        return {name: features[name] for name in inputs}, batch["label"], batch["id"]

    return parse


def motion(frames: Any) -> Any:
    """Difference of each frame to the one before, as a share of full ink; the first is compared to an empty page.

    Args:
        frames: uint8 [B, N, H, W].

    Returns:
        float32 [B, N, H, W], -1 to 1.
    """
    import tensorflow as tf

    ink = tf.cast(frames, tf.float32)
    return (ink - tf.pad(ink[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0)))) / 255.0


def sequence_parser(padded_length: int, label: bool) -> Parse:
    """Parser for drawings to be generated: the inputs of `drawing_parser`, target of `stroke5_target`.

    With `label`, the inputs also hold {"label": int64 [B]}.
    """
    parse_drawings = drawing_parser(padded_length)

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        inputs, number, key = parse_drawings(serialised)
        return inputs | ({"label": number} if label else {}), stroke5_target(inputs), key

    return parse


def stroke5_target(inputs: Mapping[str, Any]) -> Any:
    """The drawings of a batch in stroke-5 format with their end token, float32 [B, T + 1, 5]."""
    from strokecast.models.layers.stroke5 import stroke5

    return stroke5(inputs["strokes"], inputs["length"])


def window_parser(spec: ForecastSpec) -> Parse:
    """Parser for windows: inputs {"past": float32 [B, W, C]}, target float32 [B, H, D], transformed and scaled.

    If the spec has future features, the inputs also hold {"future": float32 [B, H, F]}.
    """
    input_size, horizon = int(spec["input_size"]), int(spec["horizon"])
    shapes = {"past": [input_size, len(spec["channels"])], "target": [horizon, len(spec["targets"])]}
    if spec["future"]:
        shapes["future"] = [horizon, len(spec["future"])]

    def parse(serialised: Any) -> tuple[dict[str, Any], Any, Any]:
        import tensorflow as tf

        layout = {name: tf.io.FixedLenFeature(shape, tf.float32) for name, shape in shapes.items()}
        layout["origin"] = tf.io.FixedLenFeature([], tf.int64)
        batch = tf.io.parse_example(serialised, layout)
        return {name: batch[name] for name in shapes if name != "target"}, batch["target"], batch["origin"]

    return parse


def stepwise_targets(past: Any, target: Any) -> Any:
    """Targets of a sequence-to-sequence network, which forecasts at each step of the past.

    Args:
        past: float32 [B, W, C], the targets in its first D channels.
        target: float32 [B, H, D].

    Returns:
        float32 [B, W, H, D]: at step t the days t + 1 to t + H; at the last step `target`.
    """
    import tensorflow as tf

    input_size, (horizon, targets) = past.shape[1], target.shape[1:]
    values = tf.concat([past[:, :, :targets], target], axis=1)  # [B, W + H, D]
    days = tf.range(input_size)[:, None] + tf.range(1, horizon + 1)
    return tf.gather(values, days, axis=1)


def _drawing_groups(folder: Path, spec: Any, split: str, inputs: Collection[str]) -> list[Group]:
    time = "time" in inputs
    if time and not spec["time"]:
        raise UserError(
            "the network reads the time of each point, which the drawings do not have",
            location=str(folder / "spec.json"),
            fix="set sketches.source to quickdraw_raw, or train the network with time: false",
        )
    return _bucket_groups(folder, spec, split, lambda padded_length: drawing_parser(padded_length, time))


def _sequence_groups(folder: Path, spec: Any, split: str, inputs: Collection[str]) -> list[Group]:
    label = not inputs or "label" in inputs
    return _bucket_groups(folder, spec, split, lambda padded_length: sequence_parser(padded_length, label))


def _bucket_groups(folder: Path, spec: Any, split: str, make_parser: Callable[[int], Parse]) -> list[Group]:
    """One group per length bucket that has drawings."""
    bucket_groups = []
    for boundary, count in spec["counts"][split].items():
        stem = f"{split}/bucket-{int(boundary):04d}-"
        files = tuple(str(folder / name) for name in spec["files"][split] if name.startswith(stem))
        bucket_groups.append(Group(files, count, int(boundary), make_parser(int(boundary))))
    return bucket_groups


def _window_groups(folder: Path, spec: Any, split: str, inputs: Collection[str]) -> list[Group]:
    files = tuple(str(folder / name) for name in spec["files"][split])
    return [Group(files, spec["splits"][split]["windows"], spec["input_size"], window_parser(spec))]


def _video_groups(folder: Path, spec: Any, split: str, inputs: Collection[str]) -> list[Group]:
    files = tuple(str(folder / name) for name in spec["files"][split])
    return [Group(files, spec["counts"][split], spec["frames"], video_parser(spec, tuple(inputs)))]


_GROUPS: dict[str, Callable[[Path, Any, str, Collection[str]], list[Group]]] = {
    "classify": _drawing_groups,
    "watch": _video_groups,
    "draw": _sequence_groups,
    "forecast": _window_groups,
}


def batches(
    folder: Path, spec: Mapping[str, Any], split: str, batch_size: int, inputs: Collection[str] = ()
) -> Any:
    """One pass over a split in the order of its files: a tf.data.Dataset of (inputs, target, key).

    Args:
        folder: as for `groups`.
        spec: as for `groups`.
        split: as for `groups`.
        batch_size: records per batch, all from one group.
        inputs: as for `groups`.
    """
    start_tensorflow()
    import tensorflow as tf

    dataset = None
    for group in groups(folder, spec, split, inputs):
        records = tf.data.TFRecordDataset(list(group.files)).batch(batch_size)
        parsed = records.map(group.parse, num_parallel_calls=parallel_calls(), deterministic=True)
        dataset = parsed if dataset is None else dataset.concatenate(parsed)
    return without_autotune(dataset.prefetch(2)) if dataset is not None else None


def parallel_calls() -> int:
    """`num_parallel_calls` of `Dataset.map`: one per CPU, at most 8."""
    return min(os.cpu_count() or 1, 8)


def without_autotune(dataset: Any) -> Any:
    """`dataset` without tf.data's tuning thread, because ending a pass waits for that thread.

    The thread sleeps for twice as long each time, up to as long as the pass has lasted so far, and the end of a pass
    does not always wake it: training, and each pass over the validation split, took twice as long (TensorFlow 2.21;
    `model::Model::OptimizeLoop` under `RootDataset::Iterator::~Iterator`).
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
