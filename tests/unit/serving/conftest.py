"""Tiny untrained networks in folders, as the train stage writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def build_network() -> Callable[..., Any]:
    """`build_network(task, name, spec)`: the architecture in its testing config, untrained."""

    def build(task: str, name: str, spec: dict[str, Any]) -> Any:
        import keras

        from strokecast.models.common import registry

        keras.utils.set_random_seed(3)
        architecture = registry.get(task, name)
        return architecture.build(architecture.testing, spec)

    return build


@pytest.fixture
def make_folder(tmp_path: Path, build_network: Callable[..., Any]) -> Callable[..., Path]:
    """`make_folder(task, name, spec)`: a model folder; `data/` beside it has the spec of the processed data."""

    def make(task: str, name: str, spec: dict[str, Any]) -> Path:
        from strokecast.models.common import registry

        folder = tmp_path / name
        folder.mkdir()
        build_network(task, name, spec).save(folder / "model.keras")
        config = registry.get(task, name).testing.model_dump(mode="json")
        contents = {"task": task, "name": name, "seed": 1, "config": config, "training": None}
        (folder / "config.json").write_text(json.dumps(contents))
        (tmp_path / "data").mkdir()
        for place in (folder, tmp_path / "data"):
            (place / "spec.json").write_text(json.dumps(spec))
        return folder

    return make
