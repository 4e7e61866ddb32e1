"""Training batches, in an order that is a pure function of (seed, epoch).

Every batch holds records of one group (one length bucket), so that few steps are padding.
Records are shuffled within their group, and the batches of all groups are shuffled among each
other. The size of a batch is a number of records, or a number of padded steps. One tf.data pipeline
carries all epochs, so nothing is traced or opened again between two epochs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from strokecast.features.records import reading
from strokecast.features.records.reading import Group
from strokecast.training.augment import Augment

_SHUFFLE_BUFFER = 100_000  # records; larger groups are also shuffled by their files
_CYCLE_LENGTH = 16  # files of a group that are read in parallel


@dataclass(frozen=True)
class TrainBatches:
    """Training batches.

    Attributes:
        dataset: tf.data.Dataset of (inputs, target, key), all epochs one after another.
        steps: batches per epoch; each group keeps its last, partial batch.
        examples: records per epoch.
    """

    dataset: Any
    steps: int
    examples: int


def train_batches(
    groups: Sequence[Group],
    batch_size: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    augment: Augment | None = None,
    max_tokens: int | None = None,
    first_step: int = 0,
    target_of: Callable[[Mapping[str, Any]], Any] | None = None,
    with_replacement: bool = False,
    trim: bool = False,
) -> TrainBatches:
    """Shuffled, augmented batches of epochs `first_epoch` to `epochs` - 1, counted from 0.

    Args:
        groups: the groups of the training split.
        batch_size: records per batch.
        seed: seed of the order and of the augmentation.
        epochs: epoch before which the batches end.
        first_epoch: epoch with which they begin.
        augment: applied to each batch, see `training.augment`.
        max_tokens: upper limit of the padded steps per batch, replaces `batch_size`. A batch has at least
            one record.
        first_step: number of batches of `first_epoch` to skip, because a resumed training has seen them.
        target_of: computes the targets from augmented inputs; None: augmentation does not change them.
        with_replacement: an epoch samples as many records of a group as it holds, with replacement. All
            records then lie in memory.
        trim: cut the steps at the end that are padding in all drawings of a batch. Batches then have many
            lengths. With `target_of`, the targets are computed from the trimmed inputs.
    """
    import tensorflow as tf

    sizes = [
        batch_size if max_tokens is None else max(1, max_tokens // group.padded_length) for group in groups
    ]
    counts = [-(-group.count // size) for group, size in zip(groups, sizes, strict=True)]

    def one_epoch(epoch: Any) -> Any:
        # tf.data mixes a shuffle's own seed with its graph's seed. The latter is fixed here, so that
        # the order depends on (seed, epoch) alone.
        tf.compat.v1.get_default_graph().seed = 1
        shuffled = [
            (_sampled if with_replacement else _shuffled)(group, size, _seed(seed, index), epoch)
            for index, (group, size) in enumerate(zip(groups, sizes, strict=True))
        ]
        turns = np.repeat(np.arange(len(groups), dtype=np.int64), counts)
        order = tf.random.experimental.stateless_shuffle(turns, seed=tf.stack([_seed(seed, -1), epoch]))
        choice = tf.data.Dataset.from_tensor_slices(order)
        batches = tf.data.Dataset.choose_from_datasets(shuffled, choice, stop_on_empty_dataset=False)
        skipped = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), tf.constant(0, tf.int64))
        if augment is None and not trim:
            return batches.skip(skipped)

        def prepared(number: Any, batch: tuple[dict[str, Any], Any, Any]) -> tuple[dict[str, Any], Any, Any]:
            inputs, target, key = batch
            if augment is not None:
                inputs = augment(inputs, target, tf.stack([_seed(seed, -2) + epoch, number * 1_000]))
            if trim:
                inputs = trim_padding(inputs)
            return inputs, target if target_of is None else target_of(inputs), key

        numbered = batches.enumerate().skip(skipped)  # a batch keeps its number, and so its augmentation
        return numbered.map(prepared, num_parallel_calls=reading.parallel_calls(), deterministic=True)

    dataset = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch).prefetch(4)
    return TrainBatches(reading.without_autotune(dataset), sum(counts), sum(group.count for group in groups))


def trim_padding(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Cut the steps at the end that are padding in all drawings of a batch: T becomes the longest length.

    Args:
        inputs: if they hold `strokes` [B, T, 3], also `length` [B], and `time` [B, T] if the data has it. All others
            stay as they are.
    """
    import tensorflow as tf

    if "strokes" not in inputs:
        return dict(inputs)
    longest = tf.reduce_max(inputs["length"])
    return {
        name: value[:, :longest] if name in ("strokes", "time") else value for name, value in inputs.items()
    }


def _shuffled(group: Group, batch_size: int, seed: Any, epoch: Any) -> Any:
    import tensorflow as tf

    files = tf.constant(group.files)
    if len(group.files) == 1:
        records = tf.data.TFRecordDataset(files)
    else:
        files = tf.random.experimental.stateless_shuffle(files, seed=tf.stack([seed, epoch]))
        records = tf.data.Dataset.from_tensor_slices(files).interleave(
            tf.data.TFRecordDataset, cycle_length=min(_CYCLE_LENGTH, len(group.files))
        )
    records = records.shuffle(
        min(group.count, _SHUFFLE_BUFFER), seed=seed + epoch * 1_000_003, reshuffle_each_iteration=False
    )
    return records.batch(batch_size).map(group.parse, num_parallel_calls=1, deterministic=True)


def _sampled(group: Group, batch_size: int, seed: Any, epoch: Any) -> Any:
    import tensorflow as tf

    chosen = tf.random.stateless_uniform(
        [group.count], seed=tf.stack([seed, epoch]), maxval=group.count, dtype=tf.int64
    )
    all_records = tf.data.TFRecordDataset(tf.constant(group.files)).batch(group.count)
    records = all_records.flat_map(
        lambda values: tf.data.Dataset.from_tensor_slices(tf.gather(values, chosen))
    )
    return records.batch(batch_size).map(group.parse, num_parallel_calls=1, deterministic=True)


def _seed(seed: int, salt: int) -> Any:
    """A well-mixed int64 from the training's seed and a number that separates its uses."""
    import tensorflow as tf

    digest = hashlib.sha256(f"{seed}/{salt}".encode()).digest()
    return tf.constant(int.from_bytes(digest[:4], "little"), tf.int64)
