"""Make the embedded sample of Quick, Draw! drawings from a folder of Sketch-RNN files.

    python tools/make_quickdraw_sample.py --input ../shared/data/quickdraw/sketchrnn

The sample holds the first drawings of each split of each chosen class, in file order. The output is an
uncompressed npz of plain number arrays, so its bytes do not depend on a compression library; git and the
wheel compress it. It is readable by `np.load(..., allow_pickle=False)`:

    classes      text [n_classes], in alphabetical order
    n_drawings   int32 [n_classes, 3]: training, validation and test drawings per class
    n_positions  uint16 [n_drawings]: positions per drawing, by class, then split
    positions    uint8 [sum(n_positions), 2]: x and y of the pen in a box from 0 to 255, y down
    pen_lifts    uint8, np.packbits of one bit per position: 1 if the pen is lifted after it

The first position of a drawing is its origin: n positions give n - 1 pen movements (dx, dy, pen_lift).
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from strokecast.sources.formats import npz
from strokecast.sources.sketches.quickdraw_sample import CLASSES

OUTPUT = Path(__file__).resolve().parents[1] / "src/strokecast/sources/data/quickdraw_sample.npz"
COUNTS = {"train": 240, "valid": 40, "test": 100}  # drawings per class
BOX = 255  # largest extent of a drawing


def encode(folder: Path, classes: Sequence[str] = CLASSES, counts: Mapping[str, int] = COUNTS) -> bytes:
    """The bytes of the sample file.

    Args:
        folder: folder with `<class>.npz`.
        classes: classes to include.
        counts: drawings per class for `train`, `valid` and `test`.

    Raises:
        UserError: if a class file is missing or damaged.
        ValueError: if a split has too few drawings, or a drawing does not fit the box.
    """
    positions: list[np.ndarray] = []
    pen_lifts: list[np.ndarray] = []
    for label in classes:
        splits = npz.read_class(folder / f"{label}.npz")
        for split, count in counts.items():
            if len(splits[split]) < count:
                raise ValueError(f"{label}: {len(splits[split])} {split} drawings, {count} needed")
            for drawing in splits[split][:count]:
                positions.append(_positions(drawing))
                pen_lifts.append(np.concatenate(([0], drawing[:, 2])))
    file = io.BytesIO()
    np.savez(
        file,
        classes=np.array(classes),
        n_drawings=np.tile(np.array(list(counts.values()), dtype=np.int32), (len(classes), 1)),
        n_positions=np.array([len(drawing) for drawing in positions], dtype=np.uint16),
        positions=np.concatenate(positions),
        pen_lifts=np.packbits(np.concatenate(pen_lifts).astype(bool)),
    )
    return file.getvalue()


def _positions(drawing: np.ndarray) -> np.ndarray:
    """Pen movements [n, 3] to positions uint8 [n + 1, 2] with the smallest x and y at 0."""
    path = np.zeros((len(drawing) + 1, 2), dtype=np.int64)
    np.cumsum(drawing[:, :2], axis=0, out=path[1:])
    path -= path.min(axis=0)
    if path.max() > BOX:
        raise ValueError(f"a drawing has an extent of {path.max()} units, more than {BOX}")
    return path.astype(np.uint8)


def main() -> None:
    """Write the sample file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=Path, required=True, help="folder with <class>.npz")
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help="file to write (default: the embedded one)"
    )
    arguments = parser.parse_args()
    data = encode(arguments.input)
    arguments.output.write_bytes(data)
    print(f"{arguments.output}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
