"""The drawings that `train.py` measures on, through strokecast's own stages.

`params.yaml` of the project with another source goes to a temporary folder, where the scripts of the
stages download (copy), validate and preprocess run as `dvc repro` would run them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Drawings:
    """Accepted drawings of a split, as they were drawn.

    Attributes:
        points: one int or float array [n_points, 3] a drawing: (dx, dy, pen_lift) in pixels.
        labels: int64 [N].
    """

    points: list[NDArray[np.float32]]
    labels: NDArray[np.int64]


def real(source: Path) -> dict[str, Any]:
    """`sketches` of params.yaml for all the real drawings in `source`, a folder with `sketchrnn/<class>.npz`.

    Raises:
        SystemExit: if there is no such folder.
    """
    if not (source / "sketchrnn").is_dir():
        raise SystemExit(f"{source} holds no folder sketchrnn; name another with --data")
    return {"source": "quickdraw", "quickdraw": {"base_url": str(source.resolve()), "classes": "all"}}


class Project:
    """A throw-away project.

    Args:
        folder: where it lies; what is already there is used again.
        sketches: gives the keys of `sketches` in params.yaml that change; asked where nothing is there.
    """

    def __init__(self, folder: Path, sketches: Callable[[], dict[str, Any]]) -> None:
        self.folder = folder
        self.validated = folder / "data" / "validated" / "sketches"
        if not self.validated.is_dir():
            self._write_params(sketches())
            for stage in ("download", "validate"):
                self._run(stage)

    def _write_params(self, sketches: dict[str, Any]) -> None:
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        settings = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        settings["sketches"] |= sketches
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "params.yaml").open("w", encoding="utf-8") as file:
            yaml.dump(settings, file)

    def _run(self, stage: str) -> None:
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), "sketches"]
        environment = {name: value for name, value in os.environ.items() if name != "DVC_ROOT"}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)

    def processed(self, bounds: Sequence[int]) -> Path:
        """The folder of the records padded to `bounds`."""
        from strokecast.features.sketches import classify
        from strokecast.params import ClassifyFeatures

        folder = self.folder / "data" / ("processed-" + "-".join(map(str, bounds)))
        if not folder.is_dir():
            classify.preprocess(self.validated, folder, ClassifyFeatures(bucket_boundaries=tuple(bounds)))
        return folder

    def drawings(self, split: str, classes: Sequence[str]) -> Drawings:
        """The drawings of a split, none of their numbers changed."""
        import pyarrow.parquet as pq

        table = pq.read_table(self.validated / f"{split}.parquet", columns=["label", "points"])
        points: list[Any] = table["points"].to_pylist()
        labels = [classes.index(label) for label in table["label"].to_pylist()]
        return Drawings([np.reshape(p, (-1, 3)).astype(np.float32) for p in points], np.array(labels))
