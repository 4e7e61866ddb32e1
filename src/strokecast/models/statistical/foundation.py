"""A pretrained forecaster from a folder of this machine, as it is: nothing is trained on the series.

Shapes: n days of history, H days ahead, Q quantile levels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from strokecast.common.errors import UserError
from strokecast.models.statistical import pretrained
from strokecast.models.statistical.base import StatisticalForecaster

if TYPE_CHECKING:
    from strokecast.models.statistical.base import Days, Floats, SeriesHistory

_LOCATION = "params.yaml: models.forecast.foundation.config.path"
_MEDIAN = (0.5,)


def check_folder(path: str) -> Path:
    """The folder of a pretrained model, absolute.

    Args:
        path: relative to the project or absolute.

    Raises:
        UserError: if it holds no model that can be read.
    """
    folder = Path(path).expanduser().resolve()
    pretrained.find_adapter(folder, _LOCATION)
    return folder


class FoundationForecaster(StatisticalForecaster):
    """Forecasts of a pretrained model.

    `fit` stores where the model is and which one it is; its weights stay in their folder.

    Args:
        path: folder of the model, relative to the project or absolute.
        max_history_days: last days that the model reads; None: all.
        quantiles: levels to forecast; () for the median alone.
        counts: clip forecasts at 0.
    """

    min_history = 28
    slow = True

    def __init__(
        self, path: str, max_history_days: int | None, quantiles: tuple[float, ...], counts: bool
    ) -> None:
        super().__init__()
        self.path, self.max_history_days, self.counts = path, max_history_days, counts
        self.quantile_levels = quantiles
        self._model: pretrained.QuantileFn | None = None

    def fit(self, history: SeriesHistory) -> None:
        """Note the folder and the digest of the model.

        Args:
            history: the training days, which must be at least `min_history`.

        Raises:
            ValueError: if they are too few.
            UserError: if the folder holds no model that can be read.
        """
        self._training_values(history)
        folder = check_folder(self.path)
        self._model = pretrained.load(folder, _LOCATION)
        self.specification = {"folder": str(folder), "digest": pretrained.digest(folder)}

    def _load(self) -> pretrained.QuantileFn:
        """The model that `fit` found: in its folder relative to the project, or where it was then."""
        if self._model is None:
            check_folder(str(self._folder))
            if error := self.changed():
                raise error
            self._model = pretrained.load(self._folder, _LOCATION)
        return self._model

    @property
    def _folder(self) -> Path:
        moved = Path(self.path).expanduser()
        return (moved if moved.is_dir() else Path(self.specification["folder"])).resolve()

    def changed(self) -> UserError | None:
        """The error of a folder that holds another model than the one that `fit` found; None if it is the same or absent."""
        if pretrained.digest(self._folder) in ("", self.specification["digest"]):
            return None
        return UserError(
            f"{str(self._folder)!r} holds another model than the one whose validation forecasts are stored",
            location=_LOCATION,
            fix="put that one back, or run `dvc repro --single-item --force train-forecast@foundation`",
        )

    def _predict(self, values: Floats, next_days: Days) -> Floats:
        return self._quantiles(values, next_days, _MEDIAN)[:, 0]

    def _predict_quantiles(self, values: Floats, next_days: Days) -> Floats:
        return self._quantiles(values, next_days, self.quantile_levels)

    def _quantiles(self, values: Floats, next_days: Days, levels: tuple[float, ...]) -> Floats:
        import numpy as np

        recent = values if self.max_history_days is None else values[-self.max_history_days :]
        forecast = self._load()(recent, len(next_days), levels)
        return np.maximum(forecast, 0.0) if self.counts else forecast
