"""Several series in one global model: what spec.json holds of each, and the view of one of them.

One network learns the windows of all series, each transformed and scaled by its own training days (Montero-Manso and
Hyndman, 2021, "Principles and algorithms for forecasting groups of time series",
https://doi.org/10.1016/j.ijforecast.2021.03.004).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ONE = ""  # the name of a series that stands alone


def names(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the series, in order; `("",)` where there is but one."""
    return tuple(spec.get("series", (ONE,)))


def of(spec: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The spec of one series, as if it were the only one; the spec itself where it is.

    Raises:
        KeyError: if there is no such series.
    """
    if "series" not in spec:
        return spec
    shared = {key: value for key, value in spec.items() if key != "series"}
    return {**shared, **spec["series"][name], "id": name}
