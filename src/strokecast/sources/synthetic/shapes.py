"""The shapes of the doodle classes, with the variations that people draw.

Some classes are easily confused: cat, bear and rabbit differ in their ears, cup and bucket in the handle,
envelope and house in a fold or a roof, moon and banana in their tips. A shape is a function of the
drawing's random numbers that returns ideal strokes in the usual drawing order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from strokecast.sources.synthetic.faces import bear, cat, rabbit
from strokecast.sources.synthetic.pen import DrawingRng, Stroke, arc, curve, join, line
from strokecast.sources.synthetic.round import cloud, flower, sun
from strokecast.sources.synthetic.vessels import bucket, cup

TURN = 2 * math.pi


def envelope(rng: DrawingRng) -> list[Stroke]:
    """A rectangle with a fold from its upper corners to the middle."""
    w, h = 1.0, rng.uniform(0.5, 0.85)
    deep = h * rng.uniform(-0.25, 0.45)
    frame = _frame(rng, -w, -h, w, h)
    if rng.bernoulli(0.1):  # open: the flap stands up
        flap = line((-w, -h), (rng.normal(0.08), -h - h * rng.uniform(0.6, 1.1)), (w, -h))
        pocket = line((-w, -h), (rng.normal(0.08), deep), (w, -h))
        return [*frame, flap, pocket]
    tip = (rng.normal(0.08), deep)
    fold = [line((-w, -h), tip), line((w, -h), tip)] if rng.bernoulli(0.3) else [line((-w, -h), tip, (w, -h))]
    seams = []
    if rng.bernoulli(0.3):
        up = rng.uniform(0.5, 0.9)
        seams = [
            line((-w, h), (tip[0] - w * (1 - up), deep + (h - deep) * (1 - up)), optional=True),
            line((w, h), (tip[0] + w * (1 - up), deep + (h - deep) * (1 - up)), optional=True),
        ]
    if rng.bernoulli(0.1):
        seams.append(_box(rng, w * 0.6, -h * 0.85, w * 0.9, -h * 0.4))
    return [*fold, *frame, *seams] if rng.bernoulli(0.1) else [*frame, *fold, *seams]


def house(rng: DrawingRng) -> list[Stroke]:
    """A box with a roof; most have a door, many have windows or a chimney."""
    w, top, low = rng.uniform(0.65, 0.95), rng.uniform(-0.35, 0.05), 1.0
    peak = top - rng.uniform(0.45, 0.9)
    over = rng.uniform(0.0, 0.15) if rng.bernoulli(0.5) else 0.0
    gable = (rng.normal(0.06), peak)
    roof = line((-w - over, top), gable, (w + over, top))
    if rng.bernoulli(0.2):  # the outline as one line
        outline = [line((-w, low), (-w, top), gable, (w, top), (w, low), closed=True)]
        if rng.bernoulli(0.6):
            outline.append(line((-w, top), (w, top), optional=True))
    elif rng.bernoulli(0.35):
        roof = line((-w - over, top), gable, (w + over, top), closed=True)
        outline = [roof, line((-w, top), (-w, low), (w, low), (w, top))]
    else:
        outline = [*_frame(rng, -w, top, w, low), roof]
        if rng.bernoulli(0.25):
            outline = outline[::-1]
    inside: list[Stroke] = []
    if rng.bernoulli(0.85):
        at, half, high = rng.normal(0.22), rng.uniform(0.1, 0.2), rng.uniform(0.4, 0.7)
        inside.append(
            line((at - half, low), (at - half, low - high), (at + half, low - high), (at + half, low))
        )
    for side in (-1.0, 1.0):
        if rng.bernoulli(0.4):
            x, y, half = side * w * 0.6, top + rng.uniform(0.25, 0.4), rng.uniform(0.1, 0.18)
            inside.append(_box(rng, x - half, y - half, x + half, y + half, optional=True))
            if rng.bernoulli(0.3):
                inside += [line((x, y - half), (x, y + half)), line((x - half, y), (x + half, y))]
    if rng.bernoulli(0.22):
        x = w * rng.uniform(0.35, 0.65)
        y = peak + (top - peak) * 0.5
        inside.append(line((x - 0.1, y), (x - 0.1, y - 0.4), (x + 0.1, y - 0.4), (x + 0.1, y + 0.15)))
    return outline + inside


def moon(rng: DrawingRng) -> list[Stroke]:
    """A crescent with two sharp tips."""
    half = math.radians(rng.uniform(82, 128))  # from the back's middle to a tip
    thick = rng.uniform(0.3, 0.75)
    face = rng.sign(0.5)
    x, y = math.cos(half), math.sin(half)
    back = arc((0, 0), (face, 1), -half, 2 * half)
    bow = 1.0 - thick  # how far the inner edge stands out
    inner = curve(
        (face * x, y),
        (face * (x + (bow - x) * 1.33), y * 0.62),
        (face * (x + (bow - x) * 1.33), -y * 0.62),
        (face * x, -y),
    )
    strokes = [join(back, inner, closed=True)] if rng.bernoulli(0.75) else [back, inner]
    tilt = rng.normal(0.25)
    strokes = [_rotated(stroke, tilt) for stroke in strokes]
    if rng.bernoulli(0.14):
        strokes.append(arc((face * 0.72, -0.25), (0.05, 0.05), 0, TURN, optional=True))
    if rng.bernoulli(0.12):
        strokes.append(line((face * 0.7, 0.3), (face * 0.55, 0.35), optional=True))
    for _ in range(rng.randint(1, 3) if rng.bernoulli(0.12) else 0):
        r = rng.uniform(0.04, 0.1)
        a = rng.uniform(-0.8, 0.8)
        strokes.append(arc((face * 0.8 * math.cos(a), 0.8 * math.sin(a)), (r, r), 0, TURN, optional=True))
    return strokes


def banana(rng: DrawingRng) -> list[Stroke]:
    """A bent fruit with a blunt end and a stem."""
    half = math.radians(rng.uniform(55, 100))
    thick = rng.uniform(0.28, 0.6)
    face = rng.sign(0.4)
    stem, blunt = rng.uniform(0.14, 0.26), rng.uniform(0.04, 0.14)
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
    if rng.bernoulli(0.3):
        strokes = [join(back, inner, tip, closed=True)]
    else:
        strokes = [back, inner, tip] if rng.bernoulli(0.7) else [join(back, inner), tip]
    if rng.bernoulli(0.75):
        r = 1.0 - thick * rng.uniform(0.35, 0.65)
        half_sweep = half * rng.uniform(0.5, 0.85)
        strokes.append(arc((0, 0), (face * r, r), -half_sweep, 2 * half_sweep, optional=True))
    if rng.bernoulli(0.3):
        strokes.append(line((face * (x - blunt), y - 0.02), (face * x, y + 0.03), optional=True))
    lie = (0.0, math.pi / 2, -math.pi / 2)[rng.randint(0, 2)] + rng.normal(0.3)
    return [_rotated(stroke, lie) for stroke in strokes]


def _rotated(stroke: Stroke, angle: float) -> Stroke:
    c, s = math.cos(angle), math.sin(angle)
    return Stroke(stroke.points @ np.array(((c, s), (-s, c))), stroke.closed, stroke.optional)


def _box(
    rng: DrawingRng, left: float, top: float, right: float, low: float, optional: bool = False
) -> Stroke:
    corners = [(left, top), (left, low), (right, low), (right, top)]
    if rng.bernoulli(0.35):
        corners = [corners[0], *corners[:0:-1]]
    start = rng.randint(0, 3) if rng.bernoulli(0.3) else 0
    return line(*corners[start:], *corners[:start], closed=True, optional=optional)


def _frame(rng: DrawingRng, left: float, top: float, right: float, low: float) -> list[Stroke]:
    """A rectangle in one, two or four strokes."""
    choice = rng.generator.random()
    if choice < 0.85:
        return [_box(rng, left, top, right, low)]
    if choice < 0.95:
        return [line((left, top), (left, low), (right, low)), line((left, top), (right, top), (right, low))]
    sides = [
        ((left, top), (left, low)),
        ((left, low), (right, low)),
        ((right, top), (right, low)),
        ((left, top), (right, top)),
    ]
    return [line(*side) for side in sides]


SHAPES: dict[str, Callable[[DrawingRng], list[Stroke]]] = {
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
