"""What `run.json` says of a training, for a combination of trained models, which has none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.inference import combination_folder

SEED = 0  # a combination has no seed: it is the mean over those of its members


def combined_run(members: Collection[str], trained_models: TrainedModels) -> dict[str, Any]:
    """The facts of a combination; the costs are those of all trainings of its members."""
    runs = [model.run for model in trained_models.finished if model.name in members]
    speeds = [run["examples_per_second"] for run in runs if run.get("examples_per_second")]
    return {
        "kind": combination_folder.KIND,
        "training_id": "",
        "parameters": sum(run.get("parameters") or 0 for run in runs),
        "train_seconds": sum(run.get("train_seconds") or 0.0 for run in runs),
        "examples_per_second": 1 / sum(1 / speed for speed in speeds) if speeds else None,
    }
