"""Tiny class files, and an empty project per test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from strokecast.sources.formats import npz

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"


def _write_classes(
    folder: Path, labels: Sequence[str], seed: int = 0, counts: tuple[int, int, int] = (4, 2, 3)
) -> Path:
    """Write `folder/sketchrnn/<label>.npz`. All drawings differ: dx of the first point identifies each."""
    (folder / "sketchrnn").mkdir(parents=True, exist_ok=True)
    for class_index, label in enumerate(labels):
        rng = np.random.default_rng([seed, class_index])
        splits = {}
        for split_index, (split, count) in enumerate(zip(npz.SPLITS, counts, strict=True)):
            drawings = []
            for index in range(count):
                drawing = rng.integers(-60, 60, (5 + index, 3)).astype(np.int16)
                drawing[:, 2] = 0
                drawing[0, 0] = 1000 * class_index + 100 * split_index + index - 10_000 * seed
                drawing[-1, 2] = 1
                drawings.append(drawing)
            splits[split] = drawings
        npz.write_class(folder / "sketchrnn" / f"{label}.npz", splits)
    return folder


@pytest.fixture
def write_classes() -> Callable[..., Path]:
    return _write_classes


@pytest.fixture
def quickdraw_mirror() -> Path:
    """The mirror of 20 classes of real drawings beside the repository."""
    if not SHARED.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SHARED} is absent under CI=true")
        pytest.skip(f"real data is absent: {SHARED}")
    return SHARED / "quickdraw"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty strokecast project; prepared data and downloads are in its `.strokecast/`."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        (root / name).touch()
    monkeypatch.setenv("DVC_ROOT", str(root))
    for name in ("STROKECAST_QUICKDRAW_URL", "TFDS_DATA_DIR", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return root
