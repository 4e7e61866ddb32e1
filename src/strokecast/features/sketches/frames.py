"""Pen strokes → the drawing as a video of being drawn, and the pen's track beside it. numpy alone.

Frame i of N shows what is drawn up to the share (i + 1) / N, of the ink (the length of all that the pen
drew; a move in the air takes no time) or of the time; the last frame is the finished drawing. Lines have
soft edges: a pixel's ink is how much of its width the nearest line covers, as in `models/layers/lines.py`.
The drawing is cut into short pieces, each within one frame, and each piece looks at the few pixels about
it; so the work grows with the ink, not with the number of pixels.

Shapes: B drawings, T points of the longest of them, N frames of H x W pixels, M = N * steps_per_frame
steps of the track, P pieces, S pixels of a piece's window a side. A point is (dx, dy, pen_lift), relative to
the one before; the first is relative to where the pen touched first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 64  # drawings rendered together: what a processor's cache holds
PIECE = 3.0  # pixels; longer lines are cut
_TINY = 1e-6


@dataclass(frozen=True)
class Layout:
    """What is made of a drawing.

    Attributes:
        frames: N.
        height: H, pixels.
        width: W, pixels.
        steps_per_frame: steps of the track a frame.
        by: `ink` or `time`: what frames and steps are equal shares of.
        pen: pixels; width of the drawn lines.
        scale: what dx and dy of the track are divided by.
    """

    frames: int
    height: int
    width: int
    steps_per_frame: int
    by: str
    pen: float
    scale: float

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Self:
        """That of a spec.json of the task watch."""
        return cls(**{name: spec[name] for name in cls.__dataclass_fields__})

    @property
    def steps(self) -> int:
        """M."""
        return self.frames * self.steps_per_frame


@dataclass(frozen=True)
class _Paths:
    """Where the pen goes, and when: row t leads from `start` to `end`; padding stays at the end.

    Attributes:
        start: [B, T, 2].
        end: [B, T, 2].
        air: bool [B, T]; moves in the air. The first row is none.
        lifts: bool [B, T]; the pen is lifted after the row.
        share: [B, T]; what is done after the row, 0 to 1, and exactly 1 after the last.
        lengths: int [B].
    """

    start: Floats
    end: Floats
    air: NDArray[np.bool_]
    lifts: NDArray[np.bool_]
    share: Floats
    lengths: Ints

    @property
    def before(self) -> Floats:
        """What is done before each row, [B, T]."""
        return np.pad(self.share[:, :-1], ((0, 0), (1, 0)))

    @property
    def real(self) -> NDArray[np.bool_]:
        """False on padding, [B, T]."""
        rows: NDArray[np.bool_] = np.arange(self.share.shape[1]) < self.lengths[:, None]
        return rows


def videos(
    points: NDArray[np.floating], spans: Ints, layout: Layout, times: NDArray[np.number] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Frames and tracks of drawings; each depends on its own drawing alone.

    Args:
        points: [_, 3], the points of the drawings in the source's units, wherever in it they stand.
        spans: [B, 2], first point and the one after the last of each drawing, at least one point.
        layout: what is made.
        times: [_], ms since the drawing began of each point, for `by: time`.

    Returns:
        Frames uint8 [B, N, H, W], 255 where there is ink, rows from the top. Tracks float32 [B, M, 3]: what
        the pen moved in each of M equal shares, by `layout.scale`, and 1 where it was lifted in it.

    Raises:
        ValueError: if a drawing has no point, or `by` is `time` and there are no times.
    """
    if (spans[:, 1] <= spans[:, 0]).any():
        raise ValueError("a drawing should have one point at least")
    if layout.by == "time" and times is None:
        raise ValueError("the drawings hold no time")
    frames = np.empty((len(spans), layout.frames, layout.height, layout.width), np.uint8)
    tracks = np.empty((len(spans), layout.steps, 3), np.float32)
    for at in range(0, len(spans), CHUNK):
        part = slice(at, at + CHUNK)
        paths = _paths(points, spans[part], times if layout.by == "time" else None)
        frames[part] = _drawn(paths, layout)
        tracks[part] = _tracks(paths, layout)
    return frames, tracks


def _paths(points: NDArray[np.floating], spans: Ints, times: NDArray[np.number] | None) -> _Paths:
    """The drawings side by side; without times their shares are those of the ink."""
    lengths = spans[:, 1] - spans[:, 0]
    steps = np.arange(int(lengths.max()))
    real = steps < lengths[:, None]
    places = np.where(real, spans[:, :1] + steps, spans[:, :1])
    rows = np.where(real[:, :, None], points[places].astype(np.float64), 0.0)  # [B, T, 3]
    end = np.cumsum(rows[:, :, :2], axis=1)
    start = np.pad(end[:, :-1], ((0, 0), (1, 0), (0, 0)))
    lifts = rows[:, :, 2] > 0.5
    air = np.pad(lifts[:, :-1], ((0, 0), (1, 0))) & real
    if times is None:
        size = np.hypot(rows[:, :, 0], rows[:, :, 1])
        weights = np.where(air, 0.0, size)
    else:
        clock = np.where(real, times[places].astype(np.float64), 0.0)
        weights = np.where(real, np.maximum(np.diff(clock, axis=1, prepend=0.0), 0.0), 0.0)
    done = np.cumsum(weights, axis=1)
    still = done[:, -1:] == 0  # nothing but dots: each point counts alike
    done = np.where(still, np.cumsum(real, axis=1), done)
    return _Paths(start, end, air, lifts, done / done[:, -1:], lengths)


