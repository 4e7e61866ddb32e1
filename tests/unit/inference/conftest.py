"""Untrained models in folders, as the train stage writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def _random_drawings(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six random drawings per class: strokes, lengths, labels."""
    rng = np.random.default_rng(0)
    strokes = rng.normal(size=(6 * classes, 16, 3)).astype(np.float32)
    strokes[:, :, 2] = np.arange(16) == 15
    return strokes, np.full(6 * classes, 16), np.arange(6 * classes) % classes


@pytest.fixture(scope="session")
def make_model(
    tmp_path_factory: pytest.TempPathFactory, specs: dict[str, dict[str, Any]]
) -> Callable[[str, str], Path]:
    """`make_model(task, name)`: a new folder with the architecture's testing config, untrained."""

    def make(task: str, name: str) -> Path:
        from strokecast.inference import networks
        from strokecast.models.common import registry

        architecture, spec = registry.get(task, name), specs[task]
        folder = tmp_path_factory.mktemp(f"{task}-{name}")
        config = architecture.testing.model_dump(mode="json")
        model = architecture.build(architecture.testing, spec)
        if architecture.kind == "network":
            model.save(folder / "model.keras")
        elif architecture.kind == "estimator":
            model.fit([_random_drawings(len(spec["classes"]))])
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

            levels = networks.quantile_levels(model) if architecture.kind == "network" else ()
            reach = np.array([[1.0], [2.0], [3.0]]) * np.ones((1, spec["horizon"]))
            conformal.Calibration(
                "cqr" if levels else "absolute", conformal.LEVELS, reach, 2 * reach, 40
            ).write(folder)
        config_json = {"task": task, "name": name, "seed": 1, "config": config, "training": None}
        (folder / "config.json").write_text(json.dumps(config_json))
        return folder

    return make
