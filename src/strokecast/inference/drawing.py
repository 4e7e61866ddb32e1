"""Drawings on request from a trained network of draw, in the units of the source.

Shapes: R rows asked, n drawings of a row, n_i points of drawing i.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.inference import sampling

MOST = 1000  # drawings a row
DEFAULTS: dict[str, float] = {"temperature": 0.3, "seed": 0, "n": 1}


class Drawer:
    """Draws what rows ask for.

    Args:
        network: of draw.
        spec: of the data it was trained on.
    """

    def __init__(self, network: Any, spec: Mapping[str, Any]) -> None:
        self.classes: list[str] = spec["classes"]
        self._network, self._scale, self._limit = network, float(spec["scale"]), int(spec["max_points"])
        self._knows = sampling.conditional(network)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Draw; each row by itself, so the same row gives the same drawings whatever stands beside it.

        Args:
            frame: column `class`, a class's name (for a network that knows no class: none, or empty cells);
                and, where wanted, `temperature` (0 to 10, 0.3 by default), `seed` (an integer of 0 or more,
                0 by default) and `n` (drawings of the row, 1 to 1000, 1 by default). An empty cell is the
                default. Other columns are passed over.

        Returns:
            Column `class` ("" where there is none), `temperature`, `seed`, `number` (0 to n - 1 in its row)
            and `strokes`: lists [n_i, 3] of (dx, dy, pen_lift) in the source's units, as a classifier of
            this project takes them. One row a drawing, in the order asked.

        Raises:
            UserError: if `class` is missing or unknown, or a value is out of range; names the row.
        """
        if self._knows and "class" not in frame.columns:
            raise UserError("has no column 'class'", where="input", allowed=", ".join(self.classes))
        rows = []
        for row in range(len(frame)):
            cells = {name: frame[name].iloc[row] for name in ("class", *DEFAULTS) if name in frame.columns}
            rows += self._row(cells, row)
        return pd.DataFrame(rows, columns=["class", "temperature", "seed", "number", "strokes"])

    def _row(self, cells: Mapping[str, Any], row: int) -> list[dict[str, Any]]:
        label = self._label(cells.get("class"), row)
        temperature = _number(cells, "temperature", row, 0, 10)
        seed, n = (int(_number(cells, name, row, low, high, True)) for name, low, high in _WHOLE)
        asked = n if label is None else [self.classes.index(label)] * n
        drawings = sampling.sample(self._network, asked, temperature, seed, self._limit)
        told = {"class": label or "", "temperature": temperature, "seed": seed}
        return [
            {**told, "number": at, "strokes": unscaled(drawing, self._scale).tolist()}
            for at, drawing in enumerate(drawings)
        ]

    def _label(self, cell: Any, row: int) -> str | None:
        where = f"input row {row}, class"
        if not self._knows:
            if not _empty(cell):
                raise UserError("this network knows no class", where=where, allowed="an empty cell, or none")
            return None
        if not isinstance(cell, str) or cell not in self.classes:
            raise UserError(f"{cell!r} is no class", where=where, allowed=", ".join(self.classes))
        return cell


_WHOLE = (("seed", 0, 2**31 - 1), ("n", 1, MOST))


def unscaled(drawing: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """A drawing in the units of its source, float64 [n, 3]: what `features.strokes.prepare` divides, multiplied."""
    raw = np.asarray(drawing, np.float64).copy()
    raw[:, :2] *= scale
    return raw


def _empty(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell
    return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


def _number(
    cells: Mapping[str, Any], name: str, row: int, low: float, high: float, whole: bool = False
) -> float:
    cell = cells.get(name)
    if _empty(cell):
        return DEFAULTS[name]
    where, allowed = f"input row {row}, {name}", f"{'an integer' if whole else 'a number'}, {low} to {high}"
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UserError(f"{cell!r} is no number", where=where, allowed=allowed) from None
    if not low <= value <= high or (whole and value != int(value)):
        raise UserError(f"{value:g} will not do", where=where, allowed=allowed)
    return value
