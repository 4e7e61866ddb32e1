"""Sun, flower and cloud: round shapes with rays, with petals, or made of bumps."""

from __future__ import annotations

import itertools
import math

from strokecast.sources.synthetic.pen import DrawingRng, Stroke, arc, curve, join, line

TURN = 2 * math.pi
UP = -math.pi / 2


def sun(rng: DrawingRng) -> list[Stroke]:
    """A disc with rays around it."""
    r = rng.uniform(0.38, 0.62)
    direction = rng.sign(0.7)
    disc = arc((0, 0), (r, r), UP + rng.normal(0.4), direction * TURN)
    count = rng.randint(6, 13)
    near, far = r * rng.uniform(1.0, 1.25), rng.uniform(0.85, 1.2)
    start = UP + rng.normal(0.6)
    turn = rng.sign(0.25)
    pointed = rng.bernoulli(0.2)
    strokes = [disc]
    if pointed:  # rays as one jagged ring
        corners = []
        for k in range(count):
            a = start + turn * TURN * k / count
            corners += [_polar(a, near), _polar(a + turn * TURN * 0.5 / count, far)]
        strokes.append(line(*corners, closed=True))
    else:
        for k in range(count):
            a = start + turn * TURN * (k + rng.normal(0.1)) / count
            reach = far * math.exp(rng.normal(0.08))
            strokes.append(line(_polar(a, near), _polar(a, reach), optional=k > 3))
    return strokes + _smile(rng, r, 0.15)


def flower(rng: DrawingRng) -> list[Stroke]:
    """A disc with petals around it; most have a stem."""
    r = rng.uniform(0.16, 0.34)
    direction = rng.sign(0.7)
    disc = arc((0, 0), (r, r), UP + rng.normal(0.4), direction * TURN)
    count = rng.randint(4, 9)
    far = r + rng.uniform(0.3, 0.6)
    start = UP + rng.normal(0.6)
    turn = rng.sign(0.3)
    step = turn * TURN / count
    petals = []
    for k in range(count):
        a = start + step * (k + rng.normal(0.05))
        wide = 1.2 + rng.normal(0.1)
        petals.append(
            curve(
                _polar(a - step / 2, r),
                _polar(a - step * wide / 2, far * 1.3),
                _polar(a + step * wide / 2, far * 1.3),
                _polar(a + step / 2, r),
            )
        )
    ring = [join(*petals, closed=True)] if rng.bernoulli(0.5) else petals
    strokes = [disc, *ring] if rng.bernoulli(0.8) else [*ring, disc]
    if rng.bernoulli(0.6):
        low = far + rng.uniform(0.5, 1.3)
        bend = rng.normal(0.15)
        strokes.append(curve((0, far * 0.9), (bend, (far + low) / 2), (rng.normal(0.1), low), optional=True))
        for side in (-1.0, 1.0):
            if rng.bernoulli(0.35):
                y = far + (low - far) * rng.uniform(0.4, 0.8)
                out = side * rng.uniform(0.25, 0.45)
                leaf = join(
                    curve((0, y), (out * 0.5, y - 0.28), (out, y - 0.15)),
                    curve((out, y - 0.15), (out * 0.6, y + 0.1), (0, y)),
                )
                strokes.append(Stroke(leaf.points, optional=True))
    return strokes


def cloud(rng: DrawingRng) -> list[Stroke]:
    """One closed line of bumps; some are flat at the bottom."""
    count = rng.randint(5, 10)
    rx, ry = 0.8, rng.uniform(0.35, 0.7)
    start = rng.uniform(0, TURN)
    direction = rng.sign(0.4)
    bulge = rng.uniform(1.35, 1.9)
    cuts = [start + direction * TURN * (k + rng.normal(0.12)) / count for k in range(count)]
    cuts.append(cuts[0] + direction * TURN)
    flat = rng.bernoulli(0.3)
    bumps = []
    for a, b in itertools.pairwise(cuts):
        p, q = (rx * math.cos(a), ry * math.sin(a)), (rx * math.cos(b), ry * math.sin(b))
        if flat and p[1] > ry * 0.3 and q[1] > ry * 0.3:
            bumps.append(line(p, q))
            continue
        c, d = a + 0.15 * (b - a), b - 0.15 * (b - a)
        out = bulge * math.exp(rng.normal(0.1))
        bumps.append(
            curve(
                p,
                (out * rx * math.cos(c), out * ry * math.sin(c)),
                (out * rx * math.cos(d), out * ry * math.sin(d)),
                q,
            )
        )
    strokes = [join(*bumps, closed=True)] if rng.bernoulli(0.85) else bumps
    if rng.bernoulli(0.15):
        for k in range(rng.randint(2, 5)):
            x, y = -0.6 + 0.3 * k, ry * bulge + 0.1
            strokes.append(line((x, y), (x - 0.08, y + 0.3), optional=True))
    return strokes


def _polar(angle: float, radius: float) -> tuple[float, float]:
    return radius * math.cos(angle), radius * math.sin(angle)


def _smile(rng: DrawingRng, r: float, probability: float) -> list[Stroke]:
    if not rng.bernoulli(probability):
        return []
    eyes = [arc((side * r * 0.35, -r * 0.25), (0.05, 0.05), UP, TURN, optional=True) for side in (-1, 1)]
    return [*eyes, curve((-r * 0.5, r * 0.2), (0, r * 0.8), (r * 0.5, r * 0.2), optional=True)]
