"""Doodles: pure functions of seed, class, split and index, in Quick, Draw!'s form, hard for rasters."""

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
from strokecast.sources.formats import npz
from strokecast.sources.sketches import doodles as source
from strokecast.sources.sketches.doodles import BATCH, CLASSES, doodles
from strokecast.sources.synthetic.simplify import simplify, to_box, to_deltas

Settings = Callable[..., Params]
RAW = paths.RAW / "sketches"


def small(settings: Settings, **options: object) -> Params:
    return settings(sketches={"doodles": {"train": 6, "valid": 2, "test": 3, **options}})


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# ---------------------------------------------------------------- what comes out


def test_twelve_classes() -> None:
    assert len(CLASSES) == 12


@pytest.mark.parametrize("sloppiness", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("label", CLASSES)
def test_every_drawing_has_the_official_form(label: str, sloppiness: float) -> None:
    for drawing in doodles(label, "train", 25, seed=3, sloppiness=sloppiness):
        assert drawing.dtype == np.int16
        assert drawing.ndim == 2
        assert drawing.shape[1] == 3
        assert 5 <= len(drawing) <= 200
        assert set(np.unique(drawing[:, 2])) <= {0, 1}
        assert drawing[-1, 2] == 1
        inside = np.r_[False, drawing[:-1, 2] == 0]
        assert (np.abs(drawing[inside, :2]).sum(axis=1) > 0).all()
        path = np.cumsum(np.vstack(([[0, 0]], drawing[:, :2].astype(int))), axis=0)
        assert 250 <= np.ptp(path, axis=0).max() <= 256


def test_lengths_are_those_of_people() -> None:
    lengths = np.array([len(d) for label in CLASSES for d in doodles(label, "train", 50, seed=7)])
    assert 32 <= np.median(lengths) <= 50
    assert np.percentile(lengths, 1) >= 9
    assert np.percentile(lengths, 99) <= 120


def test_people_differ_in_strokes_and_order() -> None:
    for label in CLASSES:
        drawings = list(doodles(label, "train", 50, seed=7))
        assert len({int(d[:, 2].sum()) for d in drawings}) >= 3, f"{label}: all have as many strokes"
        first = np.array([d[0, :2] for d in drawings])
        ways = np.arctan2(first[:, 1], first[:, 0])
        assert len(np.unique(np.round(ways))) >= 3, f"{label}: all start the same way"


def test_sloppiness_0_is_steady_and_more_is_shakier() -> None:
    def points(sloppiness: float) -> float:
        return float(np.mean([len(d) for d in doodles("house", "train", 50, 7, sloppiness)]))

    assert points(0.0) < points(1.0) < points(3.0)


# ---------------------------------------------------------------- determinism


def test_more_drawings_change_none_of_the_earlier_ones() -> None:
    many = list(doodles("cat", "train", BATCH + 40, seed=7))
    assert same(many[:13], list(doodles("cat", "train", 13, seed=7)))
    assert same(many[: BATCH + 3], list(doodles("cat", "train", BATCH + 3, seed=7)))


def test_no_drawing_is_drawn_twice_in_any_split_or_class() -> None:
    seen: dict[bytes, str] = {}
    for label in CLASSES:
        for split in npz.SPLITS:
            for index, drawing in enumerate(doodles(label, split, 30, seed=7)):
                key = hashlib.sha256(drawing.tobytes()).digest()
                assert key not in seen, f"{label}/{split}/{index} is {seen.get(key)}"
                seen[key] = f"{label}/{split}/{index}"


def test_the_seed_matters() -> None:
    a, b = (list(doodles("cat", "train", 3, seed=seed)) for seed in (7, 8))
    assert not any(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_two_downloads_are_the_same_bytes(project: Path, settings: Settings) -> None:
    registry.download("sketches", small(settings))
    once = files.digest_tree(RAW)
    line = registry.download("sketches", small(settings))
    assert files.digest_tree(RAW) == once
    assert line == "doodles: 12 classes x 6 train / 2 valid / 3 test"


def test_any_part_of_the_drawings_can_be_drawn_alone() -> None:
    whole = list(doodles("cat", "train", BATCH + 9, seed=7))
    assert same(whole[5:], list(doodles("cat", "train", BATCH + 4, seed=7, start=5)))


def test_a_pool_of_processes_draws_the_same_bytes(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = small(settings, classes=["moon", "cat", "banana"])
    registry.download("sketches", chosen)
    here = files.digest_tree(RAW)
    monkeypatch.setattr(source, "UNIT", 4)
    registry.download("sketches", chosen)
    assert files.digest_tree(RAW) == here
    monkeypatch.setattr(source, "POOL_FROM", 33)
    monkeypatch.setattr(source.pool, "processors", lambda: 2)
    used: list[int] = []
    leave = pool.ordered

    def noted(function, items, workers):  # type: ignore[no-untyped-def]
        used.append(workers)
        return leave(function, items, workers)

    monkeypatch.setattr(source.pool, "ordered", noted)
    registry.download("sketches", chosen)
    assert files.digest_tree(RAW) == here
    monkeypatch.setattr(source, "POOL_FROM", 34)  # 3 classes x 11 drawings are fewer
    registry.download("sketches", chosen)
    assert used == [2, 1]


def test_the_default_is_drawn_without_other_processes(settings: Settings) -> None:
    chosen = settings().sketches.doodles
    assert len(CLASSES) * (chosen.train + chosen.valid + chosen.test) < source.POOL_FROM


def test_fewer_classes_or_more_tests_leave_the_other_drawings_alone(
    project: Path, settings: Settings
) -> None:
    registry.download("sketches", small(settings))
    before = npz.read_class(RAW / "moon.npz")
    registry.download("sketches", small(settings, classes=["moon", "banana"], test=9, train=4))
    assert npz.read_source(RAW)["classes"] == ["moon", "banana"]
    assert sorted(p.name for p in RAW.iterdir()) == ["banana.npz", "moon.npz", "source.json"]
    after = npz.read_class(RAW / "moon.npz")
    assert same(after["train"], before["train"][:4])
    assert same(after["valid"], before["valid"])
    assert same(after["test"][:3], before["test"])
    assert len(after["test"]) == 9


def test_bad_classes_are_one_line(project: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match=r"unknown class 'mon'.*banana.*did you mean 'moon'"):
        registry.download("sketches", small(settings, classes=["cat", "mon"]))
    with pytest.raises(UserError, match="'cat' stands there twice"):
        registry.download("sketches", small(settings, classes=["cat", "cat"]))
    with pytest.raises(UserError, match="the list is empty"):
        registry.download("sketches", small(settings, classes=[]))
    assert not RAW.exists()
    assert not list(paths.RAW.glob(".*"))


# ---------------------------------------------------------------- simplification


def slow_simplify(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Ramer-Douglas-Peucker as in the books."""
    if len(points) < 3:
        return points
    a, b = points[0], points[-1]
    away = points[1:-1] - a
    length = np.hypot(*(b - a))
    distance = (
        np.abs((b - a)[0] * away[:, 1] - (b - a)[1] * away[:, 0]) / length if length else np.hypot(*away.T)
    )
    at = int(distance.argmax())
    if distance[at] <= tolerance:
        return points[[0, -1]]
    left, right = slow_simplify(points[: at + 2], tolerance), slow_simplify(points[at + 1 :], tolerance)
    return np.concatenate((left[:-1], right))


def test_simplify_is_ramer_douglas_peucker() -> None:
    rng = np.random.default_rng(1)
    strokes = [np.cumsum(rng.normal(0, 1.5, (n, 2)), axis=0) for n in (2, 3, 40, 200, 1, 7)]
    strokes.append(np.vstack((strokes[2], strokes[2][:1])))  # closed
    strokes = [s for s in strokes if len(s) > 1]
    for fast, points in zip(simplify(strokes, 2.0), strokes, strict=True):
        assert np.array_equal(fast, slow_simplify(points, 2.0))
    assert simplify([]) == []


def test_simplify_agrees_with_real_simplified_drawings(shared: Path) -> None:
    """Real simplified strokes are what they are because simplifying them again changes next to nothing."""
    import json

    path = shared / "quickdraw" / "full" / "simplified" / "circle.ndjson"
    strokes = [
        np.array(stroke, dtype=float).T
        for row in path.read_text().splitlines()[:50]
        for stroke in json.loads(row)["drawing"]
        if len(stroke[0]) > 1
    ]
    before, after = sum(map(len, strokes)), sum(map(len, simplify(strokes)))
    assert after >= 0.9 * before


def test_deltas_start_at_the_first_point_and_skip_what_rounding_makes_equal() -> None:
    strokes = [
        np.array([[5.0, 5], [5.2, 5.1], [9, 5]]),
        np.array([[1.0, 1], [1.1, 1]]),
        np.array([[0.0, 0], [0, 7]]),
    ]
    assert to_deltas(strokes).tolist() == [[4, 0, 1], [-9, -5, 0], [0, 7, 1]]
    assert to_deltas([np.zeros((2, 2))]).shape == (0, 3)


def test_to_box_keeps_the_proportions() -> None:
    boxed = to_box([np.array([[-1.0, 0], [1, 0]]), np.array([[0.0, 0.5], [0, 0]])])
    assert [b.tolist() for b in boxed] == [[[0, 0], [255, 0]], [[127.5, 63.75], [127.5, 0]]]


# ---------------------------------------------------------------- difficulty


def raster(drawing: np.ndarray, size: int = 28, fine: int = 4) -> np.ndarray:
    """Anti-aliased picture float32 `[size * size]` in [0, 1], centred and scaled to fill the frame."""
    from PIL import Image, ImageDraw

    points = np.vstack(([[0, 0]], np.cumsum(drawing[:, :2].astype(float), axis=0)))
    low, high = points.min(axis=0), points.max(axis=0)
    side = size * fine
    points = (points - (low + high) / 2) * (side - 4 * fine) / (high - low).max() + side / 2
    image = Image.new("L", (side, side))
    for stroke in np.split(points, np.flatnonzero(np.r_[0, drawing[:, 2]]) + 1):
        if len(stroke) > 1:
            ImageDraw.Draw(image).line([tuple(p) for p in stroke], fill=255, width=6)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32).ravel() / 255


def test_nearest_neighbours_on_rasters_do_not_solve_it() -> None:
    """Few drawings keep this quick; the networks' side of the comparison is measured on the whole default."""
    from sklearn.neighbors import KNeighborsClassifier

    labels = np.arange(len(CLASSES))
    train = np.stack([raster(d) for c in CLASSES for d in doodles(c, "train", 80, seed=7)])
    test = np.stack([raster(d) for c in CLASSES for d in doodles(c, "test", 25, seed=7)])
    scores = [
        KNeighborsClassifier(k).fit(train, labels.repeat(80)).score(test, labels.repeat(25))
        for k in (1, 3, 5)
    ]
    assert 0.4 < max(scores) < 0.8
