"""Refuses first and last days that are so far apart that a calendar between them would fill the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from strokecast.common.errors import UserError
from strokecast.params import SeriesQuality
from strokecast.validation.series.rows import split_by_series

if TYPE_CHECKING:
    import pandas as pd

_MAX_DAYS = 200_000  # of all calendars together, whatever the number of rows: 547 years of one series
_MAX_RATIO = 40  # calendar days per row beyond that; monthly rows have 31
_FIX = "correct the first or the last date, or leave its row out by quality.series.start or end"


def check_span(frame: pd.DataFrame, settings: SeriesQuality, location: str) -> None:
    """Check the number of days from the first to the last of each series, with `start` and `end` of the settings.

    Args:
        frame: from `rows.build_row_table`.
        settings: `quality.series`.
        location: what was read, for the message.

    Raises:
        UserError: names the first and the last day of the longest span.
    """
    readable = (frame["outside"] == 0) & frame["day"].notna()
    if settings.future_date != "warn":
        readable &= frame["in_future"] == 0
    days, used = frame["day"].to_numpy().astype("datetime64[D]"), readable.to_numpy()
    spans = []
    for _, rows in split_by_series(frame):
        own = days[rows][used[rows]]
        if len(own):
            first = min(own.min(), np.datetime64(settings.start or own.min(), "D"))
            last = max(own.max(), np.datetime64(settings.end or own.max(), "D"))
            spans.append((int((last - first).astype(np.int64)) + 1, first, last))
    total = sum(count for count, _, _ in spans)
    if total <= max(_MAX_DAYS, _MAX_RATIO * len(frame)):
        return
    count, first, last = max(spans)
    ends = {"start": first, "end": last}
    keys = [f"quality.series.{key}" for key, day in ends.items() if getattr(settings, key) == str(day)]
    raise UserError(
        f"the {len(frame):,} rows are to fill {count:,} days, {first} to {last}",
        location=location,
        fix=f"correct {' and '.join(keys)}" if keys else _FIX,
    )
