"""Drift profiles of a daily series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.profiles import Profile, build_profile, independent_share
from strokecast.validation.series.calendar import WEEK
from strokecast.validation.series.levels import YEAR


def profile_series(values: NDArray[np.float64]) -> Profile:
    """Profile of the values, their change over a week, and their log ratio over a year.

    Days of a series depend on each other, so the effective sample sizes are smaller than the
    number of days.
    """
    logs = np.log(values, out=np.full(len(values), np.nan), where=values > 0)
    features = {
        "value": values,
        "change over a week": values[WEEK:] - values[:-WEEK],
        "log ratio over a year": logs[YEAR:] - logs[:-YEAR] if len(values) > YEAR else np.zeros(0),
    }
    return build_profile(features, {name: independent_share(column) for name, column in features.items()})


def profile_splits(values: NDArray[np.float64], splits: Mapping[str, slice]) -> dict[str, Profile]:
    """Profile of each split. Changes of its days may refer to days before the split."""
    profiles = {}
    for name, span in splits.items():
        start = max(0, span.start - YEAR)
        own_values = values[span]
        profiles[name] = profile_series(values[start : span.stop]) | build_profile(
            {"value": own_values}, {"value": independent_share(own_values)}
        )
    return profiles
