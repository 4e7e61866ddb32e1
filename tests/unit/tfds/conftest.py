"""Tiny class files, and a project of their own for every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from strokecast.sources.formats import npz

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _write(
    folder: Path, labels: Sequence[str], seed: int = 0, counts: tuple[int, int, int] = (4, 2, 3)
) -> Path:
    """`folder/sketchrnn/<label>.npz`; no two drawings alike: dx of the first point says which it is."""
    (folder / "sketchrnn").mkdir(parents=True, exist_ok=True)
    for place, label in enumerate(labels):
        rng = np.random.default_rng([seed, place])
        splits = {}
        for number, (split, count) in enumerate(zip(npz.SPLITS, counts, strict=True)):
            drawings = []
            for index in range(count):
                drawing = rng.integers(-60, 60, (5 + index, 3)).astype(np.int16)
                drawing[:, 2] = 0
                drawing[0, 0] = 1000 * place + 100 * number + index - 10_000 * seed
                drawing[-1, 2] = 1
                drawings.append(drawing)
            splits[split] = drawings
        npz.write_class(folder / "sketchrnn" / f"{label}.npz", splits)
    return folder


@pytest.fixture
def write() -> Callable[..., Path]:
    return _write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty strokecast project; what is prepared or fetched lies in its `.strokecast/`."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        (root / name).touch()
    monkeypatch.setenv("DVC_ROOT", str(root))
    for name in ("STROKECAST_QUICKDRAW_URL", "TFDS_DATA_DIR", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return root
