"""Pen strokes in a box, and as lines with soft edges on pixels: the same sums for a network and for numpy.

Shape legend: B batch, T padded points, S pixels a side.
"""

from __future__ import annotations

from typing import Any


def boxed(xp: Any, strokes: Any, real: Any) -> Any:
    """Where the pen is, in a box of the drawing's own size: its middle is (0, 0), half its longer side 1.

    Args:
        xp: `numpy` or `keras.ops`.
        strokes: float [B, T, 3], zero on padding.
        real: bool [B, T].

    Returns:
        float [B, T, 2]: x and y in [-1, 1], zero on padding.
    """
    real = real[:, :, None]
    place = xp.cumsum(strokes[:, :, :2], axis=1)  # [B, T, 2]
    low = xp.min(xp.where(real, place, 1e9), axis=1, keepdims=True)  # [B, 1, 2]
    high = xp.max(xp.where(real, place, -1e9), axis=1, keepdims=True)
    half = xp.maximum(xp.max(high - low, axis=2, keepdims=True) / 2, 1e-6)  # [B, 1, 1]
    return xp.where(real, (place - (low + high) / 2) / half, 0.0)


def draw(xp: Any, positions: Any, lifts: Any, real: Any, size: int, width: float) -> Any:
    """Images of drawings.

    A pixel's ink is how much of its width the nearest line covers: 1 up to half the pen's width less half
    a pixel from the line's middle, 0 from half a pixel beyond it. The distance of every pixel p from every
    line from a to b is reckoned at once, from products of a column and a row:
    with u = (p - a) · (b - a), L = |b - a|² and t = clip(u / L, 0, 1),
    |p - (a + t (b - a))|² = |p - a|² - t (2 u - t L).

    Args:
        xp: `numpy` or `keras.ops`.
        positions: float [B, T, 2], x to the right and y down in [-1, 1], as `Positions` gives them.
        lifts: [B, T]; above 0.5 where the pen is lifted after the point.
        real: bool [B, T], at least one true in each row.
        size: S.
        width: of the pen, in pixels.

    Returns:
        float [B, S, S] in [0, 1], rows from the top; a stroke of one point is a dot.
    """
    half = (size - 1 - width) / 2  # pixels from the middle to the outermost line
    ends = positions * half + size / 2  # [B, T, 2], in pixels
    begun = lifts[:, :-1, None] > 0.5  # [B, T - 1, 1], the next point begins a stroke
    starts = xp.concatenate([ends[:, :1], xp.where(begun, ends[:, 1:], ends[:, :-1])], axis=1)
    pixels = xp.arange(size, dtype="float32") + 0.5  # [S], their middles
    dx, dy = (pixels - starts[:, :, None, axis] for axis in (0, 1))  # each [B, T, S]
    run, rise = ((ends - starts)[:, :, None, axis] for axis in (0, 1))  # each [B, T, 1]
    length = (run * run + rise * rise)[:, :, :, None]  # L [B, T, 1, 1]
    along = (dy * rise)[:, :, :, None] + (dx * run)[:, :, None, :]  # u [B, T, S, S]
    share = xp.clip(along / xp.maximum(length, 1e-12), 0.0, 1.0)  # t
    square = (dy * dy)[:, :, :, None] + (dx * dx)[:, :, None, :] - share * (2 * along - share * length)
    square = xp.where(real[:, :, None, None], square, 1e9)  # padding is drawn far off the page
    nearest = xp.sqrt(xp.maximum(xp.min(square, axis=1), 0.0))  # [B, S, S]
    return xp.clip((width + 1) / 2 - nearest, 0.0, 1.0)
