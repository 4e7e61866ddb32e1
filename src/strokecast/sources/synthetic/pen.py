"""Dice and lines: what the shapes are put together from.

Coordinates are about [-1, 1], y down. A line is float64 `[n, 2]`, its points about `STEP` apart.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

STEP = 0.035  # about 4 units of the 255 box

Points = np.ndarray


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke as it is meant, before a hand draws it.

    Attributes:
        points: float64 `[n, 2]`.
        closed: its end is meant to meet its start.
        optional: people often leave it out.
    """

    points: Points
    closed: bool = False
    optional: bool = False


class Dice:
    """The random numbers of one drawing: a pure function of (seed, label, split, index)."""

    __slots__ = ("rng",)

    def __init__(self, seed: int, label: str, split: str, index: int) -> None:
        key = hashlib.blake2b(f"{seed}/{label}/{split}/{index}".encode(), digest_size=16).digest()
        self.rng = np.random.Generator(np.random.Philox(key=np.frombuffer(key, dtype="<u8")))

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.rng.random()

    def normal(self, std: float = 1.0) -> float:
        """A number around 0."""
        return std * self.rng.standard_normal()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def sign(self, minus: float = 0.5) -> float:
        """-1 with this probability, else 1."""
        return -1.0 if self.rng.random() < minus else 1.0


def line(*corners: tuple[float, float], closed: bool = False, optional: bool = False) -> Stroke:
    """Straight edges from corner to corner; back to the first one if `closed`."""
    given = np.array((*corners, corners[0]) if closed else corners, dtype=np.float64)
    ways = given[1:] - given[:-1]
    steps = np.ceil(np.hypot(ways[:, 0], ways[:, 1]) / STEP).astype(np.int64).clip(2)
    edge = np.repeat(np.arange(len(steps)), steps)
    share = (np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)) / steps[edge]
    points = np.concatenate((given[edge] + share[:, None] * ways[edge], given[-1:]))
    return Stroke(points, closed, optional)


def arc(
    centre: tuple[float, float],
    radii: tuple[float, float],
    start: float,
    sweep: float,
    tilt: float = 0.0,
    optional: bool = False,
) -> Stroke:
    """Part of an ellipse, or all of it (closed) from a sweep of 2 pi; angles in radians.

    Angle 0 points right and, y being down, angles grow clockwise on paper.
    """
    length = abs(sweep) * max(radii)
    count = max(7, math.ceil(length / STEP))
    angles = start + np.arange(count) * (sweep / (count - 1))
    x, y = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    c, s = math.cos(tilt), math.sin(tilt)
    points = np.column_stack((centre[0] + c * x - s * y, centre[1] + s * x + c * y))
    return Stroke(points, abs(sweep) >= 2 * math.pi - 1e-9, optional)


def curve(*knots: tuple[float, float], optional: bool = False) -> Stroke:
    """A Bezier curve with three or four control points."""
    length = sum(math.dist(a, b) for a, b in pairwise(knots))
    points = _bernstein(len(knots), max(5, math.ceil(length / STEP))) @ np.array(knots, dtype=np.float64)
    return Stroke(points, False, optional)


@lru_cache(maxsize=1024)
def _bernstein(knots: int, count: int) -> Points:
    """Weights `[count, knots]` of a Bezier curve's control points."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    k = np.arange(knots)
    ways = np.array([math.comb(knots - 1, int(i)) for i in k])
    weights: Points = ways * t**k * (1.0 - t) ** (knots - 1 - k)
    return weights


def join(*strokes: Stroke, closed: bool = False, optional: bool = False) -> Stroke:
    """Several strokes drawn without lifting the pen, straight from each end to the next start."""
    parts: list[Points] = [strokes[0].points]
    for stroke in strokes[1:]:
        a, b = parts[-1][-1], stroke.points[0]
        steps = int(math.hypot(*(b - a)) / STEP)
        if steps > 1:
            parts.append(a + (np.arange(1, steps) / steps)[:, None] * (b - a))
        parts.append(stroke.points)
    return Stroke(np.concatenate(parts), closed, optional)
