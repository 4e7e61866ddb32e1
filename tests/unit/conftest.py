"""What the tests of several rooms stand on."""

from __future__ import annotations

from typing import Any

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
        "counts": {"train": {"16": 10, "32": 5}},
        "length": {"median": 12.0, "max": 40},
        "files": {"train": []},
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
        "splits": {
            "train": {"first": "2020-01-01", "last": "2020-12-31", "days": 366, "windows": 346},
            "valid": {"first": "2021-01-01", "last": "2021-02-28", "days": 59, "windows": 53},
            "test": {"first": "2021-03-01", "last": "2021-04-30", "days": 61, "windows": 55},
        },
        "files": {"train": ["train/windows-00000-of-00001.tfrecord"]},
        "digest": "d" * 64,
        "source": "births",
    },
}


@pytest.fixture
def specs() -> dict[str, dict[str, Any]]:
    """A spec.json a task."""
    return SPECS
