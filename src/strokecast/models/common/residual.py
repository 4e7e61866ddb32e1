"""Which data a seasonal naive forecast (`residual` of a forecaster's config) needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.common.errors import UserError

WEEK, YEAR = 7, 364  # days
LAG_FEATURE = f"lag_{YEAR}"  # name of the feature in the spec of the data


def check(
    residual: str,
    spec: Mapping[str, Any],
    *,
    each_step: bool = False,
    location: str = "params.yaml: models.forecast",
) -> None:
    """Check that the data reach back far enough.

    Args:
        residual: `none`, `last_week` or `last_year`.
        spec: `input_size`, `horizon`, `difference` and `future` of the processed data.
        each_step: forecast from every day of the window.
        location: key path of the model, for the error message.

    Raises:
        UserError: if the window does not reach back far enough, or `last_year` is combined with `difference`.
    """
    horizon, window = int(spec["horizon"]), int(spec["input_size"])
    requirement = ""
    if residual == "last_week" and window < WEEK:
        requirement = f"a window of {WEEK} days or more, the window has {window}"
    elif residual == "last_year" and spec.get("difference") is not None:
        requirement = "values as targets, but features.forecast.difference makes them changes"
    elif (
        residual == "last_year"
        and LAG_FEATURE not in spec["future"]
        and (each_step or window < YEAR or horizon > YEAR)
    ):
        requirement = f"{YEAR} among features.forecast.lags" + ("" if each_step else " (or a window as long)")
    if requirement:
        raise UserError(
            f"residual: {residual} needs {requirement}",
            location=location,
            fix="set residual: none, or change features.forecast",
        )
