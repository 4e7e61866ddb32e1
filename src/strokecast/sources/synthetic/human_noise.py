"""A hand that draws strokes as people do: in some order and direction, shaky, in haste.

What is meant (`pen.Stroke`) goes in, what is drawn comes out. All amounts scale with one drawing's
own sloppiness; at 0 the strokes come out ruler-straight and in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np

from strokecast.sources.synthetic.pen import STEP, Dice, Points, Stroke
from strokecast.sources.synthetic.surroundings import surroundings

USUAL = 0.5  # care at sloppiness 1


def draw(strokes: Sequence[Stroke], dice: Dice, sloppiness: float) -> list[Points]:
    """Draw the strokes of one doodle.

    Args:
        strokes: as meant, in the usual order.
        dice: the drawing's random numbers.
        sloppiness: 0: exact; 1: as people draw on average.

    Returns:
        What was drawn: float64 `[n, 2]` each, n >= 2.
    """
    care = USUAL * sloppiness * min(math.exp(dice.normal(0.35)), 2.0)  # this person, today
    drawn = [
        _stroke(stroke, dice, care)
        for stroke in _reorder(strokes, dice, care)
        if not (stroke.optional and dice.chance(min(0.10 * care, 0.5)))
    ]
    drawn = _lifts(drawn, dice, care)
    drawn = _unfinished(drawn, dice, care)
    drawn += _extra(drawn, dice, care)
    drawn += surroundings(drawn, dice)
    return _on_paper(drawn, dice, care)


def _reorder(strokes: Sequence[Stroke], dice: Dice, care: float) -> list[Stroke]:
    """Neighbours change places now and then; rarely someone starts in the middle."""
    order = list(strokes)
    if len(order) > 2 and dice.chance(min(0.03 * care, 0.3)):
        start = dice.whole(1, len(order) - 1)
        order = order[start:] + order[:start]
    for index in range(len(order) - 1):
        if dice.chance(min(0.05 * care, 0.4)):
            order[index], order[index + 1] = order[index + 1], order[index]
    return order


def _stroke(stroke: Stroke, dice: Dice, care: float) -> Points:
    points = stroke.points
    if stroke.closed:
        points = _closure(points, dice, care)
    if dice.chance(min(0.04 * care, 0.5)):
        points = points[::-1]
    points = _cut_corners(points, dice, care)
    span = points.max(axis=0) - points.min(axis=0)
    size = max(float(span.max()), 0.1)
    middle = points.mean(axis=0)
    grow = math.exp(dice.normal(0.06) * care)
    turn = dice.normal(0.05) * care
    c, s = grow * math.cos(turn), grow * math.sin(turn)
    offset = np.array((dice.normal(0.03), dice.normal(0.03))) * care * (0.5 + 0.5 * min(size, 1.5))
    placed = (points - middle) @ np.array(((c, s), (-s, c))) + middle + offset
    length = len(placed) * STEP
    shake = _noise(dice, len(placed), length / 0.5) * (0.02 * care * min(size, 1.0))
    shake += _noise(dice, len(placed), length / 0.13) * (0.006 * care * min(2 * size, 1.0))
    return placed + shake


def _closure(points: Points, dice: Dice, care: float) -> Points:
    """Stop short of the start, or run past it."""
    share = dice.normal(0.05) * care + 0.01 * care
    count = int(min(abs(share), 0.25) * len(points))
    if count == 0:
        return points
    return np.concatenate((points, points[1 : count + 1])) if share > 0 else points[:-count]


def _cut_corners(points: Points, dice: Dice, care: float) -> Points:
    """Round corners off by a moving average along the stroke; the ends stay."""
    reach = min(int(abs(dice.normal(2.0)) * care), 6, (len(points) - 1) // 4)
    if reach < 1:
        return points
    window = 2 * reach + 1
    padded = np.concatenate(
        (np.repeat(points[:1], reach, axis=0), points, np.repeat(points[-1:], reach, axis=0))
    )
    sums = np.concatenate((np.zeros((1, 2)), np.cumsum(padded, axis=0)))
    return (sums[window:] - sums[:-window]) / window


def _noise(dice: Dice, count: int, waves: float) -> Points:
    """Smooth noise `[count, 2]` of about unit size with so many knots along the stroke."""
    knots = max(2, math.ceil(waves) + 1)
    values = dice.rng.standard_normal((knots, 2))
    left, part = _between(count, knots)
    before = values[left]
    return before + part * (values[left + 1] - before)


@lru_cache(maxsize=4096)
def _between(count: int, knots: int) -> tuple[np.ndarray, Points]:
    """The knot left of each point `[count]`, and how far it is to the next one `[count, 1]`, eased."""
    at = np.linspace(0.0, knots - 1.0, count)
    left = np.minimum(at.astype(np.int64), knots - 2)
    part = at - left
    return left, (part * part * (3.0 - 2.0 * part))[:, None]


def _lifts(drawn: list[Points], dice: Dice, care: float) -> list[Points]:
    """Lift the pen inside a stroke, or forget to lift it on a short way to the next one."""
    result: list[Points] = []
    for points in drawn:
        if len(points) > 20 and dice.chance(min(0.03 * care, 0.3)):
            at = dice.whole(len(points) // 4, 3 * len(points) // 4)
            jump = np.array((dice.normal(0.02), dice.normal(0.02))) * care
            result += [points[:at], points[at - 1 :] + jump]
        elif (
            result and math.hypot(*(points[0] - result[-1][-1])) < 0.35 and dice.chance(min(0.05 * care, 0.4))
        ):
            result[-1] = np.concatenate((result[-1], points))
        else:
            result.append(points)
    return result


def _unfinished(drawn: list[Points], dice: Dice, care: float) -> list[Points]:
    """The clock runs out, or the game has understood: the last stroke is missing or cut short."""
    if len(drawn) > 3 and dice.chance(min(0.03 * care, 0.3)):
        return drawn[:-1]
    if dice.chance(min(0.03 * care, 0.3)) and len(drawn) > 1:
        last = drawn[-1]
        return [*drawn[:-1], last[: max(3, int(len(last) * dice.uniform(0.4, 0.9)))]]
    return drawn


def _extra(drawn: list[Points], dice: Dice, care: float) -> list[Points]:
    """A part gone over once more."""
    extra: list[Points] = []
    if dice.chance(min(0.06 * care, 0.4)):
        again = drawn[dice.whole(0, len(drawn) - 1)]
        if len(again) > 8:
            start = dice.whole(0, len(again) // 2)
            stop = start + dice.whole(len(again) // 4, len(again) // 2)
            part = again[start : stop + 2]
            extra.append(part + _noise(dice, len(part), 2.0) * 0.03 * care)
    return extra


def _on_paper(drawn: list[Points], dice: Dice, care: float) -> list[Points]:
    """The whole drawing leans, stretches and bends."""
    turn = dice.normal(0.24) * care
    stretch = math.exp(max(-0.35, min(dice.normal(0.13) * care, 0.35)))
    shear = dice.normal(0.10) * care
    c, s = math.cos(turn), math.sin(turn)
    lean = np.array(((stretch, 0.0), (shear, 1.0 / stretch))) @ np.array(((c, s), (-s, c)))
    bend = np.clip(dice.rng.standard_normal((2, 3)) * 0.05 * care, -0.2, 0.2)
    every = np.concatenate(drawn)
    x, y = every[:, 0], every[:, 1]
    warp = np.column_stack((x * x, x * y, y * y)) @ bend.T
    placed = (every + warp) @ lean
    ends = list(accumulate(len(points) for points in drawn))
    return [placed[start:end] for start, end in pairwise((0, *ends))]
