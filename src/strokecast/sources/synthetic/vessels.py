"""Cup and bucket: a body that narrows downwards; they differ in handle and rim."""

from __future__ import annotations

import math

from strokecast.sources.synthetic.pen import DrawingRng, Stroke, arc, curve, join, line

TURN = 2 * math.pi


class _Body:
    """The body of a vessel: half widths and heights, from the rim down."""

    def __init__(
        self,
        rng: DrawingRng,
        height: tuple[float, float],
        taper: tuple[float, float],
        bulge_probability: float,
    ) -> None:
        self.top, self.bottom = 0.0, rng.uniform(*height)
        self.rim_half_width = rng.uniform(0.58, 0.8)
        self.base_half_width = self.rim_half_width * rng.uniform(*taper)
        self.bulge = rng.bernoulli(bulge_probability)
        self.rim_depth = rng.uniform(0.1, 0.26)
        self.direction = rng.sign(0.65)

    def half_width(self, y: float) -> float:
        """Half of the width at y."""
        return self.rim_half_width + (self.base_half_width - self.rim_half_width) * (y - self.top) / (
            self.bottom - self.top
        )

    def sides(self, rng: DrawingRng) -> list[Stroke]:
        """The sides and the bottom, in one stroke or in three."""
        w, f, top, low = self.rim_half_width, self.base_half_width, self.top, self.bottom
        if self.bulge:
            return [
                join(
                    curve((-w, top), (-w, low * 0.9), (-f * 0.6, low)),
                    line((-f * 0.6, low), (f * 0.6, low)),
                    curve((f * 0.6, low), (w, low * 0.9), (w, top)),
                )
            ]
        if rng.bernoulli(0.65):
            return [line((-w, top), (-f, low), (f, low), (w, top))]
        base = curve((-f, low), (0, low + rng.uniform(0.0, 0.2)), (f, low))
        return [line((-w, top), (-f, low)), line((w, top), (f, low)), base]

    def rim(self, rng: DrawingRng, ellipse_probability: float) -> list[Stroke]:
        """The rim: an ellipse with probability `ellipse_probability`, else a straight line."""
        if rng.bernoulli(ellipse_probability):
            start = math.pi if rng.bernoulli(0.6) else -math.pi / 2
            return [arc((0, self.top), (self.rim_half_width, self.rim_depth), start, self.direction * TURN)]
        return [line((-self.rim_half_width, self.top), (self.rim_half_width, self.top))]

    def outline(self, rng: DrawingRng, ellipse_probability: float) -> list[Stroke]:
        """Rim and sides, or the outline as one closed line; see `rim`."""
        if not self.bulge and rng.bernoulli(0.15):
            w, f = self.rim_half_width, self.base_half_width
            return [line((-w, self.top), (-f, self.bottom), (f, self.bottom), (w, self.top), closed=True)]
        rim, sides = self.rim(rng, ellipse_probability), self.sides(rng)
        return [*rim, *sides] if rng.bernoulli(0.65) else [*sides, *rim]


def cup(rng: DrawingRng) -> list[Stroke]:
    """A handle at one side; some have steam or a saucer."""
    body = _Body(rng, (0.8, 1.35), (0.68, 1.0), 0.3)
    side = rng.sign(0.25)
    y0, y1 = body.bottom * rng.uniform(0.1, 0.3), body.bottom * rng.uniform(0.55, 0.85)
    out = rng.uniform(0.3, 0.65)
    a, b = (side * body.half_width(y0), y0), (side * body.half_width(y1), y1)
    handle = [curve(a, (a[0] + side * out * 1.3, y0 - 0.1), (b[0] + side * out * 1.3, y1 + 0.1), b)]
    if rng.bernoulli(0.45):
        c, d = y0 + (y1 - y0) * 0.22, y0 + (y1 - y0) * 0.78
        near = side * body.half_width(c), side * body.half_width(d)
        handle.append(
            curve(
                (near[0], c),
                (near[0] + side * out * 0.8, c),
                (near[1] + side * out * 0.8, d),
                (near[1], d),
                optional=True,
            )
        )
    strokes = [*body.outline(rng, 0.5), *handle] if rng.bernoulli(0.9) else [*handle, *body.outline(rng, 0.5)]
    if rng.bernoulli(0.2):
        for k in range(rng.randint(2, 3)):
            x = -0.3 + 0.3 * k
            strokes.append(curve((x, -0.2), (x - 0.25, -0.4), (x + 0.25, -0.6), (x, -0.8), optional=True))
    if rng.bernoulli(0.12):
        strokes.append(
            arc((0, body.bottom), (body.rim_half_width * 1.25, 0.14), math.pi, -math.pi, optional=True)
        )
    return strokes + _bands(rng, body, 0.06, 1)


def bucket(rng: DrawingRng) -> list[Stroke]:
    """A handle from rim to rim, up or hanging down; some have bands."""
    body = _Body(rng, (0.75, 1.3), (0.5, 0.88), 0.05)
    handle = _handle(rng, body, rng.uniform(0.5, 1.2))
    if rng.bernoulli(0.15):  # hangs down in front
        ends = (-body.rim_half_width * 0.95, 0.05), (body.rim_half_width * 0.95, 0.05)
        handle = curve(
            ends[0],
            (-body.rim_half_width * 0.7, body.bottom * 0.75),
            (body.rim_half_width * 0.7, body.bottom * 0.75),
            ends[1],
        )
    main = body.outline(rng, 0.85)
    strokes = [*main, handle] if rng.bernoulli(0.88) else [handle, *main]
    if rng.bernoulli(0.12):
        strokes.append(
            line((-0.15, handle.points[:, 1].min()), (0.15, handle.points[:, 1].min()), optional=True)
        )
    return strokes + _bands(rng, body, 0.5, 2)


def _handle(rng: DrawingRng, body: _Body, high: float) -> Stroke:
    w = body.rim_half_width * rng.uniform(0.85, 1.0)
    pull = high * 1.33
    ends = [(-w, 0.0), (-w * rng.uniform(0.8, 1.1), -pull), (w * rng.uniform(0.8, 1.1), -pull), (w, 0.0)]
    return curve(*(ends if rng.bernoulli(0.75) else ends[::-1]))


def _bands(rng: DrawingRng, body: _Body, probability: float, max_count: int) -> list[Stroke]:
    if not rng.bernoulli(probability):
        return []
    count = rng.randint(1, max_count)
    sag = rng.uniform(0.0, body.rim_depth)
    strokes = []
    for k in range(count):
        y = body.bottom * (k + 1 + rng.normal(0.12)) / (count + 1)
        half = body.half_width(y) * 0.97
        strokes.append(curve((-half, y), (0, y + sag), (half, y), optional=True))
    return strokes
