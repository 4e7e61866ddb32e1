"""Cat, bear and rabbit: one face, three kinds of ears, and details that they mostly share."""

from __future__ import annotations

import math

from strokecast.sources.synthetic.pen import Dice, Stroke, arc, curve, join, line

TURN = 2 * math.pi
UP = -math.pi / 2


class _Head:
    """An ellipse with a place for ears on it."""

    def __init__(self, dice: Dice) -> None:
        self.x, self.y = 0.0, 0.2
        self.rx, self.ry = dice.uniform(0.6, 0.85), dice.uniform(0.55, 0.78)
        self.way = dice.sign(0.7)  # most people draw circles counterclockwise
        self.start = UP + dice.normal(0.5)

    def at(self, angle: float, reach: float = 1.0) -> tuple[float, float]:
        """The point of the rim at this angle, `reach` times as far out."""
        return self.x + reach * self.rx * math.cos(angle), self.y + reach * self.ry * math.sin(angle)

    def stroke(self) -> Stroke:
        return arc((self.x, self.y), (self.rx, self.ry), self.start, self.way * TURN)


def cat(dice: Dice) -> list[Stroke]:
    """Pointed ears; whiskers in most."""
    head = _Head(dice)
    apart, wide = dice.uniform(0.5, 0.85), dice.uniform(0.26, 0.46)
    high = dice.uniform(1.35, 1.85)
    lean = dice.normal(0.08)
    soft = dice.chance(0.08)

    def ear(side: float) -> Stroke:
        a, tip, b = (UP + side * (apart + k * wide) for k in (-1, 0, 1))
        top = head.at(tip + side * lean, high)
        if soft:
            return curve(head.at(a), head.at(tip + side * lean - side * 0.1, high * 1.15), top, head.at(b))
        return line(head.at(a), top, head.at(b))

    details = [*_eyes(dice, head), *_nose(dice, head), *_whiskers(dice, head, 0.75)]
    if dice.chance(0.22):  # head and ears in one line
        left, right = ear(-1), ear(1)
        low = arc((head.x, head.y), (head.rx, head.ry), UP + apart + wide, TURN - 2 * (apart + wide))
        top = arc((head.x, head.y), (head.rx, head.ry), UP - apart + wide, 2 * (apart - wide))
        backwards = Stroke(left.points[::-1])
        return [join(backwards, top, right, low, closed=True), *details]
    return _put_together(dice, head, [ear(-1), ear(1)], details)


def bear(dice: Dice) -> list[Stroke]:
    """Round ears; a snout in many, whiskers in hardly any."""
    head = _Head(dice)
    apart, r = dice.uniform(0.6, 0.95), dice.uniform(0.17, 0.33)
    out = dice.uniform(1.05, 1.25)
    tall = dice.uniform(0.9, 1.25)
    whole = dice.chance(0.25)

    def ear(side: float) -> Stroke:
        angle = UP + side * apart
        if whole:
            return arc(head.at(angle, out + 0.15), (r, r * tall), angle, -head.way * TURN)
        sweep = math.radians(dice.uniform(190, 270))
        return arc(head.at(angle, out), (r, r * tall), angle - side * sweep / 2, side * sweep)

    ears = [ear(-1), ear(1)]
    if dice.chance(0.25):
        for side in (-1.0, 1.0):
            inner = arc(head.at(UP + side * apart, out), (r * 0.5, r * 0.5), 0, TURN, optional=True)
            ears.append(inner)
    details = [*_eyes(dice, head)]
    if dice.chance(0.35):
        details.append(
            arc(
                (0, head.y + 0.25 * head.ry),
                (0.3 * head.rx, 0.3 * head.ry),
                UP,
                head.way * TURN,
                optional=True,
            )
        )
    details += [*_nose(dice, head), *_whiskers(dice, head, 0.05)]
    return _put_together(dice, head, ears, details)


