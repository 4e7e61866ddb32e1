"""Rendered videos against the geometry of their drawings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strokecast.features.sketches import frames
from strokecast.models.layers import lines

LAYOUT = frames.Layout(frames=4, height=20, width=20, steps_per_frame=3, by="ink", pen=1.5, scale=2.0)
CORNER = np.array([[30, 0, 0], [0, 30, 1], [-30, -10, 0], [0, 5, 1]], np.float32)  # two strokes


def video(points: np.ndarray, layout: frames.Layout = LAYOUT, times: np.ndarray | None = None) -> tuple:
    videos, tracks = frames.render_videos(points, np.array([[0, len(points)]]), layout, times)
    return videos[0], tracks[0]


def scribbles(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 60, count)
    points = rng.integers(-60, 61, (int(lengths.sum()), 3)).astype(np.float32)
    points[:, 2] = rng.random(len(points)) < 0.2
    ends = np.cumsum(lengths)
    points[ends - 1, 2] = 1
    return points, np.stack([ends - lengths, ends], axis=1)


def test_last_frame_is_the_finished_drawing_as_rendered_by_the_network_layer() -> None:
    points, spans = scribbles(30)
    videos, _ = frames.render_videos(points, spans, LAYOUT)
    for (first, last), frames_of_one in zip(spans, videos, strict=True):
        positions = np.concatenate([np.zeros((1, 3), np.float32), points[first:last]]).astype(np.float64)[
            None
        ]
        mask = np.ones(positions.shape[:2], bool)
        ink = lines.rasterize(np, lines.to_unit_box(np, positions, mask), positions[:, :, 2], mask, 20, 1.5)[
            0
        ]
        assert np.abs(np.rint(ink * 255) - frames_of_one[-1]).max() <= 1


def test_frames_grow_by_equal_shares_of_ink() -> None:
    frames_drawn, _ = video(np.array([[40, 0, 1]], np.float32))
    assert (np.diff(frames_drawn.astype(int), axis=0) >= 0).all(), "ink stays"
    ink = frames_drawn.sum(axis=(1, 2)) / frames_drawn[-1].sum()
    np.testing.assert_allclose(ink, [0.25, 0.5, 0.75, 1.0], atol=0.06)  # lines have round ends
    assert ((frames_drawn > 0) & (frames_drawn < 255)).any(), "soft edges"
    assert np.flatnonzero(frames_drawn[-1].max(axis=1)).tolist() == [9, 10], (
        "in the middle, from edge to edge"
    )
    assert frames_drawn[-1].max(axis=0).min() > 0


def test_moves_in_the_air_leave_no_ink_and_count_as_none() -> None:
    strokes_apart = np.array([[40, 0, 1], [0, 20, 0], [-40, 0, 1]], np.float32)
    frames_drawn, track = video(strokes_apart, replace(LAYOUT, frames=2))
    assert frames_drawn[0].max(axis=1).nonzero()[0].max() < 10, "the first frame holds the first stroke"
    assert frames_drawn[1, 8:11].max() == 0, "no line leads to the second stroke"
    assert track[:, 2].tolist() == [0, 0, 1, 0, 0, 1]
    np.testing.assert_allclose(track[:, :2].sum(axis=0), [0, 10], atol=1e-5)


def test_with_equal_shares_of_time_a_slow_stroke_fills_more_frames() -> None:
    points = np.array([[40, 0, 1], [0, 20, 0], [-40, 0, 1]], np.float32)
    times = np.array([300, 300, 400], np.int32)
    frames_drawn, track = video(points, replace(LAYOUT, by="time"), times)
    assert [bool(frame[10:].any()) for frame in frames_drawn] == [False, False, False, True]
    assert track[:, 2].nonzero()[0].tolist() == [8, 11]
    with pytest.raises(ValueError, match="needs the times"):
        video(points, replace(LAYOUT, by="time"))
    without_waits, _ = video(points, replace(LAYOUT, by="time"), np.zeros(3, np.int32))
    np.testing.assert_array_equal(without_waits[-1], frames_drawn[-1])


def test_track_has_equal_steps_and_ends_at_the_last_point() -> None:
    frames_drawn, track = video(np.array([[30, 40, 0], [30, 40, 1]], np.float32))
    assert (frames_drawn.shape, frames_drawn.dtype, track.shape, track.dtype) == (
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
def test_extreme_drawings_are_rendered_with_finite_tracks(points: np.ndarray) -> None:
    frames_drawn, track = video(points)
    assert frames_drawn[-1].max() > 100
    assert np.isfinite(track).all()
    np.testing.assert_allclose(track[:, :2].sum(axis=0) * 2, points[:, :2].sum(axis=0), rtol=1e-4, atol=1e-4)


def test_result_of_a_drawing_does_not_depend_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    points, spans = scribbles(9, seed=4)
    videos, tracks = frames.render_videos(points, spans, LAYOUT)
    monkeypatch.setattr(frames, "CHUNK", 2)
    for (first, last), one, track in zip(spans, videos, tracks, strict=True):
        alone = frames.render_videos(points[first:last], np.array([[0, last - first]]), LAYOUT)
        np.testing.assert_array_equal(alone[0][0], one)
        np.testing.assert_array_equal(alone[1][0], track)


def test_page_that_is_not_square_and_drawing_without_points() -> None:
    wide, _ = video(CORNER, replace(LAYOUT, height=12, width=40))
    assert wide.shape == (4, 12, 40)
    assert wide[-1].max(axis=1)[1:-1].all(), "as high as the page allows"
    assert not wide[-1][:, :8].any(), "in the middle of the page"
    with pytest.raises(ValueError, match="at least one point"):
        frames.render_videos(CORNER, np.array([[0, 0]]), LAYOUT)
