"""Checks of the user's table of a daily series; every error names the first row or date that is not valid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.limits import LARGEST_VALUE

Days = NDArray[np.datetime64]

ID = "unique_id"
_CONSECUTIVE = "every day once, ascending"


def parse_days(column: pd.Series, location: str) -> Days:
    """Consecutive days, datetime64[D] [n].

    Args:
        column: dates as text, `datetime.date` or datetime64.
        location: how errors name the input.

    Raises:
        UserError: names the first row or date that is not valid.
    """
    location = f"{location} column ds"
    try:
        times = pd.to_datetime(column, errors="coerce", format="ISO8601" if _is_text(column) else None)
        with_time_zone = getattr(times.dtype, "tz", None) is not None
    except ValueError:  # texts with different offsets
        with_time_zone = True
    except (TypeError, OverflowError):
        raise UserError(
            f"{column.dtype} values are not days", location=location, allowed="YYYY-MM-DD"
        ) from None
    if with_time_zone:
        raise UserError("dates have a time zone", location=location, allowed="plain days, YYYY-MM-DD")
    invalid = (times.isna() | (times != times.dt.normalize())).to_numpy()
    if invalid.any():
        row = int(np.argmax(invalid))
        raise UserError(
            f"{format_cell(column.iloc[row])} in row {row} is not a day",
            location=location,
            allowed="YYYY-MM-DD",
        )
    days: Days = times.to_numpy().astype("datetime64[D]")
    steps = np.diff(days).astype(np.int64)
    if (steps != 1).any():
        position = int(np.argmax(steps != 1))
        raise UserError(
            _describe_step(days, steps, position),
            location=location,
            allowed=_CONSECUTIVE,
            fix="add them, or set quality.series.max_gap and train the model again: gaps up to it are then filled"
            if (steps > 1).any()
            else "",
        )
    return days


def _describe_step(days: Days, steps: NDArray[np.int64], position: int) -> str:
    before, after, step = days[position], days[position + 1], int(steps[position])
    if position == 0 and len(steps) > 1 and step > 1 and (steps > 1).mean() > 0.5:
        return f"rows are {step} days apart ({after} follows {before}), but the model reads daily rows"
    if step == 0:
        return f"{after} occurs twice"
    if step < 0:
        return f"{after} comes after {before}"
    missing = int((steps[steps > 1] - 1).sum())
    last = f" to {after - 1}" if step > 2 else ""
    others = f", {missing:,} days in all" if missing > step - 1 and steps.min() > 0 else ""
    return f"{before + 1}{last} {'are' if last else 'is'} missing{others} (after day {position + 1} of {len(days)})"


def parse_numbers(column: pd.Series, days: Days, location: str) -> NDArray[np.float64]:
    """Finite numbers of at most `LARGEST_VALUE`, float64 [n]. True and False are not numbers.

    Raises:
        UserError: names the first date whose value is not such a number.
    """
    values = np.array([_to_float(cell) for cell in column], np.float64)
    invalid = ~np.isfinite(values)
    if invalid.any():
        row = int(np.argmax(invalid))
        raise UserError(
            f"{format_cell(column.iloc[row])} on {days[row]} is not a finite number",
            location=f"{location} column {column.name}",
            fix="give every day a number",
        )
    if (np.abs(values) > LARGEST_VALUE).any():
        row = int(np.argmax(np.abs(values) > LARGEST_VALUE))
        raise UserError(
            f"{format_cell(column.iloc[row])} on {days[row]} is too large",
            location=f"{location} column {column.name}",
            allowed=f"numbers from -{LARGEST_VALUE:g} to {LARGEST_VALUE:g}",
        )
    return values


def _to_float(cell: Any) -> float:
    """The number in a cell; NaN for anything else: True and False, times, complex numbers, bytes, text such as 1_000."""
    if isinstance(cell, str):
        is_number = cell.isascii() and "_" not in cell
    else:
        is_number = isinstance(cell, Real | Decimal) and not isinstance(cell, bool)
    try:
        return float(cell) if is_number else float("nan")
    except (ValueError, OverflowError):
        return float("nan")


def check_counts(values: NDArray[np.float64], days: Days, location: str) -> None:
    """Check the values of a model of counts.

    Raises:
        UserError: names the first date with a negative value.
    """
    if (values < 0).any():
        row = int(np.argmax(values < 0))
        raise UserError(
            f"{values[row]:g} on {days[row]} is negative",
            location=location,
            allowed="values of 0 and more, as in the training",
        )


def check_columns(frame: pd.DataFrame, names: Sequence[str], location: str) -> None:
    """Check that a table has each of some columns once.

    Raises:
        UserError: names the columns that are missing or repeated.
    """
    counts = Counter(frame.columns)
    missing = [name for name in names if not counts[name]]
    if missing:
        raise UserError(
            f"has no column {', '.join(map(repr, missing))}",
            location=location,
            allowed=f"columns {', '.join(names)}",
        )
    repeated = next((name for name in (*names, ID) if counts[name] > 1), None)
    if repeated is not None:
        raise UserError(
            f"names the column {repeated!r} {counts[repeated]} times",
            location=location,
            fix="rename one of them",
        )


def format_cell(value: Any) -> str:
    """A cell as errors show it."""
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return str(value.date())
    return repr(value) if isinstance(value, str) else str(value)


def to_series_id(value: Any) -> str:
    """A `unique_id` as text, equal for 7, 7.0 and "7", because the column may have another type in another file."""
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if is_whole else value)


def series_ids(frame: pd.DataFrame) -> pd.Series:
    """The column `unique_id` as text."""
    return frame[ID].map(to_series_id)


def check_ids(frame: pd.DataFrame, future: pd.DataFrame | None) -> None:
    """Check that `future` has rows of every series of `frame` and of no other.

    Raises:
        UserError: names the first `unique_id` that is missing, unknown or without rows.
    """
    if future is None or ID not in future.columns or ID not in frame.columns:
        return
    valid = sorted(set(series_ids(frame.dropna(subset=[ID]))))
    for row, series_id in enumerate(future[ID]):
        date = format_cell(future["ds"].iloc[row]) if "ds" in future.columns else f"row {row + 1}"
        if pd.isna(series_id):
            raise UserError(f"no {ID} on {date}", location="future", allowed=valid)
        if to_series_id(series_id) not in valid:
            raise UserError(
                f"{ID} {to_series_id(series_id)!r} on {date} is not in the input",
                location="future",
                allowed=valid,
            )
    missing = sorted(set(valid) - set(series_ids(future)))
    if missing:
        raise UserError(f"no row of {ID} {missing[0]!r}", location="future", allowed=", ".join(valid))


def _is_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(column))
