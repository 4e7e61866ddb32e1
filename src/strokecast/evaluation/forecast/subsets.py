"""Subsets of the forecast days with metrics of their own: day ahead, regime, weekday, holiday.

Shapes: O origins in time order, H days ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from strokecast.common.errors import UserError
from strokecast.evaluation.forecast.results import Backtest, Days, Mask
from strokecast.params import Regime

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def weekdays(days: Days) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Weekday per day, 0 (Monday) to 6 (Sunday); same shape as `days`."""
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday


def regime_masks(first_days: Days, regimes: Sequence[Regime]) -> dict[str, Mask]:
    """Name → the origins whose first forecast day lies in that regime, bool [O].

    Raises:
        UserError: if a regime contains no origin.
    """
    masks = {}
    for position, regime in enumerate(regimes):
        mask = (first_days >= np.datetime64(regime.first)) & (first_days <= np.datetime64(regime.last))
        if not mask.any():
            raise UserError(
                f"regime {regime.name!r} ({regime.first} to {regime.last}) contains no forecast of the test split",
                location=f"params.yaml: evaluation.forecast.regimes.{position}",
                allowed=f"first forecast days from {first_days[0]} to {first_days[-1]}",
            )
        masks[regime.name] = mask
    return masks


def subset_masks(test: Backtest, regimes: Mapping[str, Mask]) -> dict[str, dict[str, Mask]]:
    """Dimension → name of the subset → its forecast days, bool [O, H]. Empty subsets are left out.

    Args:
        test: the origins.
        regimes: bool [O] each, from `regime_masks`.

    Returns:
        Dimensions `day` (ahead, from 1), `regime` (`all` and the named ones), `weekday` (of the forecast day) and,
        with a holiday calendar, `holiday` (`holidays` and `other_days`).
    """
    origins, horizon = test.actual.shape
    ahead = np.arange(horizon)
    weekday = weekdays(test.first_days[:, None] + ahead)  # [O, H]
    everything = np.ones((origins, horizon), bool)
    masks = {
        "day": {str(day + 1): everything & (ahead == day) for day in range(horizon)},
        "regime": {"all": everything, **{name: everything & mask[:, None] for name, mask in regimes.items()}},
        "weekday": {name: weekday == number for number, name in enumerate(WEEKDAYS)},
    }
    if test.holidays is not None:
        masks["holiday"] = {"holidays": test.holidays, "other_days": ~test.holidays}
    return {
        dimension: {name: mask for name, mask in subsets.items() if mask.any()}
        for dimension, subsets in masks.items()
    }
