"""Procedural doodles: shapes that people confuse, drawn by a shaky hand, simplified as Quick, Draw! does.

Drawing `index` of a split of a class depends on the seed, the class, the split and the index alone:
asking for more drawings, for fewer classes or for other splits changes none that was there before.
Every drawing is a genuine attempt at its class; labels are never wrong.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from strokecast.common import files, pool
from strokecast.common.errors import UserError
from strokecast.common.stage import progress
from strokecast.params import Doodles
from strokecast.sources.formats import npz
from strokecast.sources.local import facts
from strokecast.sources.synthetic.human_noise import draw
from strokecast.sources.synthetic.pen import Dice, Points
from strokecast.sources.synthetic.shapes import SHAPES
from strokecast.sources.synthetic.simplify import simplify, to_box, to_deltas

CLASSES = tuple(sorted(SHAPES))
BATCH = 256
UNIT = 1_024  # drawings that are one process's work: about a second
POOL_FROM = 8_192  # drawings; starting processes costs more than it saves below
KEY = "params.yaml: sketches.doodles.classes"


def doodles(
    label: str, split: str, count: int, seed: int, sloppiness: float = 1.0, start: int = 0
) -> Iterator[np.ndarray]:
    """Yield drawings start ... start + count - 1 of a class and split.

    Args:
        label: one of `CLASSES`.
        split: `train`, `valid`, `test`, or any other name for further drawings.
        count: how many.
        seed: seed of the generator.
        sloppiness: 0: ruler-straight; 1: as people draw.
        start: index of the first one.

    Yields:
        int16 `[n_points, 3]` = (dx, dy, pen_lift) in a box of 255 units.
    """
    for first in range(start, start + count, BATCH):
        drawings = [
            _drawing(label, Dice(seed, label, split, index), sloppiness)
            for index in range(first, min(first + BATCH, start + count))
        ]
        simple = iter(simplify([stroke for drawing in drawings for stroke in drawing]))
        for drawing in drawings:
            yield to_deltas([next(simple) for _ in drawing])


def _drawing(label: str, dice: Dice, sloppiness: float) -> list[Points]:
    return to_box(draw(SHAPES[label](dice), dice, sloppiness))


class Unit(NamedTuple):
    """`drawings` drawings of a class and split, which one process draws: see `doodles`."""

    label: str
    split: str
    start: int
    drawings: int
    seed: int
    sloppiness: float


def _draw(unit: Unit) -> tuple[bytes, list[int]]:
    """The points of a unit's drawings one after another, int16 [n_points, 3], and where each drawing ends.

    As bytes: an array that another process made has a number type object of its own, and the pickle in
    an npz would tell.
    """
    made = list(doodles(unit.label, unit.split, unit.drawings, unit.seed, unit.sloppiness, unit.start))
    return np.concatenate(made).tobytes(), list(itertools.accumulate(map(len, made)))


def fetch(options: Doodles, folder: Path) -> str:
    """Draw the chosen classes into `<class>.npz` files with `source.json`; one line on what came out.

    Memory holds the drawings of one class; many are drawn by a pool of processes, with the same bytes.

    Raises:
        UserError: if a class is unknown or named twice.
    """
    classes = _classes(options)
    counts = {split: getattr(options, split) for split in npz.SPLITS}
    units = [
        Unit(label, split, start, min(UNIT, count - start), options.seed, options.sloppiness)
        for label in classes
        for split, count in counts.items()
        for start in range(0, count, UNIT)
    ]
    many = len(classes) * sum(counts.values()) >= POOL_FROM
    drawn = pool.ordered(_draw, units, min(pool.processors(), len(units)) if many else 1)
    named = zip(units, progress(drawn, "drawing", len(units), " units"), strict=True)
    for label, own in itertools.groupby(named, key=lambda one: one[0].label):
        splits: npz.Splits = {split: [] for split in npz.SPLITS}
        for unit, (points, ends) in own:
            splits[unit.split] += np.split(np.frombuffer(points, dtype=np.int16).reshape(-1, 3), ends[:-1])
        npz.write_class(folder / f"{label}.npz", splits)
    files.write_json(
        folder / "source.json",
        {
            "source": "doodles",
            "classes": classes,
            "files": {f"{label}.npz": facts(folder / f"{label}.npz") for label in classes},
            "seed": options.seed,
            "sloppiness": options.sloppiness,
            "attribution": "procedural drawings by strokecast",
            "licence": "CC0 1.0",
        },
    )
    each = " / ".join(f"{counts[split]:,} {split}" for split in npz.SPLITS)
    return f"doodles: {len(classes)} classes x {each}"


def _classes(options: Doodles) -> list[str]:
    if options.classes == "all":
        return list(CLASSES)
    if not options.classes:
        raise UserError("the list is empty", where=KEY, allowed="all, or a list of classes")
    for label in options.classes:
        if label not in SHAPES:
            close = difflib.get_close_matches(label, CLASSES, n=2)
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise UserError(f"unknown class {label!r}", where=KEY, allowed=", ".join(CLASSES), fix=hint)
        if options.classes.count(label) > 1:
            raise UserError(f"{label!r} stands there twice", where=KEY)
    return list(options.classes)
