"""Which settings of `series.csv` would read the cells that are not dates or numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from strokecast.validation.series.date_formats import AUTO, choose_date_format
from strokecast.validation.series.numbers import parse_numbers
from strokecast.validation.series.source import SeriesSource

if TYPE_CHECKING:
    import pandas as pd

_NUMBER_FORMATS = ((",", ""), (" ", ""), ("'", ""), ("", ","), (".", ","), (" ", ","))
"""Thousands separator and decimal mark; of formats that read equally many cells, the first one is named."""
_MAJORITY = 0.5  # share of the cells without a number or date that a setting must read


def advise(frame: pd.DataFrame, source: SeriesSource) -> dict[str, str]:
    """Rule → what to set so that its rows pass; a rule is missing if no setting helps.

    Args:
        frame: from `rows.build_row_table`.
        source: how the cells were read.
    """
    advice = {}
    unread = frame["day"].isna().to_numpy()
    if unread.mean() > _MAJORITY:
        date_format, _ = choose_date_format(frame["ds"].fillna("").astype(str), AUTO)
        if date_format != source.date_format:
            advice["bad_date"] = f'set series.csv.date_format to "{date_format}"'
    cells = frame["y"].fillna("").astype(str)
    cells = cells[np.isnan(parse_numbers(cells, source.thousands, source.decimal))]
    if not len(cells):
        return advice
    shares = {marks: np.isfinite(parse_numbers(cells, *marks)).mean() for marks in _NUMBER_FORMATS}
    thousands, decimal = max(shares, key=lambda marks: shares[marks])
    if shares[thousands, decimal] > _MAJORITY:
        values = {"thousands": thousands, "decimal": decimal}
        settings = [f'series.csv.{key} to "{value}"' for key, value in values.items() if value]
        advice |= dict.fromkeys(("non_numeric", "thousands_mark"), f"set {' and '.join(settings)}")
    return advice
