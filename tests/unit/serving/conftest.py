"""Untrained networks and rules in folders as the train stage leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WEEKDAYS = [f"weekday_{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]

SPECS: dict[str, dict[str, Any]] = {
    "classify": {
        "task": "classify",
        "classes": ["circle", "square", "a spiral"],
        "features": {"strokes": [None, 3]},
        "dtype": "float32",
        "bounds": [16, 32],
        "scale": 12.5,
        "counts": {},
        "length": {"median": 12.0, "max": 40},
        "files": {},
        "digest": "c" * 64,
        "source": "doodles",
    },
    "watch": {
        "task": "watch",
        "classes": ["circle", "square", "a spiral"],
        "features": {"frames": [3, 14, 14], "track": [48, 3]},
        "frames": 3,
        "height": 14,
        "width": 14,
        "steps_per_frame": 16,
        "by": "ink",
        "pen": 1.5,
        "scale": 12.5,
        "counts": {},
        "length": {"median": 12.0, "max": 40},
        "files": {},
        "digest": "e" * 64,
        "source": "doodles",
    },
    "draw": {
        "task": "draw",
        "classes": ["circle", "square", "a spiral"],
        "features": {"strokes": [None, 3]},
        "dtype": "float32",
        "bounds": [16, 32],
        "scale": 12.5,
        "counts": {},
        "length": {"median": 12.0, "max": 30},
        "left_out": {},
        "max_points": 20,
        "files": {},
        "digest": "f" * 64,
        "source": "doodles",
    },
    "forecast": {
        "task": "forecast",
        "window": 14,
        "horizon": 7,
        "targets": ["y"],
        "covariates": [],
        "future": WEEKDAYS,
        "channels": ["y", *WEEKDAYS],
        "transforms": {"y": {"kind": "none", "power": 0.0, "mean": 100.0, "std": 10.0}},
        "calendar": {
            "kinds": ["weekday"],
            "country": None,
            "names": [],
            "day_types": [],
            "first": "2020-01-01",
        },
        "lags": [],
        "difference": None,
        "counts": True,
        "name": "births",
        "unit": "births",
        "splits": {"train": {"first": "2020-01-01", "last": "2020-12-31", "days": 366, "windows": 346}},
        "files": {},
        "digest": "d" * 64,
        "source": "births",
    },
}


def _made_up(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A few random drawings of each class: strokes, lengths, labels."""
    rng = np.random.default_rng(0)
    strokes = rng.normal(size=(6 * classes, 16, 3)).astype(np.float32)
    strokes[:, :, 2] = np.arange(16) == 15
    return strokes, np.full(6 * classes, 16), np.arange(6 * classes) % classes


@pytest.fixture
def specs() -> dict[str, dict[str, Any]]:
    return SPECS


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[[str, str], Path]:
    """`make_model(task, name)`: a folder with the architecture's testing config, untrained."""

    def make(task: str, name: str) -> Path:
        from strokecast.models.common import inference, registry

        architecture, spec = registry.get(task, name), SPECS[task]
        folder = tmp_path / task / name
        folder.mkdir(parents=True)
        config = architecture.testing.model_dump(mode="json")
        model = architecture.build(architecture.testing, spec)
        if architecture.kind == "network":
            model.save(folder / "model.keras")
        elif architecture.kind == "estimator":
            model.fit([_made_up(len(spec["classes"]))])
            model.save(folder)
        else:
            stored = {
                "task": task,
                "name": name,
                "config": config,
                "found": {},
                "min_history": model.min_history,
            }
            (folder / "model.json").write_text(json.dumps(stored))
        (folder / "spec.json").write_text(json.dumps(spec))
        if task == "forecast":
            from strokecast.models import conformal

            own = inference.levels(model) if architecture.kind == "network" else ()
            reach = np.array([[1.0], [2.0], [3.0]]) * np.ones((1, spec["horizon"]))
            calibrated = conformal.Calibration(
                "cqr" if own else "absolute", conformal.LEVELS, reach, 2 * reach, 40
            )
            calibrated.write(folder)
        told = {"task": task, "name": name, "seed": 1, "config": config, "training": None}
        (folder / "config.json").write_text(json.dumps(told))
        return folder

    return make
