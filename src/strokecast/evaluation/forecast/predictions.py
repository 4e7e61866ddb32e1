"""What every forecaster says of the test split: the one place that opens it.

Networks, regressions and rules are asked at the same origins. TensorFlow is imported only where a network is among
them.
Shapes: O origins, H days ahead, D targets, T days of the whole series.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common.errors import UserError
from strokecast.common.stage import progress
from strokecast.evaluation.common.predictions import finite
from strokecast.evaluation.common.trainings import Roster, Training, check_data
from strokecast.evaluation.forecast.metrics import Backtest, Forecasts, Mask, joined, seasonal_scale, together
from strokecast.evaluation.forecast.refit import Again, blocks
from strokecast.features.records import spec as specs
from strokecast.features.records.spec import SPLITS
from strokecast.features.timeseries import calendar, origins, series_spec
from strokecast.features.timeseries.horizons import Preparer
from strokecast.inference import backtest, conformal


def collect(
    found: Roster,
    processed: Path,
    spec: Mapping[str, Any],
    step: int,
    most: int | None = None,
    again: Again | None = None,
) -> tuple[Backtest, dict[tuple[str, int], Forecasts]]:
    """The test days with their rolling origins, and by (name, seed) the forecasts at them.

    All are in the series' own unit, and all forecasters are asked at the same origins: every `step`-th day of the
    test split on which a whole forecast still fits, and of these at most `most`, evenly spaced. With `again` they are
    trained anew as the origins move on.

    Raises:
        UserError: if a training saw other data, cannot be read, needs more history than there
            is at the first origin, or predicts what is no number; or if several series are to be trained anew.
    """
    check_data(found.trainings, spec["digest"])
    names = series_spec.names(spec)
    if again and names != (series_spec.ONE,):
        raise UserError(
            "models of several series are not trained anew as origins move on",
            where="params.yaml: evaluation.forecast.refit_every",
            fix="say null, or features.forecast.series: one",
        )
    known = {name: backtest.series(processed, SPLITS, name) for name in names}
    tests, positions = {}, {}
    for name, one in known.items():
        possible = origins.rolling(
            one.starts["test"], len(one.days), Preparer(spec).min_history, int(spec["horizon"]), step
        )
        positions[name] = origins.evenly(possible, most)
        tests[name] = _truth(one, series_spec.of(spec, name), positions[name], len(possible))
    forecasts = {}
    for training in progress(found.trainings, "forecasting", len(found.trainings), "training"):
        parts = []
        for folder, rows in _folders(training, again, known[names[0]], positions[names[0]], spec):
            own = spec if folder == training.folder else specs.load(folder, "forecast")
            where = f"params.yaml: models.forecast.{training.name}"
            ask = backtest.load(training.kind, folder, own, where)
            for name in names:
                said = ask(known[name], positions[name][rows] if again else positions[name])
                finite(said.point if said.quantiles is None else said.quantiles, training)
                parts.append(_calibrated(folder, said, series_spec.of(own, name), name))
        forecasts[training.name, training.seed] = joined(parts)
    return (tests[series_spec.ONE] if series_spec.ONE in tests else together(tests)), forecasts


def _truth(
    known: backtest.Series, spec: Mapping[str, Any], positions: origins.Positions, possible: int
) -> Backtest:
    """What the forecasts of one series are held against."""
    truth = backtest.actual(known, spec, positions)
    values = np.asarray(known.columns[spec["targets"][0]], np.float64)
    first = known.starts["test"]
    return Backtest(
        name=spec["name"],
        unit=spec["unit"],
        source=spec["source"],
        days=known.days[first:],
        values=values[first:],
        first_days=known.days[positions],
        actual=truth[..., 0],
        scale=seasonal_scale(values[: known.starts["valid"]]),
        holidays=_holidays(known, spec, positions),
        further={name: truth[..., at] for at, name in enumerate(spec["targets"]) if at},
        possible=possible,
    )


def _folders(
    training: Training,
    again: Again | None,
    known: backtest.Series,
    positions: origins.Positions,
    spec: Mapping[str, Any],
) -> list[tuple[Path, origins.Positions]]:
    """The models that answer, in the order of their days, and which rows of `positions` each answers."""
    first = known.starts["test"]
    parts = blocks(positions, first, again.every if again else None)
    later = [str(known.days[start]) for start in parts if start != first]
    folders = again.folders(training, later, int(spec["splits"]["valid"]["days"])) if again else []
    own = [training.folder] if first in parts else []
    return list(zip([*own, *folders], parts.values(), strict=True))


def _calibrated(folder: Path, said: backtest.Said, spec: Mapping[str, Any], series: str) -> Forecasts:
    """The intervals as the training calibrated them, for this series."""
    calibration = conformal.load(folder, series)
    point = said.point[..., 0]
    try:
        low, high = conformal.apply(calibration, point, said.quantiles, said.own, bool(spec["counts"]))
    except ValueError as error:
        where = str(folder / conformal.FILE)
        raise UserError(str(error), where=where, fix="run `dvc repro` to train the model") from None
    return Forecasts(
        point=point,
        low=low,
        high=high,
        levels=calibration.levels,
        quantiles=said.quantiles,
        own=said.own,
        further={
            name: said.point[..., at] for at, name in enumerate(spec["targets"][: said.point.shape[2]]) if at
        },
        short=calibration.short,
        calibrated=calibration.origins,
    )


def _holidays(known: backtest.Series, spec: Mapping[str, Any], positions: origins.Positions) -> Mask | None:
    """Which forecast days are holidays, bool [O, H]: by the country's calendar, or else by the day types.

    Of the day types, U (Sunday or holiday) is one from Monday to Saturday.
    """
    ahead = positions[:, None] + np.arange(int(spec["horizon"]))
    country = spec["calendar"]["country"]
    if country:
        first, last = (int(str(known.days[at])[:4]) for at in (ahead.min(), ahead.max()))
        named = calendar.holidays(country, first, last)
        flags = np.array([day in named for day in known.days.tolist()])
    elif "day_type" in known.columns:
        sunday = (known.days.astype(np.int64) + 3) % 7 == 6  # 1970-01-01 was a Thursday
        flags = (np.asarray(known.columns["day_type"]) == "U") & ~sunday
    else:
        return None
    return np.asarray(flags[ahead])
