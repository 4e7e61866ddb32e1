"""The order of batches is a pure function of (seed, epoch)."""

from pathlib import Path

import numpy as np
import pytest

from strokecast.features.records import reading, spec
from strokecast.params import TASKS
from strokecast.training import data

Epochs = list[list[tuple[object, ...]]]
TOKENS = 100  # of the bounds 6, 11, 16: batches of 16, 9 and 6


def epochs_of(
    processed: Path,
    task: str,
    seed: int,
    epochs: int,
    first: int = 0,
    batch: int = 8,
    tokens: int | None = None,
) -> Epochs:
    """The keys of every batch, epoch by epoch."""
    feed = data.train_batches(
        reading.groups(processed / task, spec.load(processed / task, task), "train"),
        batch,
        seed,
        epochs,
        first,
        max_tokens=tokens,
    )
    keys = [tuple(key.numpy().tolist()) for _, _, key in feed.dataset]
    assert len(keys) == feed.steps * (epochs - first)
    return [keys[start : start + feed.steps] for start in range(0, len(keys), feed.steps)]


@pytest.mark.parametrize("task", TASKS)
def test_every_epoch_holds_every_record_once_in_an_order_of_its_own(made: Path, task: str) -> None:
    one, two = epochs_of(made, task, seed=1, epochs=2)
    flat = [[key for batch in epoch for key in batch] for epoch in (one, two)]
    assert sorted(flat[0]) == sorted(flat[1])
    assert len(set(flat[0])) == len(flat[0])
    assert flat[0] != flat[1]
    stored = [
        key
        for *_, keys in reading.batches(made / task, spec.load(made / task, task), "train", 8)
        for key in keys
    ]
    assert sorted(flat[0]) == sorted(key.numpy() for key in stored)


@pytest.mark.parametrize("task", TASKS)
def test_the_order_depends_on_seed_and_epoch_alone(made: Path, task: str) -> None:
    import keras

    keras.utils.set_random_seed(3)
    whole = epochs_of(made, task, seed=1, epochs=3)
    keras.utils.set_random_seed(0)
    assert epochs_of(made, task, seed=1, epochs=3) == whole
    assert epochs_of(made, task, seed=1, epochs=3, first=2) == whole[2:]
    assert epochs_of(made, task, seed=2, epochs=3) != whole
    assert epochs_of(made, task, seed=0, epochs=1) != whole[:1]


def test_the_end_of_a_pass_waits_for_no_thread_that_tunes_it(made: Path) -> None:
    told = spec.load(made / "classify", "classify")
    shuffled = data.train_batches(reading.groups(made / "classify", told, "train"), 8, 1, 1).dataset
    for dataset in (shuffled, reading.batches(made / "classify", told, "valid", 8)):
        assert dataset.options().autotune.enabled is False


