"""Random numbers and strokes: the building blocks of the shapes.

Coordinates are about [-1, 1], y down. A stroke's points are float64 `[n, 2]`, about `SPACING` apart.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

SPACING = 0.035  # about 4 units of the 255 box

Points = np.ndarray


@dataclass(frozen=True, slots=True)
class Stroke:
    """One ideal stroke, before human noise is added.

    Attributes:
        points: float64 `[n, 2]` = (x, y).
        closed: whether the stroke ends where it starts.
        optional: whether people often leave the stroke out.
    """

    points: Points
    closed: bool = False
    optional: bool = False


class DrawingRng:
    """Random number generator of one drawing, seeded by (seed, label, split, index)."""

    __slots__ = ("generator",)

    def __init__(self, seed: int, label: str, split: str, index: int) -> None:
        key = hashlib.blake2b(f"{seed}/{label}/{split}/{index}".encode(), digest_size=16).digest()
        self.generator = np.random.Generator(np.random.Philox(key=np.frombuffer(key, dtype="<u8")))

    def uniform(self, low: float, high: float) -> float:
        """A float in [low, high)."""
        return low + (high - low) * self.generator.random()

    def normal(self, std: float = 1.0) -> float:
        """A normally distributed float with mean 0."""
        return std * self.generator.standard_normal()

    def bernoulli(self, probability: float) -> bool:
        """True with the given probability."""
        return self.generator.random() < probability

    def randint(self, low: int, high: int) -> int:
        """An integer from low to high, both inclusive."""
        return low + int(self.generator.random() * (high - low + 1))

    def sign(self, p_negative: float = 0.5) -> float:
        """-1 with probability `p_negative`, else 1."""
        return -1.0 if self.generator.random() < p_negative else 1.0


def line(*corners: tuple[float, float], closed: bool = False, optional: bool = False) -> Stroke:
    """A polyline through the corners; `closed`: back to the first corner."""
    vertices = np.array((*corners, corners[0]) if closed else corners, dtype=np.float64)
    edges = vertices[1:] - vertices[:-1]
    steps = np.ceil(np.hypot(edges[:, 0], edges[:, 1]) / SPACING).astype(np.int64).clip(2)
    edge = np.repeat(np.arange(len(steps)), steps)
    fraction = (np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)) / steps[edge]
    points = np.concatenate((vertices[edge] + fraction[:, None] * edges[edge], vertices[-1:]))
    return Stroke(points, closed, optional)


def arc(
    centre: tuple[float, float],
    radii: tuple[float, float],
    start: float,
    sweep: float,
    tilt: float = 0.0,
    optional: bool = False,
) -> Stroke:
    """An arc of an ellipse; a sweep of 2 pi or more gives a closed ellipse.

    Args:
        centre: x and y.
        radii: along x and y.
        start: start angle in radians; 0 points right, and angles grow clockwise because y points down.
        sweep: signed angle from start to end, radians.
        tilt: rotation of the ellipse, radians.
        optional: see `Stroke`.
    """
    length = abs(sweep) * max(radii)
    count = max(7, math.ceil(length / SPACING))
    angles = start + np.arange(count) * (sweep / (count - 1))
    x, y = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    c, s = math.cos(tilt), math.sin(tilt)
    points = np.column_stack((centre[0] + c * x - s * y, centre[1] + s * x + c * y))
    return Stroke(points, abs(sweep) >= 2 * math.pi - 1e-9, optional)


def curve(*knots: tuple[float, float], optional: bool = False) -> Stroke:
    """A Bezier curve with any number of control points."""
    length = sum(math.dist(a, b) for a, b in pairwise(knots))
    points = _bernstein(len(knots), max(5, math.ceil(length / SPACING))) @ np.array(knots, dtype=np.float64)
    return Stroke(points, False, optional)


@lru_cache(maxsize=1024)
def _bernstein(knots: int, count: int) -> Points:
    """Bernstein weights `[count, knots]` of the control points of a Bezier curve."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    k = np.arange(knots)
    binomials = np.array([math.comb(knots - 1, int(i)) for i in k])
    weights: Points = binomials * t**k * (1.0 - t) ** (knots - 1 - k)
    return weights


def join(*strokes: Stroke, closed: bool = False, optional: bool = False) -> Stroke:
    """One stroke through several, with a straight line from each end to the next start."""
    segments: list[Points] = [strokes[0].points]
    for stroke in strokes[1:]:
        a, b = segments[-1][-1], stroke.points[0]
        steps = int(math.hypot(*(b - a)) / SPACING)
        if steps > 1:
            segments.append(a + (np.arange(1, steps) / steps)[:, None] * (b - a))
        segments.append(stroke.points)
    return Stroke(np.concatenate(segments), closed, optional)
