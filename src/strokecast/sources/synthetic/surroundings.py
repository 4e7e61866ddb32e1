"""What people add around a doodle of any class: birds, sparkles, drops, grass, a ground line, a spot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from strokecast.sources.synthetic.pen import Dice, Points, Stroke, arc, curve, join, line

SHARE = 0.45  # of all drawings have some


def surroundings(drawn: Sequence[Points], dice: Dice) -> list[Points]:
    """Strokes around a drawing, in its coordinates; of no drawing's class in particular.

    Args:
        drawn: the doodle's strokes.
        dice: the drawing's random numbers.
    """
    if not dice.chance(SHARE):
        return []
    every = np.concatenate(drawn)
    low, high = every.min(axis=0), every.max(axis=0)
    if dice.chance(0.3):
        return [stroke.points for stroke in _ground(dice, low, high)]
    middle, half = (low + high) / 2, (high - low) / 2
    toward = dice.uniform(0.0, 2 * math.pi)
    make = KINDS[dice.whole(0, len(KINDS) - 1)]
    strokes: list[Points] = []
    for _ in range(dice.whole(1, 3)):
        angle = toward + dice.normal(0.5)
        reach = dice.uniform(1.25, 1.9)
        at = middle + (half + 0.15) * reach * (math.cos(angle), math.sin(angle))
        size = dice.uniform(0.08, 0.2)
        strokes += [stroke.points * size + at for stroke in make(dice)]
    return strokes


def _ground(dice: Dice, low: Points, high: Points) -> list[Stroke]:
    y = float(high[1]) + dice.uniform(0.0, 0.15)
    left, right = float(low[0]) - dice.uniform(0.0, 0.8), float(high[0]) + dice.uniform(0.0, 0.8)
    if dice.chance(0.6):
        return [curve((left, y + dice.normal(0.08)), ((left + right) / 2, y + dice.normal(0.1)), (right, y))]
    count = dice.whole(3, 7)
    high_grass = dice.uniform(0.1, 0.3)
    step = (right - left) / count
    corners = [(left, y)]
    for k in range(count):
        corners += [(left + (k + 0.5) * step, y - high_grass), (left + (k + 1) * step, y)]
    return [line(*corners)]


def _bird(dice: Dice) -> list[Stroke]:
    return [join(curve((-1, 0), (-0.5, -0.8), (0, 0)), curve((0, 0), (0.5, -0.8), (1, 0)))]


def _sparkle(dice: Dice) -> list[Stroke]:
    return [line((-0.8, 0), (0.8, 0)), line((0, -0.8), (0, 0.8))]


def _drop(dice: Dice) -> list[Stroke]:
    return [line((0, -0.8), (-0.2, 0.8))]


def _spot(dice: Dice) -> list[Stroke]:
    return [arc((0, 0), (0.7, 0.7), dice.uniform(0, 6), 2 * math.pi)]


def _ripple(dice: Dice) -> list[Stroke]:
    return [curve((-1.2, 0), (-0.4, -1.2), (0.4, 1.2), (1.2, 0))]


KINDS: tuple[Callable[[Dice], list[Stroke]], ...] = (_bird, _sparkle, _drop, _spot, _ripple)
