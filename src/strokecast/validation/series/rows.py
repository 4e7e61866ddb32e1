"""The feature table of a series' rows: what the row rules look at."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.params import SeriesQuality
from strokecast.validation.series import times
from strokecast.validation.series.calendar import parse_values

if TYPE_CHECKING:
    import pandas as pd

DAY = 86_400  # seconds
SATURDAY, SUNDAY = 5, 6
EXTRA = "extra: "  # before the header of a further column of numbers
_MARKS = {",": ",", "'": "'", " ": r"[ \u00a0\u202f]", ".": r"\."}


def aggregates(source: Mapping[str, Any]) -> bool:
    """Whether timestamps are turned into one value a day."""
    return source.get("aggregate", "none") != "none"


def several(frame: pd.DataFrame) -> list[tuple[str, NDArray[np.int64]]]:
    """(name, positions) of each series, by name; one without a name where rows tell none apart."""
    if "unique_id" not in frame:
        return [("", np.arange(len(frame)))]
    names = frame["unique_id"].to_numpy()
    return [(str(name), np.flatnonzero(names == name)) for name in sorted(set(names.tolist()))]


def weekdays(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """0 Monday to 6 Sunday; -1 for NaT."""
    found = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    return np.where(np.isnat(days), -1, found)


def rows_table(
    cells: pd.DataFrame, source: Mapping[str, Any], settings: SeriesQuality, date_format: str | None = None
) -> pd.DataFrame:
    """One row a row of the files.

    Args:
        cells: from `sources.tables.read_series`.
        source: contents of `source.json`.
        settings: `quality.series` of params.yaml.
        date_format: the format in use; that of `source` by default.

    Returns:
        `row`, `ds`, `y` (and `unique_id`, `file`, `day_type`) as they were, and
        `day` datetime64 (NaT: unreadable), `instant` int64 s, `value` float64 (NaN: no number),
        `extra: <name>` float64 for each further column (NaN: no number),
        `number` float64: `value`, or 0 where only the thousands mark is in the way; NaN if a further column has none,
        `marked` int8: a number with a thousands mark that is not configured,
        `outside` int8: judged by no rule: outside of `start` to `end`, or `partial`,
        `partial` int8: of the first or last day, which the timestamps cover in part,
        `in_future` int8: after `today`,
        `earlier_copies`: rows above with the same time and values,
        `other_values`: 1 if the time's first values above are other ones and these are new,
        `first_at`: position of the time's first row (-1: none above),
        `days_ahead` float64: days since the row above of that file and series, duplicates,
        conflicts and future rows left out,
        `contradicts` float64: 1 where the weekday contradicts the day type (NaN: not told),
        `total_off` float64: how far the total is from the sum of its parts (NaN: not told).
    """
    frame = cells[["row"]].copy()
    for name in ("ds", "y"):
        frame[name] = cells[name].fillna("").astype(str)
    for name in ("unique_id", "file", "day_type"):
        if name in cells:
            frame[name] = cells[name].fillna("").astype(str).str.strip()
    thousands = source.get("thousands", "")
    frame["value"] = parse_values(frame["y"], thousands)
    frame["marked"] = _marked(frame["y"], frame["value"].to_numpy(), thousands).astype(np.int8)
    frame["number"] = np.where(frame["marked"] == 1, 0.0, frame["value"])
    for name in extras(cells):
        frame[name] = parse_values(cells[name].fillna("").astype(str), thousands)
        frame.loc[frame[name].isna(), "number"] = np.nan
    wall = np.full(len(frame), np.datetime64("NaT"), dtype="datetime64[s]")
    instants = np.zeros(len(frame), dtype=np.int64)
    partial = np.zeros(len(frame), dtype=bool)
    for _, at in several(frame):
        wall[at], instants[at] = times.parse(
            frame["ds"].iloc[at], date_format or source["date_format"], source.get("timezone", "")
        )
        if aggregates(source):
            partial[at] = _partial(wall[at], instants[at])
    days = wall.astype("datetime64[D]")
    frame["day"], frame["instant"] = days.astype("datetime64[s]"), instants
    outside = partial.copy()
    if settings.start:
        outside |= days < np.datetime64(settings.start)
    if settings.end:
        outside |= days > np.datetime64(settings.end)
    frame["outside"], frame["partial"] = outside.astype(np.int8), partial.astype(np.int8)
    today = np.datetime64(settings.today or datetime.date.today().isoformat())
    frame["in_future"] = (~outside & (days > today)).astype(np.int8)
    keys = instants if aggregates(source) else days.astype(np.int64)
    numbers = frame["value"].notna() & frame["number"].notna()
    _copies(frame, keys, ~outside & ~np.isnat(days) & numbers.to_numpy())
    frame["contradicts"] = _contradicts(frame, days, outside)
    frame["total_off"] = _total_off(cells, frame, thousands, outside)
    return frame


def extras(frame: pd.DataFrame) -> list[str]:
    """Further columns of numbers, by their names in the tables of this room: `extra: <header>`."""
    return [str(name) for name in frame if str(name).startswith(EXTRA)]


def _copies(frame: pd.DataFrame, keys: NDArray[np.int64], usable: NDArray[np.bool_]) -> None:
    """Add what compares rows of the same time, and of the row above."""
    import pandas as pd

    size = len(frame)
    series = frame["unique_id"] if "unique_id" in frame else pd.Series("", index=frame.index)
    further = extras(frame)
    kept = pd.DataFrame({"id": series, "key": keys, "at": np.arange(size)}).join(frame[["value", *further]])[
        usable
    ]
    copies = np.zeros(size, dtype=np.int64)
    copies[usable] = kept.groupby(["id", "key", "value", *further]).cumcount().to_numpy()
    first_at = np.full(size, -1, dtype=np.int64)
    first_at[usable] = kept.groupby(["id", "key"])["at"].transform("first").to_numpy()
    later = usable & (copies == 0) & (first_at != np.arange(size))
    frame["earlier_copies"], frame["other_values"] = copies, later.astype(np.int8)
    frame["first_at"] = np.where(first_at == np.arange(size), -1, first_at)
    readable = (frame["outside"] == 0) & frame["day"].notna() & (frame["in_future"] == 0)
    ordered = readable.to_numpy() & (copies == 0) & ~later
    ahead = np.full(size, np.nan)
    for at in _strands(frame, ordered):
        ahead[at[1:]] = np.diff(frame["instant"].to_numpy()[at]) / DAY
    frame["days_ahead"] = ahead


def _strands(frame: pd.DataFrame, mask: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Positions of the rows of `mask`, for each series in each file, in the order of the file."""
    import pandas as pd

    at = np.flatnonzero(mask)
    names = [name for name in ("unique_id", "file") if name in frame]
    if not names:
        yield at
        return
    groups = pd.Series(at).groupby([frame[name].to_numpy()[at] for name in names], sort=True)
    for _, found in groups:
        yield found.to_numpy()


