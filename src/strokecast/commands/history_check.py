"""Warnings of `strokecast forecast` about days that can be forecast, but not as the evaluation promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common import names
from strokecast.common.paths import VALIDATION_FORECASTS, model_dir
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.inference import combination_folder, networks, validation_forecasts
from strokecast.inference.series_table import ID, to_series_id
from strokecast.models.common import model_folder, registry

Floats = NDArray[np.float64]

TWO_YEARS = 730  # days from which holidays and the season of the year can be learned
_LEVEL_DAYS = 364  # days whose median is compared
_LEVEL_RATIO = 3.0  # of the medians of two positive series
_LEVEL_SPREADS = 5.0  # distance of the medians of other series, in spreads (5 to 95 %) of the training series


class HistoryCheck:
    """Finds series that are too short for a model that refits on them, or of another level than the training series.

    Args:
        folder: of the trained model or the combination.
        spec: its spec.json.

    Raises:
        UserError: if a file of the model cannot be read.
    """

    def __init__(self, folder: Path, spec: ForecastSpec) -> None:
        self._spec, self._learners = spec, _learn_from_input(folder)
        has_validation = (folder / VALIDATION_FORECASTS).is_file()  # trainings of earlier versions lack it
        self._validation = validation_forecasts.load(folder) if has_validation else {}

    def warnings(self, frame: pd.DataFrame) -> Iterator[str]:
        """One line per such series.

        Args:
            frame: of `forecast_input.to_days`.
        """
        target = self._spec["targets"][0]
        groups = (
            [("", frame)] if ID not in frame else list(frame.groupby(frame[ID].map(to_series_id), sort=False))
        )
        for series_id, rows in groups:
            names_of_model = series_spec.names(self._spec)
            trained_series = series_id if series_id in names_of_model else series_spec.SINGLE
            name = names.shorten(str(series_id or self._spec["name"]), 60)
            splits = series_spec.for_series(self._spec, trained_series)["splits"]
            train_days = int(splits["train"]["days"])
            too_short = len(rows) < min(TWO_YEARS, train_days) or len(rows) < train_days / 2
            if self._learners and too_short:
                yield (
                    f"{name}: {len(rows):,} days are few for {', '.join(self._learners)}: the model is fitted again on "
                    f"the input, was evaluated with {train_days:,} days or more, and its intervals do not become wider; "
                    f"give all days that you have{', two years or more' * (len(rows) < TWO_YEARS)}"
                )
            values = rows[target].to_numpy(np.float64)[-_LEVEL_DAYS:]
            if trained_series in self._validation:
                yield from _level_warning(name, values, self._validation[trained_series].actual.ravel())


def _learn_from_input(folder: Path) -> list[str]:
    """The models that learn holidays and the season of the year from the input: this one, or members of a combination."""
    if (folder / combination_folder.FILE).is_file():
        members = model_folder.read(folder, combination_folder.FILE, ("members",))["members"]
        models = combination_folder.models_of(folder)
        folders = {
            name: model_dir("forecast", name, int(min(seeds, key=int)), models)
            for name, seeds in members.items()
        }
    else:
        folders = {model_folder.read(folder, "config.json", ("name",))["name"]: folder}
    return [
        name
        for name, one in folders.items()
        if registry.get("forecast", name).kind == "rule" and networks.load_statistical(one).learns_year
    ]


def _level_warning(name: str, values: Floats, trained: Floats) -> Iterator[str]:
    own, known = float(np.median(values)), float(np.median(trained))
    if min(own, known) > 0:
        is_other = max(own / known, known / own) > _LEVEL_RATIO
    else:
        low, high = np.quantile(trained, (0.05, 0.95))
        is_other = abs(own - known) > _LEVEL_SPREADS * (high - low) > 0
    if is_other:
        yield (
            f"{name}: the median of its last {len(values):,} days is {own:.6g}, that of the validation days of the "
            f"training series {known:.6g}; forecast the series that the model was trained on, or train on this one"
        )
