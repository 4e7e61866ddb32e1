"""What can be said of a drawing without a network: a few dozen numbers, or its image. numpy alone.

Shape legend: N drawings, T padded points, S pixels a side; strokes are float32 [N, T, 3], (dx, dy, pen_lift),
zero on padding, and lengths int [N], as records hold them. Padding has no say in any result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strokecast.models.layers import lines

DIRECTIONS = 8  # bins of the way lines point, a full circle
TURNS = 6  # bins of the angle between a line and the next, 0 to pi
_TINY = 1e-6
_CHUNK = 256  # drawings rendered at once

NAMES = (
    *("points_log", "strokes_log", "ink", "ink_per_stroke", "pen_up_share", "width", "height", "aspect_log"),
    *("x_mean", "y_mean", "x_std", "y_std", "radius_mean", "radius_std"),
    *("start_x", "start_y", "end_x", "end_y", "start_to_end", "first_stroke_share", "longest_line"),
    *(f"direction_{n}" for n in range(DIRECTIONS)),
    *(f"turn_{n}" for n in range(TURNS)),
)


def boxed(strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.float32]:
    """Where the pen is, in a box of each drawing's own size: float32 [N, T, 2], as the layer `Positions`."""
    placed: NDArray[np.float32] = lines.boxed(np, strokes, _real(strokes, lengths))
    return placed


def images(
    strokes: NDArray[np.float32], lengths: NDArray[np.integer], size: int, width: float
) -> NDArray[np.uint8]:
    """The finished drawings: uint8 [N, S, S], 255 where there is ink, rows from the top."""
    real, places = _real(strokes, lengths), boxed(strokes, lengths)
    made = np.zeros((len(strokes), size, size), np.uint8)
    for at in range(0, len(strokes), _CHUNK):
        part = slice(at, at + _CHUNK)
        ink = lines.draw(np, places[part], strokes[part, :, 2], real[part], size, width)
        made[part] = np.rint(ink * 255)
    return made


def summary(strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.float64]:
    """The numbers of `NAMES`: float64 [N, F]. Sizes are in units of the box's half side, but width and height."""
    real, place = _real(strokes, lengths), boxed(strokes, lengths).astype(np.float64)
    count = lengths.astype(np.float64)
    lifts = (strokes[:, :, 2] > 0.5) & real
    begins = np.zeros_like(real)
    begins[:, 0] = True
    begins[:, 1:] = lifts[:, :-1] & real[:, 1:]
    moves = np.diff(place, axis=1, prepend=place[:, :1])  # [N, T, 2]
    size = np.where(real, np.hypot(moves[:, :, 0], moves[:, :, 1]), 0.0)
    down = np.where(begins, 0.0, size)  # length of each line that is drawn
    ink, travel = down.sum(axis=1), np.where(begins, size, 0.0).sum(axis=1)
    strokes_in_it = begins.sum(axis=1)
    low = np.where(real[:, :, None], place, np.inf).min(axis=1)
    high = np.where(real[:, :, None], place, -np.inf).max(axis=1)
    extent = np.maximum(high - low, _TINY)  # [N, 2], the longer one is 2
    raw = np.cumsum(strokes[:, :, :2].astype(np.float64), axis=1)
    whole = np.where(real[:, :, None], raw, -np.inf).max(axis=1)
    whole -= np.where(real[:, :, None], raw, np.inf).min(axis=1)
    mean = place.sum(axis=1) / count[:, None]  # padding lies at 0
    off = np.where(real[:, :, None], place - mean[:, None], 0.0)
    std = np.sqrt((off**2).sum(axis=1) / count[:, None])
    radius = np.hypot(off[:, :, 0], off[:, :, 1])
    radius_mean = radius.sum(axis=1) / count
    radius_std = np.sqrt(np.maximum((radius**2).sum(axis=1) / count - radius_mean**2, 0.0))
    start, end = place[:, 0], place[np.arange(len(place)), lengths - 1]
    first = np.cumsum(begins, axis=1) == 1
    first_ink = np.where(first, down, 0.0).sum(axis=1)
    numbers = [
        *(np.log(count), np.log(strokes_in_it), ink, ink / strokes_in_it, travel / (ink + travel + _TINY)),
        *(whole[:, 0], whole[:, 1], np.log(extent[:, 0] / extent[:, 1]).clip(-5, 5)),
        *(mean[:, 0], mean[:, 1], std[:, 0], std[:, 1], radius_mean, radius_std),
        *(start[:, 0], start[:, 1], end[:, 0], end[:, 1], np.hypot(*(end - start).T)),
        *(first_ink / (ink + _TINY), down.max(axis=1)),
    ]
    return np.column_stack([*numbers, _directions(moves, down, ink), _turns(moves, down)])


def _directions(moves: NDArray[np.float64], down: NDArray[np.float64], ink: NDArray[np.float64]) -> NDArray:
    """Share of ink that points each way: [N, DIRECTIONS]."""
    angle = np.arctan2(moves[:, :, 1], moves[:, :, 0]) % (2 * np.pi)
    bins = np.rint(angle / (2 * np.pi / DIRECTIONS)).astype(np.int64) % DIRECTIONS
    shares = [np.where(bins == n, down, 0.0).sum(axis=1) / (ink + _TINY) for n in range(DIRECTIONS)]
    return np.column_stack(shares)


def _turns(moves: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray:
    """Share of corners of each angle between two lines drawn one after the other: [N, TURNS]."""
    both = (down[:, 1:] > 0) & (down[:, :-1] > 0)
    before, after = moves[:, :-1], moves[:, 1:]
    cross = before[:, :, 0] * after[:, :, 1] - before[:, :, 1] * after[:, :, 0]
    angle = np.abs(np.arctan2(cross, (before * after).sum(axis=2)))  # 0 to pi
    bins = np.minimum((angle / (np.pi / TURNS)).astype(np.int64), TURNS - 1)
    corners = np.maximum(both.sum(axis=1), 1)
    return np.column_stack([((bins == n) & both).sum(axis=1) / corners for n in range(TURNS)])


def _real(strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.bool_]:
    real: NDArray[np.bool_] = np.arange(strokes.shape[1]) < lengths[:, None]
    return real