def _tracks(paths: _Paths, layout: Layout) -> NDArray[np.float32]:
    """float32 [B, M, 3]."""
    count, steps = len(paths.share), layout.steps
    shares = np.arange(1, steps + 1) / steps  # [M]
    row = np.stack(  # [B, M], the row in which each share is reached
        [
            np.searchsorted(own[:length], shares)
            for own, length in zip(paths.share, paths.lengths, strict=True)
        ]
    )
    each = np.arange(count)[:, None]
    first, last = paths.before[each, row], paths.share[each, row]
    part = np.clip((shares - first) / np.maximum(last - first, 1e-12), 0.0, 1.0)[:, :, None]
    place = paths.start[each, row] * (1.0 - part) + paths.end[each, row] * part  # [B, M, 2]
    place[:, -1] = paths.end[:, -1]
    tracks = np.zeros((count, steps, 3), np.float32)
    tracks[:, :, :2] = np.diff(place, axis=1, prepend=0.0) / layout.scale
    drawing, at = np.nonzero(paths.lifts)
    tracks[drawing, _part_of(paths.share[drawing, at], steps), 2] = 1.0
    return tracks


def _part_of(share: Floats, parts: int) -> Ints:
    """Which of so many equal parts a share falls in, their upper ends included."""
    return np.clip(np.ceil(share * parts).astype(np.int64) - 1, 0, parts - 1)


def _drawn(paths: _Paths, layout: Layout) -> NDArray[np.uint8]:
    """uint8 [B, N, H, W]."""
    starts, ends, image = _pieces(paths, layout)
    reach = (layout.pen + 1) / 2  # pixels from a line's middle to where its ink ends
    side = int(PIECE + 2 * reach) + 1  # S: holds every pixel whose middle is within reach of a piece
    corner = np.ceil(np.minimum(starts, ends) - reach - 0.5).astype(np.int64)  # [P, 2], first pixel
    near = np.arange(side)
    begin, move = (starts - corner - 0.5).astype(np.float32), (ends - starts).astype(np.float32)
    dx, dy = (near.astype(np.float32) - begin[:, axis, None] for axis in (0, 1))  # each [P, S]
    length = (move * move).sum(axis=1)[:, None, None]
    along = (dy * move[:, 1:])[:, :, None] + (dx * move[:, :1])[:, None, :]  # [P, S, S]
    share = np.clip(along / np.maximum(length, 1e-12), 0.0, 1.0)
    square = (dy * dy)[:, :, None] + (dx * dx)[:, None, :] - share * (2 * along - share * length)
    inked = np.flatnonzero(square < reach * reach)
    nearest = np.sqrt(np.maximum(square.ravel()[inked], 0.0))
    ink = np.rint(255 * np.minimum(np.float32(reach) - nearest, 1.0)).astype(np.uint8)
    first = (image * layout.height + corner[:, 1]) * layout.width + corner[:, 0]  # [P], flat
    window = (near[:, None] * layout.width + near).ravel()  # [S * S]
    piece, pixel = np.divmod(inked, side * side)
    frames = np.zeros((len(paths.share), layout.frames, layout.height, layout.width), np.uint8)
    np.maximum.at(frames.reshape(-1), first[piece] + window[pixel], ink)
    return np.maximum.accumulate(frames, axis=1)


def _pieces(paths: _Paths, layout: Layout) -> tuple[Floats, Floats, Ints]:
    """Lines of `PIECE` pixels at most, each within one frame: from and to [P, 2] in pixels, and its image [P].

    Images are counted over all drawings and frames. A move in the air leaves a dot at its end.
    """
    low = np.minimum(paths.end.min(axis=1), 0.0)[:, None, :]  # [B, 1, 2]; the pen began at 0
    high = np.maximum(paths.end.max(axis=1), 0.0)[:, None, :]
    page = np.array([layout.width, layout.height], np.float64)
    factor = ((page - 1 - layout.pen) / np.maximum(high - low, _TINY)).min(axis=2, keepdims=True)
    drawing, row = np.nonzero(paths.real)
    middle = page / 2 - factor * (low + high) / 2
    start, end = (
        place[drawing, row] * factor[drawing, 0] + middle[drawing, 0] for place in (paths.start, paths.end)
    )
    first, last = paths.before[drawing, row], paths.share[drawing, row]
    air = paths.air[drawing, row]
    start[air], first[air] = end[air], last[air]
    begun = np.minimum(np.floor(first * layout.frames).astype(np.int64), layout.frames - 1)
    until = np.where(air, begun, _part_of(last, layout.frames))  # a dot is there when its stroke begins
    since = np.minimum(begun, until)
    at, turn = _repeated(until - since + 1)
    frame, first, last = since[at] + turn, first[at], last[at]
    size = last - first
    safe = np.where(size > 0, size, 1.0)
    begin = np.where(size > 0, np.clip((frame / layout.frames - first) / safe, 0.0, 1.0), 0.0)
    finish = np.where(size > 0, np.clip(((frame + 1) / layout.frames - first) / safe, 0.0, 1.0), 1.0)
    move = (end - start)[at]
    pixels = np.hypot(move[:, 0], move[:, 1]) * (finish - begin)
    cuts = np.maximum(np.ceil(pixels / PIECE).astype(np.int64), 1)
    of, turn = _repeated(cuts)
    each = ((finish - begin) / cuts)[of]
    begin = begin[of] + turn * each
    origin, move = start[at][of], move[of]
    image = (drawing[at] * layout.frames + frame)[of]
    return origin + move * begin[:, None], origin + move * (begin + each)[:, None], image


def _repeated(counts: Ints) -> tuple[Ints, Ints]:
    """Each position as often as its count says, and which time of that it is: [2, 1] → [0, 0, 1], [0, 1, 0]."""
    at = np.repeat(np.arange(len(counts)), counts)
    return at, np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
