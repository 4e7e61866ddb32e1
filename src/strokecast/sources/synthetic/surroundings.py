"""Ornaments that people add to a drawing of any class: birds, sparkles, drops, grass, a ground line, spots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from strokecast.sources.synthetic.pen import DrawingRng, Points, Stroke, arc, curve, join, line

PROBABILITY = 0.45  # of any ornament


def surroundings(strokes: Sequence[Points], rng: DrawingRng) -> list[Points]:
    """Random ornaments around a drawing; their choice does not depend on its class.

    Args:
        strokes: strokes of the drawing, float64 `[n, 2]` each.
        rng: random numbers of the drawing.

    Returns:
        Further strokes in the same coordinates; often none.
    """
    if not rng.bernoulli(PROBABILITY):
        return []
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    if rng.bernoulli(0.3):
        return [stroke.points for stroke in _ground(rng, low, high)]
    middle, half = (low + high) / 2, (high - low) / 2
    direction = rng.uniform(0.0, 2 * math.pi)
    ornament = ORNAMENTS[rng.randint(0, len(ORNAMENTS) - 1)]
    ornaments: list[Points] = []
    for _ in range(rng.randint(1, 3)):
        angle = direction + rng.normal(0.5)
        reach = rng.uniform(1.25, 1.9)
        at = middle + (half + 0.15) * reach * (math.cos(angle), math.sin(angle))
        size = rng.uniform(0.08, 0.2)
        ornaments += [stroke.points * size + at for stroke in ornament(rng)]
    return ornaments


def _ground(rng: DrawingRng, low: Points, high: Points) -> list[Stroke]:
    y = float(high[1]) + rng.uniform(0.0, 0.15)
    left, right = float(low[0]) - rng.uniform(0.0, 0.8), float(high[0]) + rng.uniform(0.0, 0.8)
    if rng.bernoulli(0.6):
        return [curve((left, y + rng.normal(0.08)), ((left + right) / 2, y + rng.normal(0.1)), (right, y))]
    count = rng.randint(3, 7)
    grass_height = rng.uniform(0.1, 0.3)
    step = (right - left) / count
    corners = [(left, y)]
    for k in range(count):
        corners += [(left + (k + 0.5) * step, y - grass_height), (left + (k + 1) * step, y)]
    return [line(*corners)]


def _bird(rng: DrawingRng) -> list[Stroke]:
    return [join(curve((-1, 0), (-0.5, -0.8), (0, 0)), curve((0, 0), (0.5, -0.8), (1, 0)))]


def _sparkle(rng: DrawingRng) -> list[Stroke]:
    return [line((-0.8, 0), (0.8, 0)), line((0, -0.8), (0, 0.8))]


def _drop(rng: DrawingRng) -> list[Stroke]:
    return [line((0, -0.8), (-0.2, 0.8))]


def _spot(rng: DrawingRng) -> list[Stroke]:
    return [arc((0, 0), (0.7, 0.7), rng.uniform(0, 6), 2 * math.pi)]


def _ripple(rng: DrawingRng) -> list[Stroke]:
    return [curve((-1.2, 0), (-0.4, -1.2), (0.4, 1.2), (1.2, 0))]


ORNAMENTS: tuple[Callable[[DrawingRng], list[Stroke]], ...] = (_bird, _sparkle, _drop, _spot, _ripple)
