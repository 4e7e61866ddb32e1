"""Pen strokes → a video of the drawing being drawn, and the track of the pen; with numpy only.

Frame i of N shows the drawing up to the share (i + 1) / N of the ink (the length of all drawn lines; moves in the air
take none) or of the time. The last frame is the finished drawing. Lines have soft edges: the ink of a pixel is the share
of its width that the nearest line covers, as in `models/layers/lines.py`. Lines are cut into short pieces, each within
one frame, and each piece touches only the pixels near it, so the work grows with the ink, not with the number of pixels.

Shapes: B drawings, T points of the longest of them, N frames of H x W pixels, M = N * steps_per_frame steps of the track,
P pieces, S pixels per side of the window around a piece. A point is (dx, dy, pen_lift), relative to the previous point;
the first is relative to where the pen first touched the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records.spec import WatchSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 64  # drawings rendered at once; their arrays fit into a CPU cache
PIECE = 3.0  # maximum length of a piece in pixels
_TINY = 1e-6


@dataclass(frozen=True)
class Layout:
    """Size and timing of the videos.

    Attributes:
        frames: N.
        height: H, pixels.
        width: W, pixels.
        steps_per_frame: steps of the track per frame.
        by: "ink" or "time": the quantity that frames and steps divide equally.
        pen: width of the drawn lines in pixels.
        scale: divisor of dx and dy of the track.
    """

    frames: int
    height: int
    width: int
    steps_per_frame: int
    by: str
    pen: float
    scale: float

    @classmethod
    def from_spec(cls, spec: WatchSpec) -> Self:
        """The layout stored in a spec.json of the task watch."""
        return cls(**{name: spec[name] for name in cls.__dataclass_fields__})  # type: ignore[literal-required]

    @property
    def steps(self) -> int:
        """M, the steps of the track."""
        return self.frames * self.steps_per_frame


@dataclass(frozen=True)
class _Paths:
    """Pen movements in time: row t moves from `start` to `end`; padding rows stay at the last position.

    Attributes:
        start: [B, T, 2].
        end: [B, T, 2].
        air: bool [B, T]; moves with the pen in the air. The first row is never one.
        lifts: bool [B, T]; whether the pen is lifted after the row.
        share: [B, T]; share of the drawing that is complete after the row, 0 to 1, and exactly 1 after the last row.
        lengths: int [B], points.
    """

    start: Floats
    end: Floats
    air: NDArray[np.bool_]
    lifts: NDArray[np.bool_]
    share: Floats
    lengths: Ints

    @property
    def share_before(self) -> Floats:
        """The share that is complete before each row, [B, T]."""
        return np.pad(self.share[:, :-1], ((0, 0), (1, 0)))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """False on padding, [B, T]."""
        rows: NDArray[np.bool_] = np.arange(self.share.shape[1]) < self.lengths[:, None]
        return rows


def render_videos(
    points: NDArray[np.floating], spans: Ints, layout: Layout, times: NDArray[np.number] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Render frames and tracks of drawings; the result of a drawing does not depend on the others.

    Args:
        points: [_, 3], the points of all drawings in the source's units.
        spans: [B, 2], position in `points` of each drawing's first point and of the one after its last.
        layout: size and timing of the videos.
        times: [_], ms since the drawing began, per point; needed for `by: time`.

    Returns:
        Frames uint8 [B, N, H, W], 255 for full ink, rows from the top. Tracks float32 [B, M, 3]: the movement of the
        pen in each of M equal shares, divided by `layout.scale`, and 1 if the pen was lifted in it.

    Raises:
        ValueError: if a drawing has no point, or if `by` is "time" and there are no times.
    """
    if (spans[:, 1] <= spans[:, 0]).any():
        raise ValueError("a drawing should have at least one point")
    if layout.by == "time" and times is None:
        raise ValueError("by: time needs the times of the points")
    frames = np.empty((len(spans), layout.frames, layout.height, layout.width), np.uint8)
    tracks = np.empty((len(spans), layout.steps, 3), np.float32)
    for start in range(0, len(spans), CHUNK):
        chunk = slice(start, start + CHUNK)
        paths = _paths(points, spans[chunk], times if layout.by == "time" else None)
        frames[chunk] = _frames(paths, layout)
        tracks[chunk] = _tracks(paths, layout)
    return frames, tracks


