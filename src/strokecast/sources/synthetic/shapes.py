"""The doodle classes: what each is meant to look like, in the ways that people go about it.

Several are easily confused: the faces differ by their ears, cup, bucket and basket by handle and
weave, envelope and house by a fold and a roof, moon and banana by their tips, star and hexagram
by a point. Every function takes the drawing's dice and gives its strokes in the usual order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from strokecast.sources.synthetic.faces import bear, cat, rabbit
from strokecast.sources.synthetic.pen import Dice, Stroke, arc, curve, join, line
from strokecast.sources.synthetic.round import cloud, flower, sun
from strokecast.sources.synthetic.vessels import bucket, cup

TURN = 2 * math.pi


def envelope(dice: Dice) -> list[Stroke]:
    """A rectangle with a fold from its upper corners to the middle."""
    w, h = 1.0, dice.uniform(0.5, 0.85)
    deep = h * dice.uniform(-0.25, 0.45)
    frame = _frame(dice, -w, -h, w, h)
    if dice.chance(0.1):  # open: the flap stands up
        flap = line((-w, -h), (dice.normal(0.08), -h - h * dice.uniform(0.6, 1.1)), (w, -h))
        pocket = line((-w, -h), (dice.normal(0.08), deep), (w, -h))
        return [*frame, flap, pocket]
    tip = (dice.normal(0.08), deep)
    fold = [line((-w, -h), tip), line((w, -h), tip)] if dice.chance(0.3) else [line((-w, -h), tip, (w, -h))]
    seams = []
    if dice.chance(0.3):
        up = dice.uniform(0.5, 0.9)
        seams = [
            line((-w, h), (tip[0] - w * (1 - up), deep + (h - deep) * (1 - up)), optional=True),
            line((w, h), (tip[0] + w * (1 - up), deep + (h - deep) * (1 - up)), optional=True),
        ]
    if dice.chance(0.1):
        seams.append(_box(dice, w * 0.6, -h * 0.85, w * 0.9, -h * 0.4))
    return [*fold, *frame, *seams] if dice.chance(0.1) else [*frame, *fold, *seams]


def house(dice: Dice) -> list[Stroke]:
    """A box with a roof; most have a door, many windows or a chimney."""
    w, top, low = dice.uniform(0.65, 0.95), dice.uniform(-0.35, 0.05), 1.0
    peak = top - dice.uniform(0.45, 0.9)
    over = dice.uniform(0.0, 0.15) if dice.chance(0.5) else 0.0
    gable = (dice.normal(0.06), peak)
    roof = line((-w - over, top), gable, (w + over, top))
    if dice.chance(0.2):  # one line round the whole house
        outline = [line((-w, low), (-w, top), gable, (w, top), (w, low), closed=True)]
        if dice.chance(0.6):
            outline.append(line((-w, top), (w, top), optional=True))
    elif dice.chance(0.35):
        roof = line((-w - over, top), gable, (w + over, top), closed=True)
        outline = [roof, line((-w, top), (-w, low), (w, low), (w, top))]
    else:
        outline = [*_frame(dice, -w, top, w, low), roof]
        if dice.chance(0.25):
            outline = outline[::-1]
    inside: list[Stroke] = []
    if dice.chance(0.85):
        at, half, high = dice.normal(0.22), dice.uniform(0.1, 0.2), dice.uniform(0.4, 0.7)
        inside.append(
            line((at - half, low), (at - half, low - high), (at + half, low - high), (at + half, low))
        )
    for side in (-1.0, 1.0):
        if dice.chance(0.4):
            x, y, half = side * w * 0.6, top + dice.uniform(0.25, 0.4), dice.uniform(0.1, 0.18)
            inside.append(_box(dice, x - half, y - half, x + half, y + half, optional=True))
            if dice.chance(0.3):
                inside += [line((x, y - half), (x, y + half)), line((x - half, y), (x + half, y))]
    if dice.chance(0.22):
        x = w * dice.uniform(0.35, 0.65)
        y = peak + (top - peak) * 0.5
        inside.append(line((x - 0.1, y), (x - 0.1, y - 0.4), (x + 0.1, y - 0.4), (x + 0.1, y + 0.15)))
    return outline + inside


def moon(dice: Dice) -> list[Stroke]:
    """A crescent with two sharp tips."""
    half = math.radians(dice.uniform(82, 128))  # from the back's middle to a tip
    thick = dice.uniform(0.3, 0.75)
    face = dice.sign(0.5)
    x, y = math.cos(half), math.sin(half)
    back = arc((0, 0), (face, 1), -half, 2 * half)
    bow = 1.0 - thick  # how far the inner edge stands out
    inner = curve(
        (face * x, y),
        (face * (x + (bow - x) * 1.33), y * 0.62),
        (face * (x + (bow - x) * 1.33), -y * 0.62),
        (face * x, -y),
    )
    strokes = [join(back, inner, closed=True)] if dice.chance(0.75) else [back, inner]
    tilt = dice.normal(0.25)
    strokes = [_tilted(stroke, tilt) for stroke in strokes]
    if dice.chance(0.14):
        strokes.append(arc((face * 0.72, -0.25), (0.05, 0.05), 0, TURN, optional=True))
    if dice.chance(0.12):
        strokes.append(line((face * 0.7, 0.3), (face * 0.55, 0.35), optional=True))
    for _ in range(dice.whole(1, 3) if dice.chance(0.12) else 0):
        r = dice.uniform(0.04, 0.1)
        a = dice.uniform(-0.8, 0.8)
        strokes.append(arc((face * 0.8 * math.cos(a), 0.8 * math.sin(a)), (r, r), 0, TURN, optional=True))
    return strokes


def banana(dice: Dice) -> list[Stroke]:
    """A bent fruit with a blunt end and a stem."""
    half = math.radians(dice.uniform(55, 100))
    thick = dice.uniform(0.28, 0.6)
    face = dice.sign(0.4)
    stem, blunt = dice.uniform(0.14, 0.26), dice.uniform(0.04, 0.14)
    x, y = math.cos(half), math.sin(half)
    back = arc((0, 0), (face, 1), -half, 2 * half)
    bow = 1.0 - thick
    low, high = (face * (x - blunt), y - blunt * 0.4), (face * (x - 0.1), -y + 0.08)
    inner = curve(
        low, (face * (x + (bow - x) * 1.33), y * 0.6), (face * (x + (bow - x) * 1.33), -y * 0.6), high
    )
    tip = line(
        high,
        (high[0] - face * stem * 0.3, high[1] - stem),
        (face * x - face * stem * 0.3, -y - stem),
        (face * x, -y),
    )
    if dice.chance(0.3):
        strokes = [join(back, inner, tip, closed=True)]
    else:
        strokes = [back, inner, tip] if dice.chance(0.7) else [join(back, inner), tip]
    if dice.chance(0.75):
        r = 1.0 - thick * dice.uniform(0.35, 0.65)
        part = half * dice.uniform(0.5, 0.85)
        strokes.append(arc((0, 0), (face * r, r), -part, 2 * part, optional=True))
    if dice.chance(0.3):
        strokes.append(line((face * (x - blunt), y - 0.02), (face * x, y + 0.03), optional=True))
    lie = (0.0, math.pi / 2, -math.pi / 2)[dice.whole(0, 2)] + dice.normal(0.3)
    return [_tilted(stroke, lie) for stroke in strokes]


def _tilted(stroke: Stroke, angle: float) -> Stroke:
    c, s = math.cos(angle), math.sin(angle)
    return Stroke(stroke.points @ np.array(((c, s), (-s, c))), stroke.closed, stroke.optional)


def _box(dice: Dice, left: float, top: float, right: float, low: float, optional: bool = False) -> Stroke:
    corners = [(left, top), (left, low), (right, low), (right, top)]
    if dice.chance(0.35):
        corners = [corners[0], *corners[:0:-1]]
    start = dice.whole(0, 3) if dice.chance(0.3) else 0
    return line(*corners[start:], *corners[:start], closed=True, optional=optional)


def _frame(dice: Dice, left: float, top: float, right: float, low: float) -> list[Stroke]:
    """A rectangle in one, two or four strokes."""
    way = dice.rng.random()
    if way < 0.85:
        return [_box(dice, left, top, right, low)]
    if way < 0.95:
        return [line((left, top), (left, low), (right, low)), line((left, top), (right, top), (right, low))]
    sides = [
        ((left, top), (left, low)),
        ((left, low), (right, low)),
        ((right, top), (right, low)),
        ((left, top), (right, top)),
    ]
    return [line(*side) for side in sides]


SHAPES: dict[str, Callable[[Dice], list[Stroke]]] = {
    "banana": banana,
    "bear": bear,
    "bucket": bucket,
    "cat": cat,
    "cloud": cloud,
    "cup": cup,
    "envelope": envelope,
    "flower": flower,
    "house": house,
    "moon": moon,
    "rabbit": rabbit,
    "sun": sun,
}
