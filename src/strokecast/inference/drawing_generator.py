"""Drawings on request from a trained network of the task draw, in the units of the source.

Shapes: R requested rows, n drawings of a row, n_i points of drawing i.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.records.spec import DrawSpec
from strokecast.inference import sampling

MAX_DRAWINGS = 1000  # per row
DEFAULTS: dict[str, float] = {"temperature": 0.3, "seed": 0, "n": 1}


class DrawingGenerator:
    """Generates the drawings that the rows of a table request.

    Args:
        network: of the task draw.
        spec: of the data it was trained on.

    Attributes:
        classes: names of the classes of its data.
        is_conditional: whether it draws a given class.
    """

    def __init__(self, network: Any, spec: DrawSpec) -> None:
        self.classes: list[str] = spec["classes"]
        self._network, self._scale = network, float(spec["scale"])
        self._max_points = int(spec["max_points"])
        self.is_conditional = sampling.is_conditional(network)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Generate drawings. A row gives the same drawings whatever other rows stand beside it.

        Args:
            frame: column `class`, a class name (for an unconditional network absent or empty); optional columns
                `temperature` (0 to 10, default 0.3), `seed` (an integer of 0 or more, default 0) and `n` (drawings per
                row, 1 to 1000, default 1). An empty cell stands for the default. Other columns are ignored.

        Returns:
            One row per drawing, in the order of `frame`: `class` ("" for unconditional networks), `temperature`, `seed`,
            `number` (0 to n - 1 within its row) and `strokes`, a list [n_i, 3] of (dx, dy, pen_lift) in the source's
            units, which classifiers of this project accept.

        Raises:
            UserError: if `class` is missing or unknown, or a value is out of range; names the row.
        """
        if self.is_conditional and "class" not in frame.columns:
            raise UserError("has no column 'class'", location="input", allowed=", ".join(self.classes))
        rows = []
        for row in range(len(frame)):
            cells = {name: frame[name].iloc[row] for name in ("class", *DEFAULTS) if name in frame.columns}
            rows += self._generate(cells, row)
        return pd.DataFrame(rows, columns=["class", "temperature", "seed", "number", "strokes"])

    def _generate(self, cells: Mapping[str, Any], row: int) -> list[dict[str, Any]]:
        label = self._label(cells.get("class"), row)
        temperature = _number(cells, "temperature", row, 0, 10)
        seed, n = (int(_number(cells, name, row, low, high, True)) for name, low, high in _INTEGERS)
        labels = n if label is None else [self.classes.index(label)] * n
        drawings = sampling.sample(self._network, labels, temperature, seed, self._max_points)
        request = {"class": label or "", "temperature": temperature, "seed": seed}
        return [
            {**request, "number": number, "strokes": unscale(drawing, self._scale).tolist()}
            for number, drawing in enumerate(drawings)
        ]

    def _label(self, cell: Any, row: int) -> str | None:
        location = f"input row {row}, class"
        if not self.is_conditional:
            if not _is_empty(cell):
                raise UserError(
                    "this network is unconditional: it cannot draw a given class",
                    location=location,
                    allowed="an empty cell, or no such column",
                )
            return None
        if not isinstance(cell, str) or cell not in self.classes:
            raise UserError(f"{cell!r} is not a class", location=location, allowed=self.classes)
        return cell


_INTEGERS = (("seed", 0, 2**31 - 1), ("n", 1, MAX_DRAWINGS))


def unscale(drawing: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """A drawing in the units of its source, float64 [n, 3]; undoes the scaling of `strokes.scale_and_pad`."""
    raw = np.asarray(drawing, np.float64).copy()
    raw[:, :2] *= scale
    return raw


def _is_empty(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell
    return cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell))


def _number(
    cells: Mapping[str, Any], name: str, row: int, low: float, high: float, integer: bool = False
) -> float:
    cell = cells.get(name)
    if _is_empty(cell):
        return DEFAULTS[name]
    location = f"input row {row}, {name}"
    allowed = f"{'an integer' if integer else 'a number'}, {low} to {high}"
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UserError(f"{cell!r} is not a number", location=location, allowed=allowed) from None
    if not low <= value <= high or (integer and value != int(value)):
        raise UserError(f"{value:g} is not valid", location=location, allowed=allowed)
    return value
