"""Cup, bucket and basket: a body that narrows downwards, told apart by handle, rim and weave."""

from __future__ import annotations

import math

from strokecast.sources.synthetic.pen import Dice, Stroke, arc, curve, join, line

TURN = 2 * math.pi


class _Body:
    """A body from the rim down: half widths and heights."""

    def __init__(
        self, dice: Dice, height: tuple[float, float], narrow: tuple[float, float], round_: float
    ) -> None:
        self.top, self.low = 0.0, dice.uniform(*height)
        self.wide = dice.uniform(0.58, 0.8)
        self.foot = self.wide * dice.uniform(*narrow)
        self.bulge = dice.chance(round_)
        self.flat = dice.uniform(0.1, 0.26)
        self.way = dice.sign(0.65)

    def half(self, y: float) -> float:
        """Half the width at height y."""
        return self.wide + (self.foot - self.wide) * (y - self.top) / (self.low - self.top)

    def sides(self, dice: Dice) -> list[Stroke]:
        """The body below the rim, in one stroke or in three."""
        w, f, top, low = self.wide, self.foot, self.top, self.low
        if self.bulge:
            return [
                join(
                    curve((-w, top), (-w, low * 0.9), (-f * 0.6, low)),
                    line((-f * 0.6, low), (f * 0.6, low)),
                    curve((f * 0.6, low), (w, low * 0.9), (w, top)),
                )
            ]
        if dice.chance(0.65):
            return [line((-w, top), (-f, low), (f, low), (w, top))]
        base = curve((-f, low), (0, low + dice.uniform(0.0, 0.2)), (f, low))
        return [line((-w, top), (-f, low)), line((w, top), (f, low)), base]

    def rim(self, dice: Dice, ellipse: float) -> list[Stroke]:
        """An ellipse with this probability, else a straight line."""
        if dice.chance(ellipse):
            start = math.pi if dice.chance(0.6) else -math.pi / 2
            return [arc((0, self.top), (self.wide, self.flat), start, self.way * TURN)]
        return [line((-self.wide, self.top), (self.wide, self.top))]

    def whole(self, dice: Dice, ellipse: float) -> list[Stroke]:
        """Rim and sides, or a plain four-cornered body in one line."""
        if not self.bulge and dice.chance(0.15):
            w, f = self.wide, self.foot
            return [line((-w, self.top), (-f, self.low), (f, self.low), (w, self.top), closed=True)]
        rim, sides = self.rim(dice, ellipse), self.sides(dice)
        return [*rim, *sides] if dice.chance(0.65) else [*sides, *rim]


def cup(dice: Dice) -> list[Stroke]:
    """A handle at one side; steam or a saucer in some."""
    body = _Body(dice, (0.8, 1.35), (0.68, 1.0), 0.3)
    side = dice.sign(0.25)
    y0, y1 = body.low * dice.uniform(0.1, 0.3), body.low * dice.uniform(0.55, 0.85)
    out = dice.uniform(0.3, 0.65)
    a, b = (side * body.half(y0), y0), (side * body.half(y1), y1)
    handle = [curve(a, (a[0] + side * out * 1.3, y0 - 0.1), (b[0] + side * out * 1.3, y1 + 0.1), b)]
    if dice.chance(0.45):
        c, d = y0 + (y1 - y0) * 0.22, y0 + (y1 - y0) * 0.78
        near = side * body.half(c), side * body.half(d)
        handle.append(
            curve(
                (near[0], c),
                (near[0] + side * out * 0.8, c),
                (near[1] + side * out * 0.8, d),
                (near[1], d),
                optional=True,
            )
        )
    strokes = [*body.whole(dice, 0.5), *handle] if dice.chance(0.9) else [*handle, *body.whole(dice, 0.5)]
    if dice.chance(0.2):
        for k in range(dice.whole(2, 3)):
            x = -0.3 + 0.3 * k
            strokes.append(curve((x, -0.2), (x - 0.25, -0.4), (x + 0.25, -0.6), (x, -0.8), optional=True))
    if dice.chance(0.12):
        strokes.append(arc((0, body.low), (body.wide * 1.25, 0.14), math.pi, -math.pi, optional=True))
    return strokes + _bands(dice, body, 0.06, 1)


def bucket(dice: Dice) -> list[Stroke]:
    """A bow from rim to rim, up or hanging down; a band in some."""
    body = _Body(dice, (0.75, 1.3), (0.5, 0.88), 0.05)
    bow = _bow(dice, body, dice.uniform(0.5, 1.2))
    if dice.chance(0.15):  # hangs down in front
        ends = (-body.wide * 0.95, 0.05), (body.wide * 0.95, 0.05)
        bow = curve(ends[0], (-body.wide * 0.7, body.low * 0.75), (body.wide * 0.7, body.low * 0.75), ends[1])
    main = body.whole(dice, 0.85)
    strokes = [*main, bow] if dice.chance(0.88) else [bow, *main]
    if dice.chance(0.12):
        strokes.append(line((-0.15, bow.points[:, 1].min()), (0.15, bow.points[:, 1].min()), optional=True))
    return strokes + _bands(dice, body, 0.5, 2)


def _bow(dice: Dice, body: _Body, high: float) -> Stroke:
    w = body.wide * dice.uniform(0.85, 1.0)
    pull = high * 1.33
    ends = [(-w, 0.0), (-w * dice.uniform(0.8, 1.1), -pull), (w * dice.uniform(0.8, 1.1), -pull), (w, 0.0)]
    return curve(*(ends if dice.chance(0.75) else ends[::-1]))


def _bands(dice: Dice, body: _Body, probability: float, most: int) -> list[Stroke]:
    if not dice.chance(probability):
        return []
    count = dice.whole(1, most)
    sag = dice.uniform(0.0, body.flat)
    strokes = []
    for k in range(count):
        y = body.low * (k + 1 + dice.normal(0.12)) / (count + 1)
        half = body.half(y) * 0.97
        strokes.append(curve((-half, y), (0, y + sag), (half, y), optional=True))
    return strokes
