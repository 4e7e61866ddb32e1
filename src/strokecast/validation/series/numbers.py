"""Parse numbers with thousands separators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.common.limits import LARGEST_VALUE

if TYPE_CHECKING:
    import pandas as pd

_MAX_CHARACTERS = 300  # of a number; an integer of 309 digits is too large for a float
# Thousands separator → regular expression of the characters that count as it.
_SEPARATORS = {",": ",", "'": "'", " ": r"[ \u00a0\u202f]", ".": r"\."}


def parse_numbers(cells: pd.Series, thousands: str, decimal: str = "") -> NDArray[np.float64]:
    """Numbers in the cells, float64 [n]; NaN if a cell is not a number of at most `LARGEST_VALUE`.

    A thousands separator must precede every group of three digits or be absent. `nan`, `inf`,
    `1_000`, `True` and empty cells are not numbers.

    Args:
        cells: text [n].
        thousands: the thousands separator; "": none.
        decimal: the decimal mark; "": a comma if the thousands separator is `.`, otherwise a point.
    """
    import pandas as pd

    separator = _SEPARATORS[" "] if thousands == " " else re.escape(thousands)
    decimal = decimal or ("," if thousands == "." else ".")
    integer = rf"(?:\d+|\d{{1,3}}(?:{separator}\d{{3}})+)" if thousands else r"\d+"
    point = re.escape(decimal)
    pattern = rf"[+-]?(?:{integer}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    text = cells.fillna("").str.strip()
    is_number = text.str.fullmatch(pattern, flags=re.ASCII).to_numpy(dtype=bool)
    is_number = is_number & (text.str.len() <= _MAX_CHARACTERS).to_numpy(dtype=bool)
    if thousands:
        text = text.str.replace(separator, "", regex=True)
    if decimal == ",":
        text = text.str.replace(",", ".", regex=False)
    values = np.full(len(text), np.nan)
    values[is_number] = pd.to_numeric(text[is_number]).to_numpy(dtype=np.float64)
    values[~(np.abs(values) <= LARGEST_VALUE)] = np.nan
    return values


def has_other_separator(
    cells: pd.Series, values: NDArray[np.float64], thousands: str, decimal: str = ""
) -> NDArray[np.bool_]:
    """Cells that are not numbers, but would be with another thousands separator, bool [n].

    Args:
        cells: text [n].
        values: the cells' numbers by `parse_numbers`, [n].
        thousands: the configured separator.
        decimal: the configured decimal mark.
    """
    result = np.zeros(len(cells), dtype=bool)
    unparsed = np.flatnonzero(np.isnan(values))
    if not len(unparsed):
        return result
    text = cells.iloc[unparsed].str.strip()
    for separator in _SEPARATORS:
        if separator not in (thousands, decimal):
            result[unparsed] |= _parses_with(text, separator, decimal)
    return result


def find_separator(cell: str, thousands: str, decimal: str = "") -> str:
    """The thousands separator that makes the cell a number; "," if none does."""
    import pandas as pd

    text = pd.Series([cell.strip()])
    others = (separator for separator in _SEPARATORS if separator not in (thousands, decimal))
    return next((separator for separator in others if _parses_with(text, separator, decimal)[0]), ",")


def _parses_with(text: pd.Series, separator: str, decimal: str) -> NDArray[np.bool_]:
    """Cells that contain `separator` and are numbers with it."""
    contains = text.str.contains(_SEPARATORS[separator], regex=True).to_numpy(dtype=bool)
    return contains & np.isfinite(parse_numbers(text, separator, decimal))
