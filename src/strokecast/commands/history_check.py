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
from strokecast.inference import networks, stored_combination, validation_forecasts
from strokecast.inference.series_table import ID, to_series_id
from strokecast.models.common import model_folder, registry

Floats = NDArray[np.float64]

TWO_YEARS = 730  # days from which holidays and the season of the year can be learned
_LEVEL_DAYS = 364  # days whose median is compared
_LEVEL_RATIO = 3.0  # of the medians of two positive series
_LEVEL_SPREADS = 5.0  # distance of the medians of other series, in spreads (5 to 95 %) of the training series


def warnings(frame: pd.DataFrame, folder: Path, spec: ForecastSpec) -> Iterator[str]:
    """One line per series that is too short for a model that refits on it, or of another level than the training series.

    Args:
        frame: from `forecast_input.read`.
        folder: of the trained model or the combination.
        spec: its spec.json.

    Raises:
        UserError: if a file of the model cannot be read.
    """
    learners = _learn_from_input(folder)
    has_validation = (folder / VALIDATION_FORECASTS).is_file()  # trainings of earlier versions lack it
    validation = validation_forecasts.load(folder) if has_validation else {}
    target = spec["targets"][0]
    groups = (
        [("", frame)] if ID not in frame else list(frame.groupby(frame[ID].map(to_series_id), sort=False))
    )
    for series_id, rows in groups:
        trained_series = series_id if series_id in series_spec.names(spec) else series_spec.SINGLE
        name = names.shorten(str(series_id or spec["name"]), 60)
        train_days = int(series_spec.for_series(spec, trained_series)["splits"]["train"]["days"])
        too_short = len(rows) < min(TWO_YEARS, train_days) or len(rows) < train_days / 2
        if learners and too_short:
            yield (
                f"{name}: {len(rows):,} days are few for {', '.join(learners)}: the model is fitted again on the input, "
                f"was evaluated with {train_days:,} days or more, and its intervals do not become wider; give all days "
                f"that you have{', two years or more' * (len(rows) < TWO_YEARS)}"
            )
        values = rows[target].to_numpy(np.float64)[-_LEVEL_DAYS:]
        if trained_series in validation:
            yield from _level_warning(name, values, validation[trained_series].actual.ravel())


def _learn_from_input(folder: Path) -> list[str]:
    """The models that learn holidays and the season of the year from the input: this one, or members of a combination."""
    if (folder / stored_combination.FILE).is_file():
        members = model_folder.read(folder, stored_combination.FILE, ("members",))["members"]
        models = stored_combination.models_of(folder)
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
