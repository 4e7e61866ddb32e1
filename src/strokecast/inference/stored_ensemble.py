"""An ensemble of trained classifiers in a folder of its own: `reports/<task>/combinations/<name>/`.

The folder holds combination.json (members, trainings and weights), the spec.json of the members, and validation.json like the
folder of a training. The members stay in `models/<task>/`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import spec as specs
from strokecast.inference import class_probabilities, combination_folder, selection
from strokecast.inference.class_probabilities import ClassProbabilities, Floats
from strokecast.models.common import model_folder


def write(
    folder: Path,
    weights: Mapping[str, float],
    trainings: Mapping[str, Mapping[int, str]],
    spec_path: Path,
    accuracy: float,
) -> None:
    """Write the folder of an ensemble.

    Args:
        folder: exists and is empty.
        weights: member → weight above 0.
        trainings: member → seed → training_id.
        spec_path: the spec.json of the members' data.
        accuracy: share of correct validation drawings.
    """
    combination_folder.write_members(folder, {"": weights}, trainings)
    shutil.copyfile(spec_path, folder / "spec.json")
    selection.write_accuracy(folder, accuracy)


def load(folder: Path, models: Path | None = None) -> ClassProbabilities:
    """Load the members of an ensemble.

    Args:
        folder: of the ensemble.
        models: folder that holds `<task>/<name>/seed-<n>/`; None: as `combination_folder.models_of`.

    Raises:
        UserError: if a file is missing or cannot be read, or a member was trained again since the evaluation.
    """
    stored: Any = model_folder.read(folder, combination_folder.FILE, ("members", "weights"))
    weights = stored["weights"][""]
    members = [
        (weights[name] / len(stored["members"][name]), class_probabilities.load(member_dir))
        for name, member_dir in combination_folder.member_dirs(folder, specs.read(folder)["task"], models)
    ]

    def predict_proba(inputs: Mapping[str, NDArray[Any]]) -> Floats:
        return np.asarray(sum(weight * member.predict_proba(inputs) for weight, member in members))

    names = dict.fromkeys(name for _, member in members for name in member.inputs)
    return ClassProbabilities(predict_proba, tuple(names))
