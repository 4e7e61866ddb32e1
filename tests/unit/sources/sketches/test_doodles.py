"""Doodles are determined by seed, class, split and index, look like Quick, Draw! and are hard as rasters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from strokecast.common import files, paths, pool
from strokecast.common.errors import UserError
from strokecast.params import Params
from strokecast.sources import registry
from strokecast.sources.formats import npz, source_json
from strokecast.sources.sketches import doodles
from strokecast.sources.sketches.doodles import BATCH_SIZE, CLASSES, generate

Settings = Callable[..., Params]
RAW = paths.RAW / "sketches"


def small_settings(settings: Settings, **options: object) -> Params:
    sizes = {"train": 6, "valid": 2, "test": 3}
    return settings(sketches={"source": "doodles", "doodles": {**sizes, **options}})


@pytest.fixture(scope="module")
def train_drawings() -> dict[str, list[np.ndarray]]:
    """Class → its first 80 training drawings with seed 7."""
    return {label: list(generate(label, "train", 80, seed=7)) for label in CLASSES}


@pytest.fixture(scope="module")
def cats() -> list[np.ndarray]:
    """More cats than one batch."""
    return list(generate("cat", "train", BATCH_SIZE + 40, seed=7))


def equal(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# ---------------------------------------------------------------- drawings


def test_twelve_classes() -> None:
    assert len(CLASSES) == 12


@pytest.mark.parametrize("sloppiness", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("label", CLASSES)
def test_every_drawing_has_the_official_format(label: str, sloppiness: float) -> None:
    for drawing in generate(label, "train", 25, seed=3, sloppiness=sloppiness):
        assert drawing.dtype == np.int16
        assert drawing.ndim == 2
        assert drawing.shape[1] == 3
        assert 5 <= len(drawing) <= 200
        assert set(np.unique(drawing[:, 2])) <= {0, 1}
        assert drawing[-1, 2] == 1
        pen_down = np.r_[False, drawing[:-1, 2] == 0]
        assert (np.abs(drawing[pen_down, :2]).sum(axis=1) > 0).all()
        path = np.cumsum(np.vstack(([[0, 0]], drawing[:, :2].astype(int))), axis=0)
        assert 250 <= np.ptp(path, axis=0).max() <= 256


def test_lengths_are_those_of_people(train_drawings: dict[str, list[np.ndarray]]) -> None:
    lengths = np.array([len(d) for drawings in train_drawings.values() for d in drawings[:50]])
    assert 32 <= np.median(lengths) <= 50
    assert np.percentile(lengths, 1) >= 9
    assert np.percentile(lengths, 99) <= 120


def test_drawings_differ_in_number_and_direction_of_strokes(
    train_drawings: dict[str, list[np.ndarray]],
) -> None:
    for label, drawings in train_drawings.items():
        drawings = drawings[:50]
        assert len({int(d[:, 2].sum()) for d in drawings}) >= 3, f"{label}: equal numbers of strokes"
        first_moves = np.array([d[0, :2] for d in drawings])
        directions = np.arctan2(first_moves[:, 1], first_moves[:, 0])
        assert len(np.unique(np.round(directions))) >= 3, f"{label}: all start in the same direction"


def test_more_sloppiness_needs_more_points() -> None:
    def mean_points(sloppiness: float) -> float:
        return float(np.mean([len(d) for d in generate("house", "train", 50, 7, sloppiness)]))

    assert mean_points(0.0) < mean_points(1.0) < mean_points(3.0)


# ---------------------------------------------------------------- determinism


def test_requesting_more_drawings_does_not_change_the_first_ones(cats: list[np.ndarray]) -> None:
    assert equal(cats[:13], list(generate("cat", "train", 13, seed=7)))
    assert equal(cats[: BATCH_SIZE + 3], list(generate("cat", "train", BATCH_SIZE + 3, seed=7)))


def test_no_drawing_occurs_twice_in_any_split_or_class(train_drawings: dict[str, list[np.ndarray]]) -> None:
    seen: dict[bytes, str] = {}
    for label in CLASSES:
        splits = {split: list(generate(label, split, 30, seed=7)) for split in ("valid", "test")}
        for split, drawings in {"train": train_drawings[label], **splits}.items():
            for index, drawing in enumerate(drawings):
                key = hashlib.sha256(drawing.tobytes()).digest()
                assert key not in seen, f"{label}/{split}/{index} is {seen.get(key)}"
                seen[key] = f"{label}/{split}/{index}"


def test_the_seed_changes_every_drawing() -> None:
    a, b = (list(generate("cat", "train", 3, seed=seed)) for seed in (7, 8))
    assert not any(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_two_downloads_have_the_same_bytes(project: Path, settings: Settings) -> None:
    registry.download("sketches", small_settings(settings))
    first = files.digest_tree(RAW)
    line = registry.download("sketches", small_settings(settings))
    assert files.digest_tree(RAW) == first
    assert line == "doodles: 12 classes x 6 train / 2 valid / 3 test"


def test_any_range_of_drawings_can_be_generated_alone(cats: list[np.ndarray]) -> None:
    assert equal(cats[5 : BATCH_SIZE + 9], list(generate("cat", "train", BATCH_SIZE + 4, seed=7, start=5)))


def test_the_size_of_a_chunk_does_not_change_the_bytes(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = small_settings(settings, classes=["moon", "cat", "banana"])
    registry.download("sketches", chosen)
    digest = files.digest_tree(RAW)
    monkeypatch.setattr(doodles, "CHUNK_SIZE", 4)
    registry.download("sketches", chosen)
    assert files.digest_tree(RAW) == digest


@pytest.mark.slow
def test_a_pool_of_processes_generates_the_same_bytes(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = small_settings(settings, classes=["moon", "cat", "banana"])
    registry.download("sketches", chosen)
    digest = files.digest_tree(RAW)
    monkeypatch.setattr(doodles, "CHUNK_SIZE", 4)
    monkeypatch.setattr(doodles, "MIN_POOLED_DRAWINGS", 33)  # 3 classes x 11 drawings
    monkeypatch.setattr(doodles.pool, "processors", lambda: 2)
    registry.download("sketches", chosen)
    assert files.digest_tree(RAW) == digest


@pytest.mark.parametrize(("minimum", "workers"), [(33, 2), (34, 1)])
def test_only_large_sets_use_a_pool(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, minimum: int, workers: int
) -> None:
    chosen = small_settings(settings, classes=["moon", "cat", "banana"])  # 3 classes x 11 drawings
    monkeypatch.setattr(doodles, "MIN_POOLED_DRAWINGS", minimum)
    monkeypatch.setattr(doodles.pool, "processors", lambda: 2)
    ordered_map, used = pool.ordered_map, []

    def record_workers(function, items, workers):  # type: ignore[no-untyped-def]
        used.append(workers)
        return ordered_map(function, items, 1)

    monkeypatch.setattr(doodles.pool, "ordered_map", record_workers)
    registry.download("sketches", chosen)
    assert used == [workers]


def test_the_default_is_generated_without_a_pool(settings: Settings) -> None:
    chosen = settings().sketches.doodles
    assert len(CLASSES) * (chosen.train + chosen.valid + chosen.test) < doodles.MIN_POOLED_DRAWINGS


def test_fewer_classes_or_more_test_drawings_do_not_change_the_others(
    project: Path, settings: Settings
) -> None:
    registry.download("sketches", small_settings(settings))
    before = npz.read_class(RAW / "moon.npz")
    registry.download("sketches", small_settings(settings, classes=["moon", "banana"], test=9, train=4))
    assert source_json.read(RAW, "sketches")["classes"] == ["moon", "banana"]
    assert sorted(p.name for p in RAW.iterdir()) == ["banana.npz", "moon.npz", "source.json"]
    after = npz.read_class(RAW / "moon.npz")
    assert equal(after["train"], before["train"][:4])
    assert equal(after["valid"], before["valid"])
    assert equal(after["test"][:3], before["test"])
    assert len(after["test"]) == 9


def test_bad_classes_are_one_line(project: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match=r"unknown class 'mon'.*banana.*did you mean 'moon'"):
        registry.download("sketches", small_settings(settings, classes=["cat", "mon"]))
    with pytest.raises(UserError, match="'cat' is listed twice"):
        registry.download("sketches", small_settings(settings, classes=["cat", "cat"]))
    with pytest.raises(UserError, match="the list is empty"):
        registry.download("sketches", small_settings(settings, classes=[]))
    assert not RAW.exists()
    assert not list(paths.RAW.glob(".*"))


# ---------------------------------------------------------------- difficulty


def raster(drawing: np.ndarray, size: int = 28, oversampling: int = 4) -> np.ndarray:
    """Anti-aliased picture float32 `[size * size]` in [0, 1], centred and scaled to fill the frame."""
    from PIL import Image, ImageDraw

    points = np.vstack(([[0, 0]], np.cumsum(drawing[:, :2].astype(float), axis=0)))
    low, high = points.min(axis=0), points.max(axis=0)
    side = size * oversampling
    points = (points - (low + high) / 2) * (side - 4 * oversampling) / (high - low).max() + side / 2
    image = Image.new("L", (side, side))
    for stroke in np.split(points, np.flatnonzero(np.r_[0, drawing[:, 2]]) + 1):
        if len(stroke) > 1:
            ImageDraw.Draw(image).line([tuple(p) for p in stroke], fill=255, width=6)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32).ravel() / 255


def test_nearest_neighbours_on_rasters_do_not_solve_it(train_drawings: dict[str, list[np.ndarray]]) -> None:
    """Few drawings keep this quick; networks are compared on the full default elsewhere."""
    labels = np.arange(len(CLASSES))
    train = np.stack([raster(d) for label in CLASSES for d in train_drawings[label]])
    test = np.stack([raster(d) for label in CLASSES for d in generate(label, "test", 25, seed=7)])
    distances = (train**2).sum(axis=1) - 2 * test @ train.T  # squared, but for a constant per test drawing
    neighbours = labels.repeat(80)[np.argsort(distances, axis=1)[:, :5]]  # [n_test, 5]
    scores = [
        np.mean([np.bincount(row[:k]).argmax() for row in neighbours] == labels.repeat(25)) for k in (1, 3, 5)
    ]
    assert 0.4 < max(scores) < 0.8