def _paths(points: NDArray[np.floating], spans: Ints, times: NDArray[np.number] | None) -> _Paths:
    """The drawings padded to one length; without times, shares are those of the ink."""
    lengths = spans[:, 1] - spans[:, 0]
    steps = np.arange(int(lengths.max()))
    mask = steps < lengths[:, None]
    positions = np.where(mask, spans[:, :1] + steps, spans[:, :1])
    rows = np.where(mask[:, :, None], points[positions].astype(np.float64), 0.0)  # [B, T, 3]
    end = np.cumsum(rows[:, :, :2], axis=1)
    start = np.pad(end[:, :-1], ((0, 0), (1, 0), (0, 0)))
    lifts = rows[:, :, 2] > 0.5
    air = np.pad(lifts[:, :-1], ((0, 0), (1, 0))) & mask
    if times is None:
        distance = np.hypot(rows[:, :, 0], rows[:, :, 1])
        weights = np.where(air, 0.0, distance)
    else:
        clock = np.where(mask, times[positions].astype(np.float64), 0.0)
        weights = np.where(mask, np.maximum(np.diff(clock, axis=1, prepend=0.0), 0.0), 0.0)
    progress = np.cumsum(weights, axis=1)
    only_dots = progress[:, -1:] == 0  # then every point has the same weight
    progress = np.where(only_dots, np.cumsum(mask, axis=1), progress)
    return _Paths(start, end, air, lifts, progress / progress[:, -1:], lengths)


def _tracks(paths: _Paths, layout: Layout) -> NDArray[np.float32]:
    """float32 [B, M, 3]."""
    count, steps = len(paths.share), layout.steps
    shares = np.arange(1, steps + 1) / steps  # [M]
    row = np.stack(  # [B, M], the row in which each share is reached
        [
            np.searchsorted(share[:length], shares)
            for share, length in zip(paths.share, paths.lengths, strict=True)
        ]
    )
    drawing = np.arange(count)[:, None]
    first, last = paths.share_before[drawing, row], paths.share[drawing, row]
    fraction = np.clip((shares - first) / np.maximum(last - first, 1e-12), 0.0, 1.0)[:, :, None]
    position = paths.start[drawing, row] * (1.0 - fraction) + paths.end[drawing, row] * fraction  # [B, M, 2]
    position[:, -1] = paths.end[:, -1]
    tracks = np.zeros((count, steps, 3), np.float32)
    tracks[:, :, :2] = np.diff(position, axis=1, prepend=0.0) / layout.scale
    drawing, row = np.nonzero(paths.lifts)
    tracks[drawing, _interval_index(paths.share[drawing, row], steps), 2] = 1.0
    return tracks


def _interval_index(share: Floats, count: int) -> Ints:
    """Index of the interval that holds each share, of `count` equal intervals that include their upper end."""
    return np.clip(np.ceil(share * count).astype(np.int64) - 1, 0, count - 1)


