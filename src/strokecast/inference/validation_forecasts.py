"""The validation forecasts of a training, stored in `validation_forecasts.npz`.

Combinations of models are weighted and calibrated from these files without running a model.

Shapes: N validation origins, H days of the horizon, Q quantile levels.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import new_file
from strokecast.common.paths import VALIDATION_FORECASTS
from strokecast.models.common import model_folder

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class ValidationForecasts:
    """Forecasts of one series at validation origins, in its unit, with the actual values.

    Attributes:
        days: datetime64[D] [N], the first forecast day of each origin, rising.
        actual: float64 [N, H].
        point: float64 [N, H]; the median if quantiles are forecast.
        quantiles: float64 [N, H, Q], before calibration; None for a point forecast.
        quantile_levels: the Q levels, rising; () for a point forecast.
    """

    days: Days
    actual: Floats
    point: Floats
    quantiles: Floats | None = None
    quantile_levels: tuple[float, ...] = ()

    def errors(self) -> dict[str, float]:
        """First forecast day (YYYY-MM-DD) → mean absolute error over the horizon."""
        means = np.abs(self.point - self.actual).mean(axis=1)
        return dict(zip(self.days.astype(str).tolist(), means.tolist(), strict=True))


def write(folder: Path, by_series: Mapping[str, ValidationForecasts]) -> None:
    """Write `folder`/validation_forecasts.npz. Forecasts are stored as float32; equal forecasts give equal bytes.

    Args:
        folder: of the training.
        by_series: series → its forecasts; {"": forecasts} for a model of one series.
    """
    arrays: dict[str, NDArray[Any]] = {"series": np.array(list(by_series), dtype=np.str_)}
    for position, forecasts in enumerate(by_series.values()):
        arrays[f"days_{position}"] = forecasts.days.astype("datetime64[D]").astype(np.int64)
        arrays[f"actual_{position}"] = forecasts.actual.astype(np.float64)
        arrays[f"point_{position}"] = forecasts.point.astype(np.float32)
        if forecasts.quantiles is not None:
            arrays[f"quantiles_{position}"] = forecasts.quantiles.astype(np.float32)
            arrays["quantile_levels"] = np.array(forecasts.quantile_levels, np.float64)
    with new_file(folder / VALIDATION_FORECASTS) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(folder: Path) -> dict[str, ValidationForecasts]:
    """Read `folder`/validation_forecasts.npz: series → its forecasts.

    Raises:
        UserError: if it is missing or cannot be read.
    """
    path = folder / VALIDATION_FORECASTS
    if not path.is_file():
        raise UserError("no such file", location=str(path), fix="run `dvc repro` to train the model")
    try:
        with np.load(path, allow_pickle=False) as stored:
            levels = tuple(stored["quantile_levels"].tolist()) if "quantile_levels" in stored.files else ()
            return {
                name: ValidationForecasts(
                    stored[f"days_{position}"].astype("datetime64[D]"),
                    stored[f"actual_{position}"],
                    stored[f"point_{position}"].astype(np.float64),
                    stored[f"quantiles_{position}"].astype(np.float64) if levels else None,
                    levels,
                )
                for position, name in enumerate(stored["series"].tolist())
            }
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"cannot be read ({error})", location=str(path), fix=model_folder.RESTORE) from None
