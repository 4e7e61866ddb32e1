"""Pen strokes in a unit box, and rasterised as antialiased lines; one implementation for Keras and numpy.

Shape legend: B batch, T padded points, S pixels per side.
"""

from __future__ import annotations

from typing import Any


def to_unit_box(xp: Any, strokes: Any, mask: Any) -> Any:
    """Pen positions in the bounding box of the drawing: its centre is (0, 0), half its longer side is 1.

    Args:
        xp: `numpy` or `keras.ops`.
        strokes: float [B, T, 3], zero on padding.
        mask: bool [B, T].

    Returns:
        float [B, T, 2]: x and y in [-1, 1], zero on padding.
    """
    mask = mask[:, :, None]
    positions = xp.cumsum(strokes[:, :, :2], axis=1)  # [B, T, 2]
    low = xp.min(xp.where(mask, positions, 1e9), axis=1, keepdims=True)  # [B, 1, 2]
    high = xp.max(xp.where(mask, positions, -1e9), axis=1, keepdims=True)
    half = xp.maximum(xp.max(high - low, axis=2, keepdims=True) / 2, 1e-6)  # [B, 1, 1]
    return xp.where(mask, (positions - (low + high) / 2) / half, 0.0)


def rasterize(xp: Any, positions: Any, lifts: Any, mask: Any, size: int, width: float) -> Any:
    """Rasterise drawings as images.

    The ink of a pixel is the share of its width that the nearest line covers: 1 up to a distance of
    (width - 1) / 2 pixels from the line's centre, 0 from (width + 1) / 2 pixels on, linear in between. The distances
    of all pixels p from all line segments from a to b are computed at once, from products of a column and a row:
    with u = (p - a) · (b - a), L = |b - a|² and t = clip(u / L, 0, 1),
    |p - (a + t (b - a))|² = |p - a|² - t (2 u - t L).

    Args:
        xp: `numpy` or `keras.ops`.
        positions: float [B, T, 2], x to the right and y down in [-1, 1], as returned by `to_unit_box`.
        lifts: [B, T]; above 0.5 if the pen is lifted after the point.
        mask: bool [B, T], at least one true per row.
        size: S.
        width: pen width, pixels.

    Returns:
        float [B, S, S] in [0, 1], rows from the top. A stroke of one point is a dot.
    """
    half = (size - 1 - width) / 2  # pixels from the centre to the outermost line
    ends = positions * half + size / 2  # [B, T, 2], pixels
    stroke_starts = lifts[:, :-1, None] > 0.5  # [B, T - 1, 1], whether the next point starts a stroke
    starts = xp.concatenate([ends[:, :1], xp.where(stroke_starts, ends[:, 1:], ends[:, :-1])], axis=1)
    pixels = xp.arange(size, dtype="float32") + 0.5  # [S], centres
    dx, dy = (pixels - starts[:, :, None, axis] for axis in (0, 1))  # each [B, T, S]
    run, rise = ((ends - starts)[:, :, None, axis] for axis in (0, 1))  # each [B, T, 1]
    length = (run * run + rise * rise)[:, :, :, None]  # L [B, T, 1, 1]
    along = (dy * rise)[:, :, :, None] + (dx * run)[:, :, None, :]  # u [B, T, S, S]
    share = xp.clip(along / xp.maximum(length, 1e-12), 0.0, 1.0)  # t
    square = (dy * dy)[:, :, :, None] + (dx * dx)[:, :, None, :] - share * (2 * along - share * length)
    square = xp.where(mask[:, :, None, None], square, 1e9)  # padding lies far outside the image
    nearest = xp.sqrt(xp.maximum(xp.min(square, axis=1), 0.0))  # [B, S, S]
    return xp.clip((width + 1) / 2 - nearest, 0.0, 1.0)
