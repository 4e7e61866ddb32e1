"""The drawings that `train.py` measures on: the stages download and validate, run in a temporary project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from project import read_params, run_stage, write_params

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Drawings:
    """Validated drawings of a split.

    Attributes:
        points: one float32 [n_points, 3] per drawing: (dx, dy, pen_lift) in the source's units.
        labels: int64 [N].
    """

    points: list[NDArray[np.float32]]
    labels: NDArray[np.int64]


def quickdraw_folder(folder: Path) -> dict[str, Any]:
    """`sketches` of params.yaml for all drawings in `folder`, which holds `sketchrnn/<class>.npz`.

    Raises:
        SystemExit: if it does not.
    """
    if not (folder / "sketchrnn").is_dir():
        raise SystemExit(f"{folder} has no folder sketchrnn; name another folder with --data")
    return {"source": "quickdraw", "quickdraw": {"base_url": str(folder.resolve()), "classes": "all"}}


class SketchProject:
    """A temporary project with validated drawings.

    Args:
        folder: the project folder; validated drawings that it already has are used.
        sketches: returns the keys of `sketches` in params.yaml that differ; called if the drawings are missing.
    """

    def __init__(self, folder: Path, sketches: Callable[[], dict[str, Any]]) -> None:
        self.folder = folder
        self.validated = folder / "data" / "validated" / "sketches"
        if not self.validated.is_dir():
            values = read_params()
            write_params(folder, {**values, "sketches": {**values.get("sketches", {}), **sketches()}})
            for stage in ("download", "validate"):
                run_stage(folder, stage, "sketches")

    def processed(self, boundaries: Literal["auto"] | Sequence[int]) -> Path:
        """The folder of the records with these bucket boundaries; preprocesses if it does not exist."""
        from strokecast.features.sketches import classify
        from strokecast.params import ClassifyFeatures

        name = boundaries if isinstance(boundaries, str) else "-".join(map(str, boundaries))
        folder = self.folder / "data" / f"processed-{name}"
        if not folder.is_dir():
            settings = ClassifyFeatures.model_validate({"bucket_boundaries": boundaries})
            classify.preprocess(self.validated, folder, settings)
        return folder

    def drawings(self, split: str, classes: Sequence[str]) -> Drawings:
        """The drawings of a split in the source's units; a label is the position of its class in `classes`."""
        import pyarrow.parquet as pq

        table = pq.read_table(self.validated / f"{split}.parquet", columns=["label", "points"])
        points: list[Any] = table["points"].to_pylist()
        labels = [classes.index(label) for label in table["label"].to_pylist()]
        return Drawings([np.reshape(p, (-1, 3)).astype(np.float32) for p in points], np.array(labels))
