"""Rows of a daily series as users give them, checked: what will not do is told with the first date at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError

Days = NDArray[np.datetime64]

_ONCE = "every day once, ascending"


def days(column: pd.Series, where: str) -> Days:
    """datetime64[D] [n], each the day after the one before.

    Args:
        column: dates as text, `datetime.date` or datetime64.
        where: how errors name the input.

    Raises:
        UserError: names the first row or date that will not do.
    """
    where = f"{where} column ds"
    times = pd.to_datetime(column, errors="coerce", format="ISO8601" if _is_text(column) else None)
    if getattr(times.dtype, "tz", None) is not None:
        raise UserError("dates carry a time zone", where=where, allowed="plain days, YYYY-MM-DD")
    bad = (times.isna() | (times != times.dt.normalize())).to_numpy()
    if bad.any():
        row = int(np.argmax(bad))
        raise UserError(f"{said(column.iloc[row])} in row {row} is no day", where=where, allowed="YYYY-MM-DD")
    found: Days = times.to_numpy().astype("datetime64[D]")
    steps = np.diff(found).astype(np.int64)
    if (steps != 1).any():
        at = int(np.argmax(steps != 1))
        raise UserError(_fault(found, steps, at), where=where, allowed=_ONCE)
    return found


def _fault(found: Days, steps: NDArray[np.int64], at: int) -> str:
    before, after, step = found[at], found[at + 1], int(steps[at])
    if at == 0 and len(steps) > 1 and step > 1 and (steps > 1).mean() > 0.5:
        return f"rows are {step} days apart ({after} follows {before}), and the model reads days"
    if step == 0:
        return f"{after} is there twice"
    return f"{after} comes after {before}" if step < 0 else f"{before + 1} is missing"


def numbers(column: pd.Series, dates: Days, where: str) -> NDArray[np.float64]:
    """float64 [n], all finite.

    Raises:
        UserError: names the first date whose value is none.
    """
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"{said(column.iloc[row])} on {dates[row]} is no finite number",
            where=f"{where} column {column.name}",
            fix="give every day a number",
        )
    return values


def said(value: Any) -> str:
    """A cell as an error shows it."""
    return repr(value) if isinstance(value, str) else str(value)


def _is_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(column))
