"""The order of training batches: a pure function of (seed, epoch), whatever ran before.

Every batch holds records of one group (one length bucket), so that hardly a step is padding.
Records are shuffled within their group, and the batches of all groups are shuffled among each
other. A batch is so many records, or as many as fit into so many padded steps. One tf.data pipeline
carries all epochs: nothing is traced or opened anew between two.
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

_BUFFER = 100_000  # records a shuffle holds at once; a larger group is also mixed by its shards
_SHARDS = 16  # files of a group read side by side


@dataclass(frozen=True)
class Feed:
    """Training batches.

    Attributes:
        dataset: tf.data.Dataset of (inputs, target, key), all epochs one after another.
        steps: batches an epoch; each group keeps its last, partial batch.
        examples: records an epoch.
    """

    dataset: Any
    steps: int
    examples: int


def feed(
    parts: Sequence[Group],
    batch: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    augment: Augment | None = None,
    tokens: int | None = None,
    first_step: int = 0,
    target_of: Callable[[Mapping[str, Any]], Any] | None = None,
    redraw: bool = False,
) -> Feed:
    """Shuffled batches of epochs `first_epoch` to `epochs` - 1 (counted from 0), each augmented on its own.

    Args:
        parts: the groups of the training split.
        batch: records a batch.
        seed: of the order and of the augmentation.
        epochs: where the feed ends.
        first_epoch: where it begins.
        augment: what each batch goes through, see `training.augment`.
        tokens: padded steps a batch at most, instead of `batch`; a batch has one record at least.
        first_step: batches of `first_epoch` that are left out, as they were trained on before.
        target_of: makes the targets anew of augmented inputs; None: augmentation leaves them as they are.
        redraw: an epoch draws as many records of a group as it holds, with replacement; all of them then lie in memory.
    """
    import tensorflow as tf

    sizes = [batch if tokens is None else max(1, tokens // part.bound) for part in parts]
    counts = [-(-part.count // size) for part, size in zip(parts, sizes, strict=True)]

    def one_epoch(epoch: Any) -> Any:
        # tf.data mixes a shuffle's own seed with its graph's: fixed here, for the order to
        # depend on nothing but (seed, epoch)
        tf.compat.v1.get_default_graph().seed = 1
        shuffled = [
            (_drawn if redraw else _shuffled)(part, size, _seed(seed, index), epoch)
            for index, (part, size) in enumerate(zip(parts, sizes, strict=True))
        ]
        turns = np.repeat(np.arange(len(parts), dtype=np.int64), counts)
        order = tf.random.experimental.stateless_shuffle(turns, seed=tf.stack([_seed(seed, -1), epoch]))
        choice = tf.data.Dataset.from_tensor_slices(order)
        batches = tf.data.Dataset.choose_from_datasets(shuffled, choice, stop_on_empty_dataset=False)
        skipped = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), tf.constant(0, tf.int64))
        if augment is None:
            return batches.skip(skipped)

        def changed(number: Any, batch: tuple[dict[str, Any], Any, Any]) -> tuple[dict[str, Any], Any, Any]:
            inputs, target, key = batch
            inputs = augment(inputs, target, tf.stack([_seed(seed, -2) + epoch, number * 1_000]))
            return inputs, target if target_of is None else target_of(inputs), key

        numbered = batches.enumerate().skip(skipped)  # a batch keeps its number, and so its augmentation
        return numbered.map(changed, num_parallel_calls=reading.side_by_side(), deterministic=True)

    dataset = tf.data.Dataset.range(first_epoch, epochs).flat_map(one_epoch).prefetch(4)
    return Feed(reading.untuned(dataset), sum(counts), sum(part.count for part in parts))


def _shuffled(part: Group, batch: int, seed: Any, epoch: Any) -> Any:
    import tensorflow as tf

    files = tf.constant(part.files)
    if len(part.files) == 1:
        records = tf.data.TFRecordDataset(files)
    else:
        files = tf.random.experimental.stateless_shuffle(files, seed=tf.stack([seed, epoch]))
        records = tf.data.Dataset.from_tensor_slices(files).interleave(
            tf.data.TFRecordDataset, cycle_length=min(_SHARDS, len(part.files))
        )
    records = records.shuffle(
        min(part.count, _BUFFER), seed=seed + epoch * 1_000_003, reshuffle_each_iteration=False
    )
    return records.batch(batch).map(part.parse, num_parallel_calls=1, deterministic=True)


def _drawn(part: Group, batch: int, seed: Any, epoch: Any) -> Any:
    import tensorflow as tf

    chosen = tf.random.stateless_uniform(
        [part.count], seed=tf.stack([seed, epoch]), maxval=part.count, dtype=tf.int64
    )
    whole = tf.data.TFRecordDataset(tf.constant(part.files)).batch(part.count)
    records = whole.flat_map(lambda held: tf.data.Dataset.from_tensor_slices(tf.gather(held, chosen)))
    return records.batch(batch).map(part.parse, num_parallel_calls=1, deterministic=True)


def _seed(seed: int, salt: int) -> Any:
    """A well-mixed int64 from the training's seed and a number that tells its uses apart."""
    import tensorflow as tf

    digest = hashlib.sha256(f"{seed}/{salt}".encode()).digest()
    return tf.constant(int.from_bytes(digest[:4], "little"), tf.int64)
