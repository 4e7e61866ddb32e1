"""Drawings as videos against the geometry that they claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strokecast.features.sketches import frames
from strokecast.models.layers import lines

LAYOUT = frames.Layout(frames=4, height=20, width=20, steps_per_frame=3, by="ink", pen=1.5, scale=2.0)
CORNER = np.array([[30, 0, 0], [0, 30, 1], [-30, -10, 0], [0, 5, 1]], np.float32)  # two strokes


def video(points: np.ndarray, layout: frames.Layout = LAYOUT, times: np.ndarray | None = None) -> tuple:
    made, tracks = frames.render_videos(points, np.array([[0, len(points)]]), layout, times)
    return made[0], tracks[0]


def scribbles(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 60, count)
    points = rng.integers(-60, 61, (int(lengths.sum()), 3)).astype(np.float32)
    points[:, 2] = rng.random(len(points)) < 0.2
    ends = np.cumsum(lengths)
    points[ends - 1, 2] = 1
    return points, np.stack([ends - lengths, ends], axis=1)


def test_the_last_frame_is_the_finished_drawing_as_the_network_layer_draws_it() -> None:
    points, spans = scribbles(30)
    made, _ = frames.render_videos(points, spans, LAYOUT)
    for (first, last), own in zip(spans, made, strict=True):
        whole = np.concatenate([np.zeros((1, 3), np.float32), points[first:last]]).astype(np.float64)[None]
        real = np.ones(whole.shape[:2], bool)
        ink = lines.rasterize(np, lines.to_unit_box(np, whole, real), whole[:, :, 2], real, 20, 1.5)[0]
        assert np.abs(np.rint(ink * 255) - own[-1]).max() <= 1


def test_frames_grow_by_equal_shares_of_ink() -> None:
    made, _ = video(np.array([[40, 0, 1]], np.float32))
    assert (np.diff(made.astype(int), axis=0) >= 0).all(), "what is drawn stays"
    ink = made.sum(axis=(1, 2)) / made[-1].sum()
    np.testing.assert_allclose(ink, [0.25, 0.5, 0.75, 1.0], atol=0.06)  # the pen's round ends
    assert ((made > 0) & (made < 255)).any(), "soft edges"
    assert np.flatnonzero(made[-1].max(axis=1)).tolist() == [9, 10], "in the middle, from edge to edge"
    assert made[-1].max(axis=0).min() > 0


def test_a_move_in_the_air_leaves_no_ink_and_takes_none() -> None:
    apart = np.array([[40, 0, 1], [0, 20, 0], [-40, 0, 1]], np.float32)
    made, track = video(apart, replace(LAYOUT, frames=2))
    assert made[0].max(axis=1).nonzero()[0].max() < 10, "the first frame holds the first stroke"
    assert made[1, 8:11].max() == 0, "and no line leads to the second"
    assert track[:, 2].tolist() == [0, 0, 1, 0, 0, 1]
    np.testing.assert_allclose(track[:, :2].sum(axis=0), [0, 10], atol=1e-5)


def test_by_time_a_slow_stroke_fills_more_frames() -> None:
    points = np.array([[40, 0, 1], [0, 20, 0], [-40, 0, 1]], np.float32)
    times = np.array([300, 300, 400], np.int32)
    made, track = video(points, replace(LAYOUT, by="time"), times)
    assert [bool(frame[10:].any()) for frame in made] == [False, False, False, True]
    assert track[:, 2].nonzero()[0].tolist() == [8, 11]
    with pytest.raises(ValueError, match="no time"):
        video(points, replace(LAYOUT, by="time"))
    still, _ = video(points, replace(LAYOUT, by="time"), np.zeros(3, np.int32))
    np.testing.assert_array_equal(still[-1], made[-1])


def test_the_track_ends_where_the_pen_does_in_equal_steps() -> None:
    made, track = video(np.array([[30, 40, 0], [30, 40, 1]], np.float32))
    assert (made.shape, made.dtype, track.shape, track.dtype) == (
        (4, 20, 20),
        np.uint8,
        (12, 3),
        np.float32,
    )
    np.testing.assert_allclose(track[:, :2], np.tile([60 / 12 / 2, 80 / 12 / 2], (12, 1)), rtol=1e-6)


@pytest.mark.parametrize(
    "points",
    [
        np.array([[0, 0, 1]], np.float32),
        np.array([[0, 0, 0]] * 5, np.float32),
        np.array([[1e6, -3e6, 0], [2e6, 1e6, 1]], np.float32),
        np.array([[1e-5, 0, 0], [0, 1e-5, 1]], np.float32),
        np.tile(np.array([[3, 1, 1], [-3, 1, 1]], np.float32), (800, 1)),
    ],
    ids=["one point", "standing", "huge", "tiny", "dots"],
)
def test_extremes_are_drawn_and_are_numbers(points: np.ndarray) -> None:
    made, track = video(points)
    assert made[-1].max() > 100
    assert np.isfinite(track).all()
    np.testing.assert_allclose(track[:, :2].sum(axis=0) * 2, points[:, :2].sum(axis=0), rtol=1e-4, atol=1e-4)


def test_a_drawing_is_the_same_alone_and_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    points, spans = scribbles(9, seed=4)
    made, tracks = frames.render_videos(points, spans, LAYOUT)
    monkeypatch.setattr(frames, "CHUNK", 2)
    for (first, last), own, track in zip(spans, made, tracks, strict=True):
        alone = frames.render_videos(points[first:last], np.array([[0, last - first]]), LAYOUT)
        np.testing.assert_array_equal(alone[0][0], own)
        np.testing.assert_array_equal(alone[1][0], track)


def test_a_page_that_is_no_square_and_a_drawing_without_points() -> None:
    wide, _ = video(CORNER, replace(LAYOUT, height=12, width=40))
    assert wide.shape == (4, 12, 40)
    assert wide[-1].max(axis=1)[1:-1].all(), "as high as the page allows"
    assert not wide[-1][:, :8].any(), "and in its middle"
    with pytest.raises(ValueError, match="one point"):
        frames.render_videos(CORNER, np.array([[0, 0]]), LAYOUT)
