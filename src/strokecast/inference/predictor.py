"""The predictor for a trained model's folder, which takes raw input and prepares it as in preprocessing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.records import spec as specs
from strokecast.inference import networks
from strokecast.inference.classifier import DrawingClassifier, PredictProba
from strokecast.models.common import model_folder, probabilities


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
    if task == "classify":
        from strokecast.models.common import estimators

        if (folder / estimators.FILE).is_file():
            model = estimators.load(folder)
            return DrawingClassifier(
                lambda inputs: model.predict_proba(inputs["strokes"], inputs["length"]), spec
            )
        network = networks.load_network(folder)
        return DrawingClassifier(
            _softmax_of(network), spec, reads_time="time" in networks.input_signature(network)
        )
    if task == "draw":
        from strokecast.inference.drawing_generator import DrawingGenerator

        return DrawingGenerator(networks.load_network(folder), spec)
    if task == "watch":
        from strokecast.inference.video import VideoClassifier

        network = networks.load_network(folder)
        return VideoClassifier(_softmax_of(network), spec, networks.input_signature(network))
    if task != "forecast":
        raise UserError(
            "is not a spec of processed data", location=str(folder / "spec.json"), fix=model_folder.RESTORE
        )
    from strokecast.inference import stored_combination
    from strokecast.inference.forecasting import SeriesForecaster

    if (folder / stored_combination.FILE).is_file():
        return SeriesForecaster(folder, spec, stored_combination.load(folder))
    return SeriesForecaster(folder, spec)


def _softmax_of(network: Any) -> PredictProba:
    """The probabilities of a classifier whose outputs are logits."""
    run = networks.inference_function(network)

    def predict_proba(inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        return probabilities.softmax(run(inputs).numpy())  # [B, K]

    return predict_proba
