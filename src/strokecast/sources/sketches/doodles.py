"""Procedural doodles: shapes that people confuse, drawn by a shaky hand, simplified as Quick, Draw! does.

Drawing `index` of a split of a class depends on the seed, the class, the split and the index alone:
asking for more drawings, for fewer classes or for other splits changes none that was there before.
Every drawing is a genuine attempt at its class; labels are never wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from strokecast import files
from strokecast.errors import UserError
from strokecast.params import Doodles
from strokecast.sources import npz
from strokecast.sources.doodling.hand import draw
from strokecast.sources.doodling.pen import Dice, Points
from strokecast.sources.doodling.shapes import SHAPES
from strokecast.sources.doodling.simplify import simplify, to_box, to_deltas
from strokecast.sources.local import facts
from strokecast.stage import progress

CLASSES = tuple(sorted(SHAPES))
BATCH = 256
KEY = "params.yaml: sketches.doodles.classes"


def doodles(label: str, split: str, count: int, seed: int, sloppiness: float = 1.0) -> Iterator[np.ndarray]:
    """Yield drawings 0 ... count - 1 of a class and split.

    Args:
        label: one of `CLASSES`.
        split: `train`, `valid`, `test`, or any other name for further drawings.
        count: how many.
        seed: seed of the generator.
        sloppiness: 0: ruler-straight; 1: as people draw.

    Yields:
        int16 `[n_points, 3]` = (dx, dy, pen_lift) in a box of 255 units.
    """
    for start in range(0, count, BATCH):
        drawings = [
            _drawing(label, Dice(seed, label, split, index), sloppiness)
            for index in range(start, min(start + BATCH, count))
        ]
        simple = iter(simplify([stroke for drawing in drawings for stroke in drawing]))
        for drawing in drawings:
            yield to_deltas([next(simple) for _ in drawing])


def _drawing(label: str, dice: Dice, sloppiness: float) -> list[Points]:
    return to_box(draw(SHAPES[label](dice), dice, sloppiness))


def fetch(options: Doodles, folder: Path) -> str:
    """Draw the chosen classes into `<class>.npz` files with `source.json`; one line on what came out.

    Raises:
        UserError: if a class is unknown or named twice.
    """
    classes = _classes(options)
    counts = {split: getattr(options, split) for split in npz.SPLITS}
    for label in progress(classes, "drawing", unit="class"):
        splits = {
            split: list(doodles(label, split, count, options.seed, options.sloppiness))
            for split, count in counts.items()
        }
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
