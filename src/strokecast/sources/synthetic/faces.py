"""Cat, bear and rabbit: the same face with different ears; most details occur in all three."""

from __future__ import annotations

import math

from strokecast.sources.synthetic.pen import DrawingRng, Stroke, arc, curve, join, line

TURN = 2 * math.pi
UP = -math.pi / 2


class _Head:
    """An ellipse that ears are attached to."""

    def __init__(self, rng: DrawingRng) -> None:
        self.x, self.y = 0.0, 0.2
        self.rx, self.ry = rng.uniform(0.6, 0.85), rng.uniform(0.55, 0.78)
        self.direction = rng.sign(0.7)  # most people draw circles counterclockwise
        self.start = UP + rng.normal(0.5)

    def point_at(self, angle: float, reach: float = 1.0) -> tuple[float, float]:
        """The point at an angle (radians); `reach` 1 is on the outline, more is outside it."""
        return self.x + reach * self.rx * math.cos(angle), self.y + reach * self.ry * math.sin(angle)

    def stroke(self) -> Stroke:
        return arc((self.x, self.y), (self.rx, self.ry), self.start, self.direction * TURN)


def cat(rng: DrawingRng) -> list[Stroke]:
    """Pointed ears; most have whiskers."""
    head = _Head(rng)
    apart, wide = rng.uniform(0.5, 0.85), rng.uniform(0.26, 0.46)
    high = rng.uniform(1.35, 1.85)
    lean = rng.normal(0.08)
    soft = rng.bernoulli(0.08)

    def ear(side: float) -> Stroke:
        a, tip, b = (UP + side * (apart + k * wide) for k in (-1, 0, 1))
        top = head.point_at(tip + side * lean, high)
        if soft:
            return curve(
                head.point_at(a),
                head.point_at(tip + side * lean - side * 0.1, high * 1.15),
                top,
                head.point_at(b),
            )
        return line(head.point_at(a), top, head.point_at(b))

    details = [*_eyes(rng, head), *_nose(rng, head), *_whiskers(rng, head, 0.75)]
    if rng.bernoulli(0.22):  # head and ears in one line
        left, right = ear(-1), ear(1)
        low = arc((head.x, head.y), (head.rx, head.ry), UP + apart + wide, TURN - 2 * (apart + wide))
        top = arc((head.x, head.y), (head.rx, head.ry), UP - apart + wide, 2 * (apart - wide))
        backwards = Stroke(left.points[::-1])
        return [join(backwards, top, right, low, closed=True), *details]
    return _in_drawing_order(rng, head, [ear(-1), ear(1)], details)


def bear(rng: DrawingRng) -> list[Stroke]:
    """Round ears; many have a snout, few have whiskers."""
    head = _Head(rng)
    apart, r = rng.uniform(0.6, 0.95), rng.uniform(0.17, 0.33)
    out = rng.uniform(1.05, 1.25)
    tall = rng.uniform(0.9, 1.25)
    full_circle = rng.bernoulli(0.25)

    def ear(side: float) -> Stroke:
        angle = UP + side * apart
        if full_circle:
            return arc(head.point_at(angle, out + 0.15), (r, r * tall), angle, -head.direction * TURN)
        sweep = math.radians(rng.uniform(190, 270))
        return arc(head.point_at(angle, out), (r, r * tall), angle - side * sweep / 2, side * sweep)

    ears = [ear(-1), ear(1)]
    if rng.bernoulli(0.25):
        for side in (-1.0, 1.0):
            inner = arc(head.point_at(UP + side * apart, out), (r * 0.5, r * 0.5), 0, TURN, optional=True)
            ears.append(inner)
    details = [*_eyes(rng, head)]
    if rng.bernoulli(0.35):
        details.append(
            arc(
                (0, head.y + 0.25 * head.ry),
                (0.3 * head.rx, 0.3 * head.ry),
                UP,
                head.direction * TURN,
                optional=True,
            )
        )
    details += [*_nose(rng, head), *_whiskers(rng, head, 0.05)]
    return _in_drawing_order(rng, head, ears, details)


