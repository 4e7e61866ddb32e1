"""Which data the forecast that a network's output is added to (`residual` of its config) needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strokecast.common.errors import UserError

WEEK, YEAR, LEVEL_DAYS = 7, 364, 28  # days
LAG_FEATURE = f"lag_{YEAR}"  # name of the feature in the spec of the data


def resolve(residual: str, spec: Mapping[str, Any]) -> str:
    """The residual that `auto` stands for: the one that preprocessing chose on validation windows.

    Args:
        residual: of a network's config.
        spec: of the processed data. Without a choice (data of earlier versions) it is `none`.
    """
    return str(spec.get("residual", {}).get("chosen", "none")) if residual == "auto" else residual


def check(
    residual: str,
    spec: Mapping[str, Any],
    *,
    each_step: bool = False,
    location: str = "params.yaml: models.forecast",
) -> None:
    """Check that the data reach back far enough.

    Args:
        residual: `auto`, `none`, `last_week`, `last_year` or `mean_28`. `auto` never needs more than there is.
        spec: `input_size`, `horizon`, `difference` and `future` of the processed data.
        each_step: forecast from every day of the window.
        location: key path of the model, for the error message.

    Raises:
        UserError: if the window does not reach back far enough, or `last_year` is combined with `difference`.
    """
    horizon, window = int(spec["horizon"]), int(spec["input_size"])
    shortest = {"last_week": WEEK, "mean_28": LEVEL_DAYS}.get(residual, 0)
    requirement = ""
    if window < shortest:
        requirement = f"a window of {shortest} days or more, the window has {window}"
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
