"""Saves a combination of trained models with all of its members as one MLflow model that takes raw input.

The board has no run for a combination; `strokecast promote` calls this.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.inference import combination_folder, stored_combination, stored_ensemble
from strokecast.models.common import registry
from strokecast.tracking import pyfunc

_FILES = (combination_folder.FILE, "spec.json", "calibration.json")


def run_facts(folder: Path) -> dict[str, Any]:
    """What `run.json` says of a training, for a combination: its id follows from its members and weights.

    Args:
        folder: `reports/<task>/combinations/<name>`.

    Raises:
        UserError: if a member was trained again since.
    """
    stored = files.read_json(folder / combination_folder.FILE)
    task = files.read_json(folder / "spec.json")["task"]
    runs = [
        files.read_json(member_dir / "run.json")
        for _, member_dir in combination_folder.member_dirs(folder, task)
    ]
    return {
        "training_id": str(uuid.uuid5(uuid.NAMESPACE_OID, files.sha256(folder / combination_folder.FILE))),
        "task": task,
        "name": folder.name,
        "seed": 0,
        "status": "finished",
        "kind": combination_folder.KIND,
        "ended_ms": max(run["ended_ms"] for run in runs),
        "git_commit": runs[0].get("git_commit"),
        "dataset": runs[0]["dataset"],
        "weights": stored["weights"],
    }


def save(folder: Path, target: Path, run: dict[str, Any]) -> None:
    """Write the MLflow model of a combination.

    Args:
        folder: `reports/<task>/combinations/<name>`.
        target: folder to create.
        run: from `run_facts`.

    Raises:
        UserError: if a member was trained again since the evaluation.
    """
    spec, task = files.read_json(folder / "spec.json"), run["task"]
    if task == "forecast":
        model_signature = pyfunc.forecast_signature(folder, spec)
        example = pyfunc.example(spec, stored_combination.load(folder).min_history)
    else:
        reads_time = spec.get("by") == "time" or "time" in stored_ensemble.load(folder).inputs
        model_signature = pyfunc.signature(task, reads_time)
        example = pyfunc.example(spec, 0, reads_time)
    packages: dict[str, None] = {}
    with tempfile.TemporaryDirectory(dir=target.parent) as work_dir:
        data = Path(work_dir) / "model"
        data.mkdir()
        for name in _FILES:
            if (folder / name).is_file():
                shutil.copyfile(folder / name, data / name)
        for member, member_dir in combination_folder.member_dirs(folder, task):
            copied = data / member_dir
            pyfunc.copy_model(member_dir, copied)
            shutil.copyfile(member_dir / "run.json", copied / "run.json")
            architecture = registry.get(task, member)
            further = (*architecture.requirements, *pyfunc.transform_requirements(spec))
            packages |= dict.fromkeys(pyfunc.requirements(architecture.kind, further))
        pyfunc.write(
            target,
            data,
            run,
            spec,
            model_signature,
            example,
            list(packages),
        )
