"""A sample of real Quick, Draw! drawings, embedded in the package.

`data/quickdraw_sample.npz` has 12 classes with 240 training, 40 validation and 100 test drawings each.
`tools/make_quickdraw_sample.py` makes it; `data/quickdraw_sample.LICENSE.md` says what was changed.
The drawings are a selection that Google's game recognised, so they are easier than the full dataset.
Source: https://github.com/googlecreativelab/quickdraw-dataset (CC BY 4.0).
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.params.sources import QuickDrawSample
from strokecast.sources import class_names
from strokecast.sources.formats import source_json
from strokecast.sources.local import file_info
from strokecast.sources.sketches.quickdraw import CREDITS

if TYPE_CHECKING:
    from strokecast.sources.formats.npz import Splits

SOURCE = "quickdraw_sample"
KEY = f"params.yaml: sketches.{SOURCE}"
CLASSES = (
    "alarm clock",
    "ant",
    "apple",
    "backpack",
    "basket",
    "coffee cup",
    "crab",
    "duck",
    "face",
    "pig",
    "pineapple",
    "suitcase",
)


def read() -> dict[str, Splits]:
    """Read all drawings of the sample.

    Returns:
        For each class its `train`, `valid` and `test` drawings, each int16 `[n_points, 3]` =
        (dx, dy, pen_lift) in a box of 255 units.
    """
    import numpy as np

    from strokecast.sources.formats.npz import SPLITS

    path = resources.files("strokecast.sources") / "data" / f"{SOURCE}.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    positions = arrays["positions"].astype(np.int16)  # [n_positions, 2]
    pen_lifts = np.unpackbits(arrays["pen_lifts"], count=len(positions)).astype(np.int16)
    ends = np.cumsum(arrays["n_positions"], dtype=np.int64)
    drawings = iter(
        np.column_stack((np.diff(drawing[:, :2], axis=0), drawing[1:, 2]))
        for drawing in np.split(np.column_stack((positions, pen_lifts)), ends[:-1])
    )
    return {
        str(label): {
            split: [next(drawings) for _ in range(count)] for split, count in zip(SPLITS, counts, strict=True)
        }
        for label, counts in zip(arrays["classes"], arrays["n_drawings"].tolist(), strict=True)
    }


def check(options: QuickDrawSample) -> None:
    """Check the classes; see `class_names.select_known`."""
    class_names.select_known(options.classes, CLASSES, KEY)


def fetch(options: QuickDrawSample, folder: Path) -> str:
    """Write the chosen classes as `<class>.npz` files with `source.json`; return a one-line summary.

    The files hold all drawings of their class. The cap is recorded in `source.json` and applied by
    the reader.

    Raises:
        UserError: if a class is unknown or listed twice.
    """
    from strokecast.sources.formats import npz

    classes = class_names.select_known(options.classes, CLASSES, KEY)
    sample = read()
    for label in classes:
        npz.write_class(folder / f"{label}.npz", sample[label])
    caps = options.cap.model_dump()
    source: dict[str, Any] = {
        "source": SOURCE,
        "classes": classes,
        "files": {f"{label}.npz": file_info(folder / f"{label}.npz") for label in classes},
        "cap": caps,
        **CREDITS,
    }
    source_json.write(folder, source)
    counts = " / ".join(
        f"{len(drawings[: caps[split]])} {split}" for split, drawings in sample[classes[0]].items()
    )
    return f"{SOURCE}: {len(classes)} classes x {counts}"
