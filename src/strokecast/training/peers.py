"""Forecasters without a network, from processed data: what rules find, what regressions learn; no TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common.errors import UserError
from strokecast.features.records import plain_reading
from strokecast.features.timeseries import origins, series_spec
from strokecast.inference import backtest
from strokecast.models.regression.lagged import Lagged
from strokecast.models.statistical.rules import Rule
from strokecast.training.guards import TrainingError

_FIX = "give a longer series, or switch the model off (enabled: false)"
_TIMED = 5  # origins that a rule is timed at, after a warm-up


def find(
    rule: Rule, processed: Path, spec: Mapping[str, Any], where: str, series: str = series_spec.ONE
) -> tuple[float, float]:
    """Let `rule` choose its settings on the training days, and time its forecasts at validation origins.

    Opens the days of the train and valid splits, never those of test.

    Args:
        rule: as built.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        where: the entry in params.yaml, for messages.
        series: which of several.

    Returns:
        Seconds of the choice, and forecasts a second after a warm-up.

    Raises:
        UserError: if the days are too few for the rule.
    """
    known = backtest.series(processed, ("train", "valid"), series)
    first, stop = known.starts["valid"], len(known.days)
    asked = origins.rolling(first, stop, rule.min_history, int(spec["horizon"]))
    if not len(asked):
        raise UserError(
            f"the days{series and ' of '}{series} before the test split number {stop}, the rule needs {rule.min_history} and a forecast's more",
            where=where,
            fix=_FIX,
        )
    started = time.perf_counter()
    try:
        rule.find(np.asarray(known.columns[spec["targets"][0]][:first], np.float64))
    except ValueError as error:
        raise UserError(f"cannot be fitted to the training days: {error}", where=where, fix=_FIX) from None
    found = time.perf_counter() - started
    asked = origins.evenly(asked, _TIMED)
    ask = backtest.rule(rule, series_spec.of(spec, series), where)
    ask(known, asked[:1])
    started = time.perf_counter()
    ask(known, asked)
    return found, len(asked) / (time.perf_counter() - started)


def fit(
    lagged: Lagged, processed: Path, spec: Mapping[str, Any], seed: int, where: str
) -> tuple[float, float]:
    """Fit `lagged` on the training windows of all series, and time its forecasts of the validation windows.

    Opens the files of the train and valid splits, never those of test.

    Args:
        lagged: unfitted.
        processed: `data/processed/forecast`.
        spec: its spec.json.
        seed: of what is drawn at random.
        where: the entry in params.yaml, for messages.

    Returns:
        Seconds of the fit, reading included, and windows a second of `predict` after a warm-up.

    Raises:
        UserError: if the data is damaged.
        TrainingError: where memory runs out.
    """
    started = time.perf_counter()
    try:
        train, valid = (plain_reading.windows(processed, spec, split) for split in ("train", "valid"))
        inputs = {"past": valid.past, "future": valid.future}
        learned = {"past": train.past, "future": train.future}
        lagged.fit(learned, train.target, seed, (inputs, valid.target))
    except MemoryError:
        fix = "take fewer lags, a shorter window or fewer training days"
        raise TrainingError("out of memory", where=where, fix=fix) from None
    fitted = time.perf_counter() - started
    lagged.predict(inputs)
    started = time.perf_counter()
    lagged.predict(inputs)
    return fitted, len(valid.origin) / (time.perf_counter() - started)
