"""MLflow's entry point to a saved model: `_load_pyfunc`, part of the code that is saved with the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common.errors import UserError
from strokecast.inference import predictor

if TYPE_CHECKING:
    import pandas as pd


class RawInputModel:
    """Predicts from raw input. An input error is one line, also over HTTP."""

    def __init__(self, folder: Path) -> None:
        self._predictor = predictor.load(folder)

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predict raw rows; `strokecast.inference.predictor` lists the columns.

        Raises:
            MlflowException: in one line, if the input is not valid.
        """
        try:
            return self._predictor.predict(model_input)
        except UserError as error:
            from mlflow.exceptions import MlflowException
            from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None


def _load_pyfunc(data_path: str) -> RawInputModel:
    return RawInputModel(Path(data_path))
