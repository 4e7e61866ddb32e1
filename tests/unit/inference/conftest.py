"""Untrained networks and rules in folders as the train stage leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def _made_up(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A few random drawings of each class: strokes, lengths, labels."""
    rng = np.random.default_rng(0)
    strokes = rng.normal(size=(6 * classes, 16, 3)).astype(np.float32)
    strokes[:, :, 2] = np.arange(16) == 15
    return strokes, np.full(6 * classes, 16), np.arange(6 * classes) % classes


@pytest.fixture
def make_model(tmp_path: Path, specs: dict[str, dict[str, Any]]) -> Callable[[str, str], Path]:
    """`make_model(task, name)`: a folder with the architecture's testing config, untrained."""

    def make(task: str, name: str) -> Path:
        from strokecast.inference import networks
        from strokecast.models.common import registry

        architecture, spec = registry.get(task, name), specs[task]
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
                "specification": {},
                "min_history": model.min_history,
            }
            (folder / "model.json").write_text(json.dumps(stored))
        (folder / "spec.json").write_text(json.dumps(spec))
        if task == "forecast":
            from strokecast.inference import conformal

            own = networks.quantile_levels(model) if architecture.kind == "network" else ()
            reach = np.array([[1.0], [2.0], [3.0]]) * np.ones((1, spec["horizon"]))
            calibrated = conformal.Calibration(
                "cqr" if own else "absolute", conformal.LEVELS, reach, 2 * reach, 40
            )
            calibrated.write(folder)
        told = {"task": task, "name": name, "seed": 1, "config": config, "training": None}
        (folder / "config.json").write_text(json.dumps(told))
        return folder

    return make
