"""Augmented videos: frames, track and motion change alike, as the seed says and as nothing else does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from strokecast.features.sketches import frames
from strokecast.params import WatchRecipe


def watch_recipe(**keys: Any) -> WatchRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_shift"), 0.0)
    return WatchRecipe(**{**neutral, **off, **keys})


SEED = np.array([5, 6], np.int64)
SPEC = {"classes": ["ant", "cup"]}
EVERYTHING = watch_recipe(augment_scale=0.1, augment_rotation=20.0, augment_shift=0.05, augment_mirror=0.5)
LAYOUT = frames.Layout(frames=3, height=28, width=28, steps_per_frame=4, by="ink", pen=2.0, scale=1.0)


@pytest.fixture(scope="module")
def batch() -> dict[str, np.ndarray]:
    """Eight copies of one drawing that fills the middle of the page."""
    points = np.array([[20, 5, 0], [0, 10, 1], [-15, 0, 0], [3, -9, 1]], np.float32)
    video, track = frames.render_videos(points, np.array([[0, 4]]), LAYOUT)
    small = np.zeros_like(video)
    small[:, :, 7:21, 7:21] = video.reshape(1, 3, 14, 2, 14, 2).mean(axis=(3, 5)).astype(np.uint8)
    return {"frames": np.repeat(small, 8, axis=0), "track": np.repeat(track, 8, axis=0)}


def changed(batch: dict[str, np.ndarray], recipe: WatchRecipe, target: Any, seed: Any = SEED) -> dict:
    from strokecast.features.records.reading import motion
    from strokecast.training import augment

    change = augment.make("watch", recipe, SPEC)
    assert change is not None
    inputs = {**batch, "motion": motion(batch["frames"])}
    return {name: np.asarray(value) for name, value in change(inputs, target, seed).items()}


def middle(image: np.ndarray) -> np.ndarray:
    """Where the ink is on average, (x, y) from the middle of the page."""
    weights = image.astype(float) / image.sum()
    at = np.arange(28) - 13.5
    return np.array([(weights.sum(axis=0) * at).sum(), (weights.sum(axis=1) * at).sum()])


def test_a_pure_function_of_the_seed(batch: dict[str, np.ndarray]) -> None:
    target = np.zeros(8, np.int64)
    first, again = (changed(batch, EVERYTHING, target) for _ in range(2))
    other = changed(batch, EVERYTHING, target, SEED + 1)
    for name in ("frames", "track", "motion"):
        np.testing.assert_array_equal(first[name], again[name])
        assert np.abs(first[name].astype(float) - other[name]).max() > 0
        assert first[name].dtype == (np.uint8 if name == "frames" else np.float32)
    assert len({frame.tobytes() for frame in first["frames"]}) == 8, "each drawing changes in its own way"


def test_frames_track_and_motion_agree(batch: dict[str, np.ndarray]) -> None:
    recipe = EVERYTHING.model_copy(update={"augment_shift": 0.0})
    out = changed(batch, recipe, np.zeros(8, np.int64))
    ink = out["frames"].astype(np.float32) / 255
    np.testing.assert_allclose(out["motion"], np.diff(ink, axis=1, prepend=np.float32(0)), atol=1e-6)
    assert (np.diff(ink, axis=1) >= -1.5 / 255).all(), "one change for all frames: no ink goes away"
    before = np.array([middle(batch["frames"][0, n]) for n in range(3)])  # [N, 2]
    for row in range(8):
        old, new = (moves[row, :, :2].astype(np.float64) for moves in (batch["track"], out["track"]))
        matrix = np.linalg.lstsq(old, new, rcond=None)[0].T  # a move goes to matrix @ move
        np.testing.assert_allclose(old @ matrix.T, new, atol=1e-4)
        assert 0.7 < abs(np.linalg.det(matrix)) < 1.3
        for n in range(3):
            np.testing.assert_allclose(middle(out["frames"][row, n]), matrix @ before[n], atol=0.35)
    np.testing.assert_array_equal(out["track"][:, :, 2], batch["track"][:, :, 2])


def test_shift_moves_the_frames_and_leaves_the_track(batch: dict[str, np.ndarray]) -> None:
    out = changed(batch, watch_recipe(augment_shift=0.1), np.zeros(8, np.int64))
    np.testing.assert_allclose(out["track"], batch["track"], atol=1e-6)
    moved = np.array([middle(video[-1]) for video in out["frames"]]) - middle(batch["frames"][0, -1])
    assert 0.3 < np.abs(moved).max() <= 0.1 * 28 + 0.1


def test_only_the_classes_that_may_be_are_mirrored(batch: dict[str, np.ndarray]) -> None:
    target = np.array([0, 1] * 4, np.int64)
    out = changed(batch, watch_recipe(augment_mirror=1.0, mirror_classes=("cup",)), target)
    np.testing.assert_array_equal(out["frames"][0], batch["frames"][0])
    np.testing.assert_array_equal(out["frames"][1], batch["frames"][1][:, :, ::-1])
    np.testing.assert_allclose(out["track"][1, :, 0], -batch["track"][1, :, 0], atol=1e-6)


def test_motion_alone_is_changed_as_the_frames_are(batch: dict[str, np.ndarray]) -> None:
    from strokecast.features.records.reading import motion
    from strokecast.training import augment

    target = np.zeros(8, np.int64)
    alone = augment.make("watch", EVERYTHING, SPEC)({"motion": motion(batch["frames"])}, target, SEED)  # type: ignore[misc]
    both = changed(batch, EVERYTHING, target)["motion"]
    np.testing.assert_allclose(
        alone["motion"], both, atol=1.1 / 255
    )  # frames are rounded to whole grey values
    assert augment.make("watch", watch_recipe(), SPEC) is None