def test_a_batch_holds_one_bucket_and_buckets_take_turns(made: Path) -> None:
    held = spec.load(made / "classify", "classify")
    feed = data.train_batches(reading.groups(made / "classify", held, "train"), 4, seed=1, epochs=1)
    assert feed.examples == 80
    bounds, sizes = [], []
    for inputs, _, _ in feed.dataset:
        bounds.append(inputs["strokes"].shape[1])
        sizes.append(inputs["strokes"].shape[0])
        lengths = inputs["length"].numpy()
        below = max((b for b in held["bucket_boundaries"] if b < bounds[-1]), default=0)
        assert ((lengths > below) & (lengths <= bounds[-1])).all()
    assert set(bounds) == set(held["bucket_boundaries"])
    assert bounds != sorted(bounds)
    assert sum(sizes) == 80
    counts = held["counts"]["train"]
    assert len(sizes) == sum(-(-n // 4) for n in counts.values())
    assert sorted(size for size in sizes if size < 4) == sorted(n % 4 for n in counts.values() if n % 4)


def test_a_batch_by_tokens_holds_as_many_drawings_as_fit(made: Path) -> None:
    held = spec.load(made / "classify", "classify")
    groups = reading.groups(made / "classify", held, "train")
    feed = data.train_batches(groups, 8, seed=1, epochs=1, max_tokens=TOKENS)
    assert (feed.examples, [part.padded_length for part in groups]) == (80, [6, 11, 16])
    sizes: dict[int, list[int]] = {}
    for inputs, _, _ in feed.dataset:
        count, bound = inputs["strokes"].shape[:2]
        assert count * bound <= TOKENS
        sizes.setdefault(bound, []).append(count)
    assert feed.steps == sum(map(len, sizes.values()))
    for bound, count in held["counts"]["train"].items():
        whole = TOKENS // int(bound)
        expected = [whole] * (count // whole) + [count % whole] * (count % whole > 0)
        assert sorted(sizes[int(bound)], reverse=True) == expected


def test_a_batch_by_tokens_holds_one_drawing_at_least(made: Path) -> None:
    groups = reading.groups(made / "classify", spec.load(made / "classify", "classify"), "train")
    feed = data.train_batches(groups, 8, seed=1, epochs=1, max_tokens=11)
    shapes = [tuple(inputs["strokes"].shape[:2]) for inputs, _, _ in feed.dataset]
    assert set(shapes) == {(1, 6), (1, 11), (1, 16)}
    assert len(shapes) == feed.steps == 80


def test_batches_by_tokens_keep_to_seed_and_epoch(made: Path) -> None:
    whole = epochs_of(made, "classify", seed=4, epochs=3, max_tokens=TOKENS)
    assert epochs_of(made, "classify", seed=4, epochs=3, max_tokens=TOKENS) == whole
    assert epochs_of(made, "classify", seed=4, epochs=3, first=1, max_tokens=TOKENS) == whole[1:]
    assert whole[0] != whole[1]
    flat = [[key for batch in epoch for key in batch] for epoch in whole]
    assert all(len(set(keys)) == len(keys) == 80 for keys in flat)


def test_records_of_several_shards_are_all_read(made: Path) -> None:
    groups = reading.groups(made / "classify", spec.load(made / "classify", "classify"), "train")
    parse = reading.drawing_parser(16)
    last = groups[-1]
    twice = reading.Group(last.files * 2, last.count * 2, last.padded_length, parse)
    first, second = (
        [
            key
            for *_, keys in data.train_batches([twice], 5, seed=9, epochs=1).dataset
            for key in keys.numpy().tolist()
        ]
        for _ in range(2)
    )
    assert first == second
    assert len(first) == 2 * len(set(first)) == twice.count


def test_augmentation_depends_on_seed_epoch_and_place_alone(made: Path) -> None:
    from strokecast.params import ClassifyRecipe
    from strokecast.training import augment

    held = spec.load(made / "classify", "classify")
    recipe = ClassifyRecipe(
        augment_jitter=0.1, augment_drop=0.2, augment_drop_strokes=0.2, augment_mirror=0.5
    )
    change = augment.make("classify", recipe, held)
    groups = reading.groups(made / "classify", held, "train")

    def strokes(seed: int, first: int) -> list[np.ndarray]:
        feed = data.train_batches(groups, 16, seed, 3, first, augment=change)
        return [inputs["strokes"].numpy() for inputs, *_ in feed.dataset]

    whole, last = strokes(1, 0), strokes(1, 2)
    assert all(np.array_equal(a, b) for a, b in zip(whole[-len(last) :], last, strict=True))
    plain = [inputs["strokes"].numpy() for inputs, *_ in data.train_batches(groups, 16, 1, 3).dataset]
    assert all(a.shape == b.shape and not np.array_equal(a, b) for a, b in zip(whole, plain, strict=True))


def test_a_later_start_within_an_epoch_gives_the_rest_of_it(made: Path) -> None:
    from strokecast.params import ClassifyRecipe
    from strokecast.training import augment

    held = spec.load(made / "classify", "classify")
    change = augment.make("classify", ClassifyRecipe(augment_jitter=0.1, augment_drop=0.2), held)
    groups = reading.groups(made / "classify", held, "train")
    whole = data.train_batches(groups, 8, 1, 3, augment=change, max_tokens=TOKENS)
    rest = data.train_batches(groups, 8, 1, 3, 1, augment=change, max_tokens=TOKENS, first_step=4)
    expected = list(whole.dataset)[whole.steps + 4 :]
    found = list(rest.dataset)
    assert len(found) == len(expected) == 2 * whole.steps - 4
    for (inputs, _, key), (other, _, other_key) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(key, other_key)
        np.testing.assert_array_equal(inputs["strokes"], other["strokes"])


def test_windows_drawn_at_random_are_as_many_anew_each_epoch_and_depend_on_seed_and_epoch_alone(
    made: Path,
) -> None:
    held = spec.load(made / "forecast", "forecast")
    groups = reading.groups(made / "forecast", held, "train")

    def keys(first: int, epochs: int, seed: int = 1) -> list[list[int]]:
        feed = data.train_batches(groups, 8, seed, epochs, first, with_replacement=True)
        batches = [key.numpy().tolist() for *_, key in feed.dataset]
        assert len(batches) == feed.steps * (epochs - first)
        epoch = [batches[at : at + feed.steps] for at in range(0, len(batches), feed.steps)]
        return [[key for batch in part for key in batch] for part in epoch]

    whole = keys(0, 3)
    stored = {
        key for *_, part in reading.batches(made / "forecast", held, "train", 8) for key in part.numpy()
    }
    for epoch in whole:
        assert len(epoch) == held["splits"]["train"]["windows"]
        assert set(epoch) < stored  # with replacement: some twice, some not at all
    assert whole[0] != whole[1]
    assert keys(1, 3) == whole[1:]
    assert keys(0, 1, seed=2)[0] != whole[0]
