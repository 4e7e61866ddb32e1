"""The spec of a global model of several series, and the view of it for one series.

One network learns the windows of all series, each transformed and scaled by its own training days.

Source: Montero-Manso and Hyndman, 2021, "Principles and algorithms for forecasting groups of time series",
https://doi.org/10.1016/j.ijforecast.2021.03.004.
"""

from __future__ import annotations

from typing import cast

from strokecast.features.records.spec import ForecastSpec

SINGLE = ""  # the name of the only series of a local model


def names(spec: ForecastSpec) -> tuple[str, ...]:
    """The ids of the series, in order; `("",)` for a model of one series."""
    return tuple(spec.get("series", (SINGLE,)))


def for_series(spec: ForecastSpec, name: str) -> ForecastSpec:
    """The spec of one series as if it were the only one; `spec` itself for a model of one series.

    Raises:
        KeyError: if there is no such series.
    """
    if "series" not in spec:
        return spec
    shared = {key: value for key, value in spec.items() if key != "series"}
    return cast(ForecastSpec, {**shared, **spec["series"][name], "id": name})
