"""Saves a combination of forecasters with all of its members as one MLflow model that takes raw input.

The board has no run for a combination; `strokecast promote` calls this.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

from strokecast.common import files, paths
from strokecast.inference import stored_combination
from strokecast.models.common import registry
from strokecast.tracking import pyfunc

_FILES = (stored_combination.FILE, "spec.json", "calibration.json")


def run_facts(folder: Path) -> dict[str, Any]:
    """What `run.json` says of a training, for a combination: its id follows from its members and weights.

    Args:
        folder: `reports/forecast/combinations/<name>`.

    Raises:
        UserError: if a member was trained again since.
    """
    stored = files.read_json(folder / stored_combination.FILE)
    runs = [files.read_json(member_dir / "run.json") for member_dir in _member_dirs(stored)]
    return {
        "training_id": str(uuid.uuid5(uuid.NAMESPACE_OID, files.sha256(folder / stored_combination.FILE))),
        "task": "forecast",
        "name": folder.name,
        "seed": 0,
        "status": "finished",
        "kind": stored_combination.KIND,
        "ended_ms": max(run["ended_ms"] for run in runs),
        "git_commit": runs[0].get("git_commit"),
        "dataset": runs[0]["dataset"],
        "weights": stored["weights"],
    }


def save(folder: Path, target: Path, run: dict[str, Any]) -> None:
    """Write the MLflow model of a combination.

    Args:
        folder: `reports/forecast/combinations/<name>`.
        target: folder to create.
        run: from `run_facts`.

    Raises:
        UserError: if a member was trained again since the evaluation.
    """
    stored = files.read_json(folder / stored_combination.FILE)
    spec = files.read_json(folder / "spec.json")
    min_history = stored_combination.load(folder).min_history
    packages: dict[str, None] = {}
    with tempfile.TemporaryDirectory(dir=target.parent) as work_dir:
        data = Path(work_dir) / "model"
        data.mkdir()
        for name in _FILES:
            shutil.copyfile(folder / name, data / name)
        for member_dir in _member_dirs(stored):
            copied = data / member_dir
            pyfunc.copy_model(member_dir, copied)
            shutil.copyfile(member_dir / "run.json", copied / "run.json")
            architecture = registry.get("forecast", member_dir.parent.name)
            further = (*architecture.requirements, *pyfunc.transform_requirements(spec))
            packages |= dict.fromkeys(pyfunc.requirements(architecture.kind, further))
        pyfunc.write(
            target,
            data,
            run,
            spec,
            pyfunc.forecast_signature(folder, spec),
            pyfunc.example(spec, min_history),
            list(packages),
        )


def _member_dirs(stored: dict[str, Any]) -> list[Path]:
    """The folders of all trainings of the members, below `models/`."""
    return [
        paths.model_dir("forecast", member, int(seed))
        for member, seeds in stored["members"].items()
        for seed in seeds
    ]
