"""Features of drawings for models without a network: summary statistics, or the image. numpy only.

Shape legend: N drawings, T padded points, S pixels per side, F features. Strokes are float32 [N, T, 3], (dx, dy,
pen_lift), zero on padding; lengths are int [N], as in records. No result depends on the padding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strokecast.models.layers import lines

DIRECTIONS = 8  # bins of line direction over the full circle
TURNS = 6  # bins of the angle between consecutive lines, 0 to pi
_TINY = 1e-6
_CHUNK = 256  # drawings rasterised at once

NAMES = (
    *("points_log", "strokes_log", "ink", "ink_per_stroke", "pen_up_share", "width", "height", "aspect_log"),
    *("x_mean", "y_mean", "x_std", "y_std", "radius_mean", "radius_std"),
    *("start_x", "start_y", "end_x", "end_y", "start_to_end", "first_stroke_share", "longest_line"),
    *(f"direction_{n}" for n in range(DIRECTIONS)),
    *(f"turn_{n}" for n in range(TURNS)),
)


def to_unit_box(strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return pen positions in the box of each drawing, float32 [N, T, 2]; equal to the layer `Positions`."""
    positions: NDArray[np.float32] = lines.to_unit_box(np, strokes, _mask(strokes, lengths))
    return positions


def images(
    strokes: NDArray[np.float32], lengths: NDArray[np.integer], size: int, width: float
) -> NDArray[np.uint8]:
    """Rasterise the finished drawings: uint8 [N, S, S], 0 is paper and 255 is ink, rows from the top."""
    mask, positions = _mask(strokes, lengths), to_unit_box(strokes, lengths)
    rasters = np.zeros((len(strokes), size, size), np.uint8)
    for start in range(0, len(strokes), _CHUNK):
        rows = slice(start, start + _CHUNK)
        ink = lines.rasterize(np, positions[rows], strokes[rows, :, 2], mask[rows], size, width)
        rasters[rows] = np.rint(ink * 255)
    return rasters


def summary(strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the features in `NAMES`: float64 [N, F].

    Lengths are in units of half the side of the drawing's box; `width` and `height` are in units of the strokes.
    """
    mask, positions = _mask(strokes, lengths), to_unit_box(strokes, lengths).astype(np.float64)
    count = lengths.astype(np.float64)
    lifts = (strokes[:, :, 2] > 0.5) & mask
    starts_stroke = np.zeros_like(mask)
    starts_stroke[:, 0] = True
    starts_stroke[:, 1:] = lifts[:, :-1] & mask[:, 1:]
    moves = np.diff(positions, axis=1, prepend=positions[:, :1])  # [N, T, 2]
    length = np.where(mask, np.hypot(moves[:, :, 0], moves[:, :, 1]), 0.0)
    drawn = np.where(starts_stroke, 0.0, length)  # [N, T], length of each drawn line
    ink, travel = drawn.sum(axis=1), np.where(starts_stroke, length, 0.0).sum(axis=1)
    stroke_count = starts_stroke.sum(axis=1)
    low = np.where(mask[:, :, None], positions, np.inf).min(axis=1)
    high = np.where(mask[:, :, None], positions, -np.inf).max(axis=1)
    extent = np.maximum(high - low, _TINY)  # [N, 2], the longer one is 2
    raw_positions = np.cumsum(strokes[:, :, :2].astype(np.float64), axis=1)
    raw_extent = np.where(mask[:, :, None], raw_positions, -np.inf).max(axis=1)
    raw_extent -= np.where(mask[:, :, None], raw_positions, np.inf).min(axis=1)
    mean = positions.sum(axis=1) / count[:, None]  # padding lies at 0
    centred = np.where(mask[:, :, None], positions - mean[:, None], 0.0)
    std = np.sqrt((centred**2).sum(axis=1) / count[:, None])
    radius = np.hypot(centred[:, :, 0], centred[:, :, 1])
    radius_mean = radius.sum(axis=1) / count
    radius_std = np.sqrt(np.maximum((radius**2).sum(axis=1) / count - radius_mean**2, 0.0))
    start, end = positions[:, 0], positions[np.arange(len(positions)), lengths - 1]
    first = np.cumsum(starts_stroke, axis=1) == 1
    first_ink = np.where(first, drawn, 0.0).sum(axis=1)
    features = [
        *(np.log(count), np.log(stroke_count), ink, ink / stroke_count, travel / (ink + travel + _TINY)),
        *(raw_extent[:, 0], raw_extent[:, 1], np.log(extent[:, 0] / extent[:, 1]).clip(-5, 5)),
        *(mean[:, 0], mean[:, 1], std[:, 0], std[:, 1], radius_mean, radius_std),
        *(start[:, 0], start[:, 1], end[:, 0], end[:, 1], np.hypot(*(end - start).T)),
        *(first_ink / (ink + _TINY), drawn.max(axis=1)),
    ]
    return np.column_stack([*features, _directions(moves, drawn, ink), _turns(moves, drawn)])


def _directions(moves: NDArray[np.float64], drawn: NDArray[np.float64], ink: NDArray[np.float64]) -> NDArray:
    """Return the share of ink per direction bin: [N, DIRECTIONS]."""
    angle = np.arctan2(moves[:, :, 1], moves[:, :, 0]) % (2 * np.pi)
    bins = np.rint(angle / (2 * np.pi / DIRECTIONS)).astype(np.int64) % DIRECTIONS
    shares = [np.where(bins == n, drawn, 0.0).sum(axis=1) / (ink + _TINY) for n in range(DIRECTIONS)]
    return np.column_stack(shares)


def _turns(moves: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray:
    """Return the share of corners per bin of the angle between consecutive lines: [N, TURNS]."""
    is_corner = (drawn[:, 1:] > 0) & (drawn[:, :-1] > 0)
    before, after = moves[:, :-1], moves[:, 1:]
    cross = before[:, :, 0] * after[:, :, 1] - before[:, :, 1] * after[:, :, 0]
    angle = np.abs(np.arctan2(cross, (before * after).sum(axis=2)))  # 0 to pi
    bins = np.minimum((angle / (np.pi / TURNS)).astype(np.int64), TURNS - 1)
    corners = np.maximum(is_corner.sum(axis=1), 1)
    return np.column_stack([((bins == n) & is_corner).sum(axis=1) / corners for n in range(TURNS)])


def _mask(strokes: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.arange(strokes.shape[1]) < lengths[:, None]
    return mask