def rabbit(rng: DrawingRng) -> list[Stroke]:
    """Long ears; some have whiskers, a few have teeth."""
    head = _Head(rng)
    head.rx *= 0.92
    apart, half = rng.uniform(0.25, 0.6), rng.uniform(0.11, 0.22)
    length = rng.uniform(0.42, 0.85)
    splay = rng.uniform(0.0, 0.35)
    loop = rng.bernoulli(0.35)

    def ear(side: float) -> Stroke:
        lean = side * splay
        x, y = head.point_at(UP + side * apart, 0.95)
        tip = (x + 2 * length * 0.6 * math.sin(lean), y - 2 * length * 0.6 * math.cos(lean))
        if loop:
            middle = ((x + tip[0]) / 2, (y + tip[1]) / 2)
            return arc(middle, (half, length * 0.62), math.pi / 2, -head.direction * TURN, tilt=lean)
        c, s = half * 1.5 * math.cos(lean), half * 1.5 * math.sin(lean)
        return join(
            curve((x - half, y), (tip[0] - c, tip[1] - s), tip),
            curve(tip, (tip[0] + c, tip[1] + s), (x + half, y)),
        )

    details = [*_eyes(rng, head), *_nose(rng, head), *_whiskers(rng, head, 0.4)]
    if rng.bernoulli(0.18):
        y = head.y + 0.5 * head.ry
        details.append(line((-0.08, y), (-0.08, y + 0.16), (0.08, y + 0.16), (0.08, y), optional=True))
    return _in_drawing_order(rng, head, [ear(-1), ear(1)], details)


def _in_drawing_order(
    rng: DrawingRng, head: _Head, ears: list[Stroke], details: list[Stroke]
) -> list[Stroke]:
    order = rng.generator.random()
    if order < 0.72:
        return [head.stroke(), *ears, *details]
    if order < 0.88:
        return [head.stroke(), *details, *ears]
    return [*ears, head.stroke(), *details]


def _eyes(rng: DrawingRng, head: _Head) -> list[Stroke]:
    dx, y = head.rx * rng.uniform(0.3, 0.48), head.y - head.ry * rng.uniform(0.08, 0.32)
    r = rng.uniform(0.04, 0.12)
    if rng.bernoulli(0.12):
        return [line((side * dx, y - r), (side * dx, y + r)) for side in (-1, 1)]
    return [
        arc((side * dx, y), (r, r * rng.uniform(0.8, 1.3)), UP, head.direction * TURN) for side in (-1, 1)
    ]


def _nose(rng: DrawingRng, head: _Head) -> list[Stroke]:
    y = head.y + head.ry * rng.uniform(0.08, 0.25)
    r = rng.uniform(0.05, 0.12)
    strokes = []
    if rng.bernoulli(0.85):
        if rng.bernoulli(0.5):
            strokes.append(line((-r, y), (r, y), (0, y + r * 1.3), closed=True, optional=True))
        else:
            strokes.append(arc((0, y), (r, r * 0.8), UP, head.direction * TURN, optional=True))
    low = y + r * 1.3
    wide, deep = head.rx * rng.uniform(0.2, 0.45), head.ry * rng.uniform(0.12, 0.3)
    if rng.bernoulli(0.4):
        strokes.append(
            join(
                curve((-wide, low + deep * 0.5), (-wide * 0.6, low + deep * 1.6), (0, low + deep * 0.4)),
                curve((0, low + deep * 0.4), (wide * 0.6, low + deep * 1.6), (wide, low + deep * 0.5)),
                optional=True,
            )
        )
    elif rng.bernoulli(0.8):
        strokes.append(
            curve((-wide, low + deep * 0.5), (0, low + deep * 1.7), (wide, low + deep * 0.5), optional=True)
        )
    return strokes


def _whiskers(rng: DrawingRng, head: _Head, probability: float) -> list[Stroke]:
    if not rng.bernoulli(probability):
        return []
    count = rng.randint(2, 3)
    y0, gap = head.y + head.ry * rng.uniform(0.1, 0.3), rng.uniform(0.08, 0.15)
    near, far = head.rx * rng.uniform(0.3, 0.75), head.rx * rng.uniform(0.95, 1.5)
    strokes = []
    for side in (-1, 1):
        for k in range(count):
            off = k - (count - 1) / 2
            ends = (side * near, y0 + off * gap * 0.6), (side * far, y0 + off * gap * 1.8)
            strokes.append(line(*ends, optional=True))
    return strokes