def _partial(wall: NDArray[np.datetime64], instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows of the first and of the last day, where the times do not reach from midnight to midnight."""
    readable = ~np.isnat(wall)
    mask = np.zeros(len(wall), dtype=bool)
    if not readable.any():
        return mask
    step, _ = times.spacing(instants[readable])
    if not 0 < step < DAY:
        return mask
    days = wall.astype("datetime64[D]")
    low, high = wall[readable].min(), wall[readable].max()
    since = (low - low.astype("datetime64[D]").astype("datetime64[s]")).astype(np.int64)
    until = DAY - (high - high.astype("datetime64[D]").astype("datetime64[s]")).astype(np.int64)
    if since >= step:
        mask |= days == low.astype("datetime64[D]")
    if until > step:
        mask |= days == high.astype("datetime64[D]")
    return mask


def _marked(cells: pd.Series, values: NDArray[np.float64], thousands: str) -> NDArray[np.bool_]:
    """Cells that are no number, but would be one with another thousands mark."""
    found = np.zeros(len(cells), dtype=bool)
    open_ = np.flatnonzero(np.isnan(values))
    if not len(open_):
        return found
    text = cells.iloc[open_].str.strip()
    for mark, pattern in _MARKS.items():
        if mark != thousands:
            has = text.str.contains(pattern, regex=True).to_numpy(dtype=bool)
            found[open_] |= has & np.isfinite(parse_values(text, mark))
    return found


def wanted_mark(cell: str, thousands: str) -> str:
    """The thousands mark that makes a number of the cell."""
    import pandas as pd

    for mark in _MARKS:
        if mark != thousands and _marked(pd.Series([cell]), np.array([np.nan]), thousands).any():
            text = pd.Series([cell.strip()])
            if text.str.contains(_MARKS[mark], regex=True).any() and np.isfinite(parse_values(text, mark))[0]:
                return mark
    return ","


def _contradicts(
    frame: pd.DataFrame, days: NDArray[np.datetime64], outside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """W (weekday) on a weekend, A (Saturday) on another day, another letter, a Sunday that is not U."""
    found = np.full(len(frame), np.nan)
    if "day_type" not in frame:
        return found
    judged = ~outside & ~np.isnat(days)
    letter, weekday = frame["day_type"].to_numpy(), weekdays(days)
    fits = (letter == "U") | ((letter == "A") & (weekday == SATURDAY))
    fits |= (letter == "W") & (weekday < SATURDAY)
    found[judged] = (~fits[judged]).astype(np.float64)
    return found


def _total_off(
    cells: pd.DataFrame, frame: pd.DataFrame, thousands: str, outside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """|total - sum of the parts|; cells that are no number count as 0, rows without a value not at all."""
    names = [name for name in cells if str(name).startswith("part: ")]
    if "total" not in cells or not names:
        return np.full(len(frame), np.nan)

    def numbers(name: str) -> NDArray[np.float64]:
        return np.nan_to_num(parse_values(cells[name].fillna("").astype(str), thousands))

    parts = [numbers(str(name)) for name in names]
    total = numbers("total")
    scale = np.maximum(1.0, np.abs(total))
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.abs(total - np.sum(parts, axis=0))
    off[off <= 1e-9 * scale] = 0.0
    off[outside | frame["value"].isna().to_numpy()] = np.nan
    return off