def rabbit(dice: Dice) -> list[Stroke]:
    """Long ears; whiskers in some, teeth in a few."""
    head = _Head(dice)
    head.rx *= 0.92
    apart, half = dice.uniform(0.25, 0.6), dice.uniform(0.11, 0.22)
    length = dice.uniform(0.42, 0.85)
    splay = dice.uniform(0.0, 0.35)
    loop = dice.chance(0.35)

    def ear(side: float) -> Stroke:
        lean = side * splay
        x, y = head.at(UP + side * apart, 0.95)
        tip = (x + 2 * length * 0.6 * math.sin(lean), y - 2 * length * 0.6 * math.cos(lean))
        if loop:
            middle = ((x + tip[0]) / 2, (y + tip[1]) / 2)
            return arc(middle, (half, length * 0.62), math.pi / 2, -head.way * TURN, tilt=lean)
        c, s = half * 1.5 * math.cos(lean), half * 1.5 * math.sin(lean)
        return join(
            curve((x - half, y), (tip[0] - c, tip[1] - s), tip),
            curve(tip, (tip[0] + c, tip[1] + s), (x + half, y)),
        )

    details = [*_eyes(dice, head), *_nose(dice, head), *_whiskers(dice, head, 0.4)]
    if dice.chance(0.18):
        y = head.y + 0.5 * head.ry
        details.append(line((-0.08, y), (-0.08, y + 0.16), (0.08, y + 0.16), (0.08, y), optional=True))
    return _put_together(dice, head, [ear(-1), ear(1)], details)


def _put_together(dice: Dice, head: _Head, ears: list[Stroke], details: list[Stroke]) -> list[Stroke]:
    way = dice.rng.random()
    if way < 0.72:
        return [head.stroke(), *ears, *details]
    if way < 0.88:
        return [head.stroke(), *details, *ears]
    return [*ears, head.stroke(), *details]


def _eyes(dice: Dice, head: _Head) -> list[Stroke]:
    dx, y = head.rx * dice.uniform(0.3, 0.48), head.y - head.ry * dice.uniform(0.08, 0.32)
    r = dice.uniform(0.04, 0.12)
    if dice.chance(0.12):
        return [line((side * dx, y - r), (side * dx, y + r)) for side in (-1, 1)]
    return [arc((side * dx, y), (r, r * dice.uniform(0.8, 1.3)), UP, head.way * TURN) for side in (-1, 1)]


def _nose(dice: Dice, head: _Head) -> list[Stroke]:
    y = head.y + head.ry * dice.uniform(0.08, 0.25)
    r = dice.uniform(0.05, 0.12)
    strokes = []
    if dice.chance(0.85):
        if dice.chance(0.5):
            strokes.append(line((-r, y), (r, y), (0, y + r * 1.3), closed=True, optional=True))
        else:
            strokes.append(arc((0, y), (r, r * 0.8), UP, head.way * TURN, optional=True))
    low = y + r * 1.3
    wide, deep = head.rx * dice.uniform(0.2, 0.45), head.ry * dice.uniform(0.12, 0.3)
    if dice.chance(0.4):
        strokes.append(
            join(
                curve((-wide, low + deep * 0.5), (-wide * 0.6, low + deep * 1.6), (0, low + deep * 0.4)),
                curve((0, low + deep * 0.4), (wide * 0.6, low + deep * 1.6), (wide, low + deep * 0.5)),
                optional=True,
            )
        )
    elif dice.chance(0.8):
        strokes.append(
            curve((-wide, low + deep * 0.5), (0, low + deep * 1.7), (wide, low + deep * 0.5), optional=True)
        )
    return strokes


def _whiskers(dice: Dice, head: _Head, probability: float) -> list[Stroke]:
    if not dice.chance(probability):
        return []
    count = dice.whole(2, 3)
    y0, gap = head.y + head.ry * dice.uniform(0.1, 0.3), dice.uniform(0.08, 0.15)
    near, far = head.rx * dice.uniform(0.3, 0.75), head.rx * dice.uniform(0.95, 1.5)
    strokes = []
    for side in (-1, 1):
        for k in range(count):
            off = k - (count - 1) / 2
            ends = (side * near, y0 + off * gap * 0.6), (side * far, y0 + off * gap * 1.8)
            strokes.append(line(*ends, optional=True))
    return strokes
