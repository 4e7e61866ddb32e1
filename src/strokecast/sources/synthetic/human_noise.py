"""Human noise: turns ideal strokes into strokes as people draw them, shaky and in varying order.

All amounts scale with `noise`, the sloppiness of one drawing; with `noise` 0 the strokes stay ideal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np

from strokecast.sources.synthetic.pen import SPACING, DrawingRng, Points, Stroke
from strokecast.sources.synthetic.surroundings import surroundings

NOISE_PER_SLOPPINESS = 0.5


def add_human_noise(strokes: Sequence[Stroke], rng: DrawingRng, sloppiness: float) -> list[Points]:
    """Draw the strokes of one doodle as a person would.

    Args:
        strokes: ideal strokes in the usual drawing order.
        rng: random numbers of the drawing.
        sloppiness: 0: exact; 1: as people draw on average.

    Returns:
        Drawn strokes, float64 `[n, 2]` each, n >= 2.
    """
    noise = NOISE_PER_SLOPPINESS * sloppiness * min(math.exp(rng.normal(0.35)), 2.0)  # varies per drawing
    drawn = [
        _perturb_stroke(stroke, rng, noise)
        for stroke in _reorder(strokes, rng, noise)
        if not (stroke.optional and rng.bernoulli(min(0.10 * noise, 0.5)))
    ]
    drawn = _vary_pen_lifts(drawn, rng, noise)
    drawn = _leave_unfinished(drawn, rng, noise)
    drawn += _retrace(drawn, rng, noise)
    drawn += surroundings(drawn, rng)
    return _distort(drawn, rng, noise)


def _reorder(strokes: Sequence[Stroke], rng: DrawingRng, noise: float) -> list[Stroke]:
    """Swap neighbouring strokes now and then; rarely start in the middle."""
    order = list(strokes)
    if len(order) > 2 and rng.bernoulli(min(0.03 * noise, 0.3)):
        start = rng.randint(1, len(order) - 1)
        order = order[start:] + order[:start]
    for index in range(len(order) - 1):
        if rng.bernoulli(min(0.05 * noise, 0.4)):
            order[index], order[index + 1] = order[index + 1], order[index]
    return order


def _perturb_stroke(stroke: Stroke, rng: DrawingRng, noise: float) -> Points:
    """Vary closure, direction, corners, size, angle and position of a stroke, and add jitter."""
    points = stroke.points
    if stroke.closed:
        points = _vary_closure(points, rng, noise)
    if rng.bernoulli(min(0.04 * noise, 0.5)):
        points = points[::-1]
    points = _round_corners(points, rng, noise)
    span = points.max(axis=0) - points.min(axis=0)
    size = max(float(span.max()), 0.1)
    centre = points.mean(axis=0)
    scale = math.exp(rng.normal(0.06) * noise)
    angle = rng.normal(0.05) * noise
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    offset = np.array((rng.normal(0.03), rng.normal(0.03))) * noise * (0.5 + 0.5 * min(size, 1.5))
    placed = (points - centre) @ np.array(((c, s), (-s, c))) + centre + offset
    length = len(placed) * SPACING
    jitter = _smooth_noise(rng, len(placed), length / 0.5) * (0.02 * noise * min(size, 1.0))
    jitter += _smooth_noise(rng, len(placed), length / 0.13) * (0.006 * noise * min(2 * size, 1.0))
    return placed + jitter


def _vary_closure(points: Points, rng: DrawingRng, noise: float) -> Points:
    """End a closed stroke before its start, or overshoot it."""
    fraction = rng.normal(0.05) * noise + 0.01 * noise
    count = int(min(abs(fraction), 0.25) * len(points))
    if count == 0:
        return points
    return np.concatenate((points, points[1 : count + 1])) if fraction > 0 else points[:-count]


def _round_corners(points: Points, rng: DrawingRng, noise: float) -> Points:
    """Round corners off by a moving average along the stroke; the end points do not move."""
    radius = min(int(abs(rng.normal(2.0)) * noise), 6, (len(points) - 1) // 4)
    if radius < 1:
        return points
    window = 2 * radius + 1
    padded = np.concatenate(
        (np.repeat(points[:1], radius, axis=0), points, np.repeat(points[-1:], radius, axis=0))
    )
    sums = np.concatenate((np.zeros((1, 2)), np.cumsum(padded, axis=0)))
    return (sums[window:] - sums[:-window]) / window


def _smooth_noise(rng: DrawingRng, count: int, n_waves: float) -> Points:
    """Smooth noise `[count, 2]` with a standard deviation of about 1 and about `n_waves` waves."""
    n_knots = max(2, math.ceil(n_waves) + 1)
    values = rng.generator.standard_normal((n_knots, 2))
    left, weight = _interpolation(count, n_knots)
    start = values[left]
    return start + weight * (values[left + 1] - start)


@lru_cache(maxsize=4096)
def _interpolation(count: int, n_knots: int) -> tuple[np.ndarray, Points]:
    """Index of the knot left of each point `[count]`, and smoothstep weight of the right one `[count, 1]`."""
    positions = np.linspace(0.0, n_knots - 1.0, count)
    left = np.minimum(positions.astype(np.int64), n_knots - 2)
    fraction = positions - left
    return left, (fraction * fraction * (3.0 - 2.0 * fraction))[:, None]


def _vary_pen_lifts(drawn: list[Points], rng: DrawingRng, noise: float) -> list[Points]:
    """Lift the pen within a stroke, or keep it down on a short way to the next stroke."""
    result: list[Points] = []
    for points in drawn:
        if len(points) > 20 and rng.bernoulli(min(0.03 * noise, 0.3)):
            cut = rng.randint(len(points) // 4, 3 * len(points) // 4)
            jump = np.array((rng.normal(0.02), rng.normal(0.02))) * noise
            result += [points[:cut], points[cut - 1 :] + jump]
        elif (
            result
            and math.hypot(*(points[0] - result[-1][-1])) < 0.35
            and rng.bernoulli(min(0.05 * noise, 0.4))
        ):
            result[-1] = np.concatenate((result[-1], points))
        else:
            result.append(points)
    return result


def _leave_unfinished(drawn: list[Points], rng: DrawingRng, noise: float) -> list[Points]:
    """Drop or shorten the last stroke, as when the time is over or the game has recognised the drawing."""
    if len(drawn) > 3 and rng.bernoulli(min(0.03 * noise, 0.3)):
        return drawn[:-1]
    if rng.bernoulli(min(0.03 * noise, 0.3)) and len(drawn) > 1:
        last = drawn[-1]
        return [*drawn[:-1], last[: max(3, int(len(last) * rng.uniform(0.4, 0.9)))]]
    return drawn


def _retrace(drawn: list[Points], rng: DrawingRng, noise: float) -> list[Points]:
    """Draw a section of one stroke a second time."""
    if not rng.bernoulli(min(0.06 * noise, 0.4)):
        return []
    stroke = drawn[rng.randint(0, len(drawn) - 1)]
    if len(stroke) <= 8:
        return []
    start = rng.randint(0, len(stroke) // 2)
    stop = start + rng.randint(len(stroke) // 4, len(stroke) // 2)
    section = stroke[start : stop + 2]
    return [section + _smooth_noise(rng, len(section), 2.0) * 0.03 * noise]


def _distort(drawn: list[Points], rng: DrawingRng, noise: float) -> list[Points]:
    """Rotate, stretch, shear and bend the whole drawing."""
    angle = rng.normal(0.24) * noise
    stretch = math.exp(max(-0.35, min(rng.normal(0.13) * noise, 0.35)))
    shear = rng.normal(0.10) * noise
    c, s = math.cos(angle), math.sin(angle)
    matrix = np.array(((stretch, 0.0), (shear, 1.0 / stretch))) @ np.array(((c, s), (-s, c)))
    bend = np.clip(rng.generator.standard_normal((2, 3)) * 0.05 * noise, -0.2, 0.2)
    points = np.concatenate(drawn)
    x, y = points[:, 0], points[:, 1]
    warp = np.column_stack((x * x, x * y, y * y)) @ bend.T
    placed = (points + warp) @ matrix
    ends = list(accumulate(len(stroke) for stroke in drawn))
    return [placed[start:end] for start, end in pairwise((0, *ends))]
