"""Calibrates the intervals of a forecaster at the end of its training, on validation origins.

Shapes: N origins, H days ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.timeseries import origins, series_spec
from strokecast.features.timeseries.horizons import Preparer
from strokecast.inference import backtest, conformal


def write(
    folder: Path,
    ask: backtest.Ask,
    processed: Path,
    spec: Mapping[str, Any],
    history: int,
    most: int | None,
    where: str,
) -> None:
    """Write `folder`/calibration.json for the first target, of several series one calibration each.

    Pooled over scaled residuals, intervals would cover their level over all series together; one each, they do so for
    every series, whose errors may have other shapes. They need as many origins each as a series alone.

    Opens the days of the train and valid splits, never those of test.

    Args:
        folder: of the training.
        ask: the forecaster.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        history: days that the forecaster needs before an origin, where that is more than networks need.
        most: origins at most, evenly spaced; None: every one.
        where: the entry in params.yaml, for messages.

    Raises:
        UserError: if the validation split holds no origin with enough history.
    """
    horizon, need = int(spec["horizon"]), max(history, Preparer(spec).min_history)
    each = {}
    for name in series_spec.names(spec):
        known = backtest.series(processed, ("train", "valid"), name)
        days = len(known.days)
        chosen = origins.evenly(origins.rolling(known.starts["valid"], days, need, horizon), most)
        if not len(chosen):
            raise UserError(
                f"the days{name and ' of '}{name} before the test split number {days}, it needs {need} before a validation forecast of {horizon}",
                where=where,
                fix="give a longer series, move test_from later, or say enabled: false",
            )
        said = ask(known, chosen)
        actual = backtest.actual(known, spec, chosen)[..., 0]
        each[name] = conformal.fit(actual, said.point[..., 0], said.quantiles, said.own)
    conformal.write_all(folder, each)
