"""Limits that several subpackages share."""

from __future__ import annotations

LARGEST_VALUE = 1e100  # of a series; statistics of larger ones, such as a sum of squares, would not be finite
LARGEST_MOVE = (
    1e12  # of a pen, in source units, and of its times in ms; float32 holds the squares of scaled ones
)