def _frames(paths: _Paths, layout: Layout) -> NDArray[np.uint8]:
    """uint8 [B, N, H, W]."""
    starts, ends, image = _pieces(paths, layout)
    reach = (layout.pen + 1) / 2  # pixels from the middle of a line to the end of its ink
    side = (
        int(PIECE + 2 * reach) + 1
    )  # S: the window holds every pixel whose middle is within reach of a piece
    corner = np.ceil(np.minimum(starts, ends) - reach - 0.5).astype(np.int64)  # [P, 2], first pixel
    offsets = np.arange(side)
    origin, move = (starts - corner - 0.5).astype(np.float32), (ends - starts).astype(np.float32)
    dx, dy = (offsets.astype(np.float32) - origin[:, axis, None] for axis in (0, 1))  # each [P, S]
    length = (move * move).sum(axis=1)[:, None, None]
    along = (dy * move[:, 1:])[:, :, None] + (dx * move[:, :1])[:, None, :]  # [P, S, S]
    fraction = np.clip(along / np.maximum(length, 1e-12), 0.0, 1.0)
    squared = (dy * dy)[:, :, None] + (dx * dx)[:, None, :] - fraction * (2 * along - fraction * length)
    inked = np.flatnonzero(squared < reach * reach)
    distance = np.sqrt(np.maximum(squared.ravel()[inked], 0.0))
    ink = np.rint(255 * np.minimum(np.float32(reach) - distance, 1.0)).astype(np.uint8)
    first = (image * layout.height + corner[:, 1]) * layout.width + corner[:, 0]  # [P], flat
    window = (offsets[:, None] * layout.width + offsets).ravel()  # [S * S]
    piece, pixel = np.divmod(inked, side * side)
    frames = np.zeros((len(paths.share), layout.frames, layout.height, layout.width), np.uint8)
    np.maximum.at(frames.reshape(-1), first[piece] + window[pixel], ink)
    return np.maximum.accumulate(frames, axis=1)


def _pieces(paths: _Paths, layout: Layout) -> tuple[Floats, Floats, Ints]:
    """Lines of at most `PIECE` pixels, each within one frame: start and end [P, 2] in pixels, and image index [P].

    Images are numbered over all drawings and frames. A move in the air becomes a dot at its end.
    """
    low = np.minimum(paths.end.min(axis=1), 0.0)[:, None, :]  # [B, 1, 2]; the pen starts at 0
    high = np.maximum(paths.end.max(axis=1), 0.0)[:, None, :]
    page = np.array([layout.width, layout.height], np.float64)
    factor = ((page - 1 - layout.pen) / np.maximum(high - low, _TINY)).min(axis=2, keepdims=True)
    drawing, row = np.nonzero(paths.mask)
    middle = page / 2 - factor * (low + high) / 2
    start, end = (
        corner[drawing, row] * factor[drawing, 0] + middle[drawing, 0] for corner in (paths.start, paths.end)
    )
    first, last = paths.share_before[drawing, row], paths.share[drawing, row]
    air = paths.air[drawing, row]
    start[air], first[air] = end[air], last[air]
    first_frame = np.minimum(np.floor(first * layout.frames).astype(np.int64), layout.frames - 1)
    last_frame = np.where(
        air, first_frame, _interval_index(last, layout.frames)
    )  # a dot appears with its stroke
    first_frame = np.minimum(first_frame, last_frame)
    line, turn = _repeat_index(last_frame - first_frame + 1)
    frame, first, last = first_frame[line] + turn, first[line], last[line]
    span = last - first
    divisor = np.where(span > 0, span, 1.0)
    begin = np.where(span > 0, np.clip((frame / layout.frames - first) / divisor, 0.0, 1.0), 0.0)
    finish = np.where(span > 0, np.clip(((frame + 1) / layout.frames - first) / divisor, 0.0, 1.0), 1.0)
    move = (end - start)[line]
    pixels = np.hypot(move[:, 0], move[:, 1]) * (finish - begin)
    pieces = np.maximum(np.ceil(pixels / PIECE).astype(np.int64), 1)
    part, turn = _repeat_index(pieces)
    step = ((finish - begin) / pieces)[part]
    begin = begin[part] + turn * step
    origin, move = start[line][part], move[part]
    image = (drawing[line] * layout.frames + frame)[part]
    return origin + move * begin[:, None], origin + move * (begin + step)[:, None], image


def _repeat_index(counts: Ints) -> tuple[Ints, Ints]:
    """Each index repeated by its count, and the number of the repetition: [2, 1] → [0, 0, 1], [0, 1, 0]."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
