"""The order of batches is a pure function of (seed, epoch)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.features.records import reading, spec
from strokecast.params import TASKS, ClassifyRecipe, DrawRecipe
from strokecast.training import data


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


Epochs = list[list[tuple[object, ...]]]
TOKENS = 100  # of the bounds 6, 11, 16: batches of 16, 9 and 6


def epochs_of(
    processed: Path,
    task: str,
    seed: int,
    epochs: int,
    first: int = 0,
    batch: int = 8,
    max_tokens: int | None = None,
) -> Epochs:
    """The keys of every batch, epoch by epoch."""
    batches = data.train_batches(
        reading.groups(processed / task, spec.load(processed / task, task), "train"),
        batch,
        seed,
        epochs,
        first,
        max_tokens=max_tokens,
    )
    keys = [tuple(key.numpy().tolist()) for _, _, key in batches.dataset]
    assert len(keys) == batches.steps * (epochs - first)
    return [keys[start : start + batches.steps] for start in range(0, len(keys), batches.steps)]


@pytest.mark.parametrize("task", TASKS)
def test_every_epoch_holds_every_record_once_in_another_order(processed_data: Path, task: str) -> None:
    one, two = epochs_of(processed_data, task, seed=1, epochs=2)
    flat = [[key for batch in epoch for key in batch] for epoch in (one, two)]
    assert sorted(flat[0]) == sorted(flat[1])
    assert len(set(flat[0])) == len(flat[0])
    assert flat[0] != flat[1]
    stored = [
        key
        for *_, keys in reading.batches(
            processed_data / task, spec.load(processed_data / task, task), "train", 8
        )
        for key in keys
    ]
    assert sorted(flat[0]) == sorted(key.numpy() for key in stored)


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=() if task == "classify" else pytest.mark.slow) for task in TASKS]
)
def test_the_order_depends_on_seed_and_epoch_alone(processed_data: Path, task: str) -> None:
    import keras

    keras.utils.set_random_seed(3)
    all_epochs = epochs_of(processed_data, task, seed=1, epochs=3)
    keras.utils.set_random_seed(0)
    assert epochs_of(processed_data, task, seed=1, epochs=3) == all_epochs
    assert epochs_of(processed_data, task, seed=1, epochs=3, first=2) == all_epochs[2:]
    assert epochs_of(processed_data, task, seed=2, epochs=3) != all_epochs
    assert epochs_of(processed_data, task, seed=0, epochs=1) != all_epochs[:1]


def test_pipelines_run_without_autotuning(processed_data: Path) -> None:
    spec_json = spec.load(processed_data / "classify", "classify")
    shuffled = data.train_batches(
        reading.groups(processed_data / "classify", spec_json, "train"), 8, 1, 1
    ).dataset
    for dataset in (shuffled, reading.batches(processed_data / "classify", spec_json, "valid", 8)):
        assert dataset.options().autotune.enabled is False


def test_a_batch_holds_one_bucket_and_buckets_alternate(processed_data: Path) -> None:
    spec_json = spec.load(processed_data / "classify", "classify")
    batches = data.train_batches(
        reading.groups(processed_data / "classify", spec_json, "train"), 4, seed=1, epochs=1
    )
    assert batches.examples == 80
    bounds, sizes = [], []
    for inputs, _, _ in batches.dataset:
        bounds.append(inputs["strokes"].shape[1])
        sizes.append(inputs["strokes"].shape[0])
        lengths = inputs["length"].numpy()
        lower = max((b for b in spec_json["bucket_boundaries"] if b < bounds[-1]), default=0)
        assert ((lengths > lower) & (lengths <= bounds[-1])).all()
    assert set(bounds) == set(spec_json["bucket_boundaries"])
    assert bounds != sorted(bounds)
    assert sum(sizes) == 80
    counts = spec_json["counts"]["train"]
    assert len(sizes) == sum(-(-n // 4) for n in counts.values())
    assert sorted(size for size in sizes if size < 4) == sorted(n % 4 for n in counts.values() if n % 4)


def test_max_tokens_sets_the_batch_size_per_bucket(processed_data: Path) -> None:
    spec_json = spec.load(processed_data / "classify", "classify")
    groups = reading.groups(processed_data / "classify", spec_json, "train")
    batches = data.train_batches(groups, 8, seed=1, epochs=1, max_tokens=TOKENS)
    assert (batches.examples, [part.padded_length for part in groups]) == (80, [6, 11, 16])
    sizes: dict[int, list[int]] = {}
    for inputs, _, _ in batches.dataset:
        count, bound = inputs["strokes"].shape[:2]
        assert count * bound <= TOKENS
        sizes.setdefault(bound, []).append(count)
    assert batches.steps == sum(map(len, sizes.values()))
    for bound, count in spec_json["counts"]["train"].items():
        full = TOKENS // int(bound)
        expected = [full] * (count // full) + [count % full] * (count % full > 0)
        assert sorted(sizes[int(bound)], reverse=True) == expected


def test_a_batch_has_at_least_one_drawing_whatever_max_tokens(processed_data: Path) -> None:
    groups = reading.groups(
        processed_data / "classify", spec.load(processed_data / "classify", "classify"), "train"
    )
    batches = data.train_batches(groups, 8, seed=1, epochs=1, max_tokens=11)
    shapes = [tuple(inputs["strokes"].shape[:2]) for inputs, _, _ in batches.dataset]
    assert set(shapes) == {(1, 6), (1, 11), (1, 16)}
    assert len(shapes) == batches.steps == 80


@pytest.mark.slow
def test_with_max_tokens_the_order_depends_on_seed_and_epoch_alone(processed_data: Path) -> None:
    all_epochs = epochs_of(processed_data, "classify", seed=4, epochs=3, max_tokens=TOKENS)
    assert epochs_of(processed_data, "classify", seed=4, epochs=3, max_tokens=TOKENS) == all_epochs
    assert (
        epochs_of(processed_data, "classify", seed=4, epochs=3, first=1, max_tokens=TOKENS) == all_epochs[1:]
    )
    assert all_epochs[0] != all_epochs[1]
    flat = [[key for batch in epoch for key in batch] for epoch in all_epochs]
    assert all(len(set(keys)) == len(keys) == 80 for keys in flat)


def test_records_of_several_shards_are_all_read(processed_data: Path) -> None:
    groups = reading.groups(
        processed_data / "classify", spec.load(processed_data / "classify", "classify"), "train"
    )
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


@pytest.mark.slow
def test_augmentation_depends_on_seed_epoch_and_place_alone(processed_data: Path) -> None:
    from strokecast.training import augment

    spec_json = spec.load(processed_data / "classify", "classify")
    recipe = classify_recipe(
        augment_jitter=0.1, augment_drop=0.2, augment_drop_strokes=0.2, augment_mirror=0.5
    )
    change = augment.make("classify", recipe, spec_json)
    groups = reading.groups(processed_data / "classify", spec_json, "train")

    def strokes(seed: int, first: int) -> list[np.ndarray]:
        batches = data.train_batches(groups, 16, seed, 3, first, augment=change)
        return [inputs["strokes"].numpy() for inputs, *_ in batches.dataset]

    all_epochs, last = strokes(1, 0), strokes(1, 2)
    assert all(np.array_equal(a, b) for a, b in zip(all_epochs[-len(last) :], last, strict=True))
    plain = [inputs["strokes"].numpy() for inputs, *_ in data.train_batches(groups, 16, 1, 3).dataset]
    assert all(
        a.shape == b.shape and not np.array_equal(a, b) for a, b in zip(all_epochs, plain, strict=True)
    )


@pytest.mark.slow
def test_resuming_within_an_epoch_gives_the_rest_of_it(processed_data: Path) -> None:
    from strokecast.training import augment

    spec_json = spec.load(processed_data / "classify", "classify")
    change = augment.make("classify", classify_recipe(augment_jitter=0.1, augment_drop=0.2), spec_json)
    groups = reading.groups(processed_data / "classify", spec_json, "train")
    all_epochs = data.train_batches(groups, 8, 1, 3, augment=change, max_tokens=TOKENS)
    rest = data.train_batches(groups, 8, 1, 3, 1, augment=change, max_tokens=TOKENS, first_step=4)
    expected = list(all_epochs.dataset)[all_epochs.steps + 4 :]
    resumed = list(rest.dataset)
    assert len(resumed) == len(expected) == 2 * all_epochs.steps - 4
    for (inputs, _, key), (other, _, other_key) in zip(resumed, expected, strict=True):
        np.testing.assert_array_equal(key, other_key)
        np.testing.assert_array_equal(inputs["strokes"], other["strokes"])


def test_windows_drawn_at_random_are_as_many_anew_each_epoch_and_depend_on_seed_and_epoch_alone(
    processed_data: Path,
) -> None:
    spec_json = spec.load(processed_data / "forecast", "forecast")
    groups = reading.groups(processed_data / "forecast", spec_json, "train")

    def keys(first: int, epochs: int, seed: int = 1) -> list[list[int]]:
        batches = data.train_batches(groups, 8, seed, epochs, first, with_replacement=True)
        keys = [key.numpy().tolist() for *_, key in batches.dataset]
        assert len(keys) == batches.steps * (epochs - first)
        epoch = [keys[at : at + batches.steps] for at in range(0, len(keys), batches.steps)]
        return [[key for batch in part for key in batch] for part in epoch]

    all_epochs = keys(0, 3)
    stored = {
        key
        for *_, part in reading.batches(processed_data / "forecast", spec_json, "train", 8)
        for key in part.numpy()
    }
    for epoch in all_epochs:
        assert len(epoch) == spec_json["splits"]["train"]["windows"]
        assert set(epoch) < stored  # with replacement: some twice, some not at all
    assert all_epochs[0] != all_epochs[1]
    assert keys(1, 3) == all_epochs[1:]
    assert keys(0, 1, seed=2)[0] != all_epochs[0]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classify", "draw"])
def test_trimmed_batches_lack_nothing_but_the_padding_of_all_drawings(
    processed_data: Path, task: str
) -> None:
    from strokecast.training import augment

    spec_json = spec.load(processed_data / task, task)
    recipe = (
        classify_recipe(augment_drop=0.3)
        if task == "classify"
        else DrawRecipe(augment_scale=0.1, augment_drop=0.3)
    )
    change = augment.make(task, recipe, spec_json)
    groups = reading.groups(processed_data / task, spec_json, "train")
    target_of = reading.stroke5_target if task == "draw" else None

    def batches(trim: bool) -> list[Any]:
        return list(
            data.train_batches(groups, 8, 1, 2, augment=change, target_of=target_of, trim=trim).dataset
        )

    shorter = 0
    for (inputs, target, _), (trimmed, trimmed_target, _) in zip(batches(False), batches(True), strict=True):
        longest = int(inputs["length"].numpy().max())
        shorter += longest < inputs["strokes"].shape[1]
        np.testing.assert_array_equal(trimmed["strokes"], inputs["strokes"][:, :longest])
        np.testing.assert_array_equal(trimmed["length"], inputs["length"])
        expected = target[:, : longest + 1] if task == "draw" else target
        np.testing.assert_array_equal(trimmed_target, expected)
    assert shorter > 0


def test_trimming_leaves_inputs_without_strokes_as_they_are() -> None:
    inputs = {"frames": np.zeros((2, 3)), "length": np.array([1, 1])}
    assert data.trim_padding(inputs) == inputs
