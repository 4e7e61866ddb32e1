"""The predictor for a trained model's folder, which takes raw input and prepares it as in preprocessing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from strokecast.common.errors import UserError
from strokecast.features.records import spec as specs
from strokecast.inference import class_probabilities, combination_folder, networks, stored_ensemble
from strokecast.inference.classifier import DrawingClassifier
from strokecast.models.common import model_folder


class Predictor(Protocol):
    """The interface of what `load` returns."""

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predictions for raw input."""
        ...


def load(folder: Path) -> Predictor:
    """The model in `folder` (spec.json and model.keras, model.npz or model.json), ready for raw input.

    A folder with combination.json has the models of the members in `models/`.

    Raises:
        UserError: if a file is missing or unreadable.
    """
    spec: Any = specs.read(folder)
    task = spec.get("task")
    if task in ("classify", "watch"):
        is_ensemble = (folder / combination_folder.FILE).is_file()
        model = stored_ensemble.load(folder) if is_ensemble else class_probabilities.load(folder)
        if task == "classify":
            return DrawingClassifier(model.predict_proba, spec, reads_time="time" in model.inputs)
        from strokecast.inference.video import VideoClassifier

        return VideoClassifier(model.predict_proba, spec, model.inputs)
    if task == "draw":
        from strokecast.inference.drawing_generator import DrawingGenerator

        return DrawingGenerator(networks.load_network(folder), spec)
    if task != "forecast":
        raise UserError(
            "is not a spec of processed data", location=str(folder / "spec.json"), fix=model_folder.RESTORE
        )
    from strokecast.inference import stored_combination
    from strokecast.inference.forecasting import SeriesForecaster

    if (folder / combination_folder.FILE).is_file():
        return SeriesForecaster(folder, spec, stored_combination.load(folder))
    return SeriesForecaster(folder, spec)
