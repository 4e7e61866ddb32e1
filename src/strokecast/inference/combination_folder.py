"""The folder of a combination of trained models: `reports/<task>/combinations/<name>/`.

combination.json names members, trainings and weights; the members stay in `models/<task>/`. `inference/stored_combination.py`
has combinations of forecasters, `inference/stored_ensemble.py` those of classifiers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import write_json
from strokecast.common.paths import MODELS, REPORTS, model_dir
from strokecast.models.common import model_folder

Floats = NDArray[np.float64]

FILE = "combination.json"
KIND = "combination"
FOLDER = "combinations"  # in `reports/<task>`


def write_members(
    folder: Path,
    weights: Mapping[str, Mapping[str, float]],
    trainings: Mapping[str, Mapping[int, str]],
    **further: Any,
) -> None:
    """Write combination.json.

    Args:
        folder: of the combination; exists.
        weights: series → member → weight; {"": ...} for one series and for classifiers.
        trainings: member → seed → training_id.
        further: other entries of combination.json.
    """
    members = {
        member: {str(seed): training_id for seed, training_id in seeds.items()}
        for member, seeds in trainings.items()
    }
    by_series = {series: dict(own) for series, own in weights.items()}
    write_json(folder / FILE, {"kind": KIND, "members": members, "weights": by_series, **further})


def find(task: str, reports: Path = REPORTS) -> dict[str, Path]:
    """Name → folder of every evaluated combination of a task."""
    return {path.parent.name: path.parent for path in sorted((reports / task / FOLDER).glob(f"*/{FILE}"))}


def models_of(folder: Path) -> Path:
    """The folder with the trainings of the members: that inside `folder`, where MLflow models have it, else the project's."""
    own = folder / MODELS.name
    return own if own.is_dir() else MODELS


def member_dirs(folder: Path, task: str, models: Path | None = None) -> Iterator[tuple[str, Path]]:
    """Name and folder of every training of the members of a combination.

    Args:
        folder: of the combination.
        task: of its members.
        models: folder that holds `<task>/<name>/seed-<n>/`; None: as `models_of`.

    Raises:
        UserError: if a file is missing, or a member was trained again since the evaluation.
    """
    models = models or models_of(folder)
    for member, trainings in model_folder.read(folder, FILE, ("members",))["members"].items():
        for seed, training_id in trainings.items():
            member_dir = model_dir(task, member, int(seed), models)
            run = model_folder.read(member_dir, "run.json", ("training_id",))
            if run["training_id"] != training_id:
                raise UserError(
                    f"{member} (seed {seed}) was trained again since this combination was evaluated",
                    location=str(folder / FILE),
                    fix=f"run `dvc repro evaluate-{task}`",
                )
            yield member, member_dir


def weighted_mean(weights: Mapping[str, float], values: Mapping[str, Sequence[Floats]]) -> Floats:
    """The weighted mean over members of the mean over the trainings of each.

    Args:
        weights: member → weight; with the sum 1.
        values: member → an array per training, all of one shape.
    """
    return np.asarray(sum(weight * np.mean(values[member], axis=0) for member, weight in weights.items()))
