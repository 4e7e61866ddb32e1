"""The metric that ranks the models of each task, as the charts and tables of the page show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strokecast.evaluation.board import cells
from strokecast.evaluation.board.notes import Summary
from strokecast.evaluation.common import tables


@dataclass(frozen=True)
class Headline:
    """The metric that ranks.

    Attributes:
        key: in `summary.json`.
        label: with its unit.
        factor: from the stored value to the one that is shown.
        higher_is_better: direction of the metric.
        difference_unit: unit of `format_difference`.
        example: what the prediction time is counted in.
    """

    key: str
    label: str
    factor: float
    higher_is_better: bool
    difference_unit: str
    example: str

    def value(self, model: Mapping[str, Any]) -> float | None:
        """The metric of an entry of `models` in `summary.json` in the unit of `label`; None if it is undefined."""
        value = model[self.key]
        return None if value is None else tables.round_significant(self.factor * value)

    def is_better(self, difference: float) -> bool:
        """Whether a model whose metric is higher by `difference` is the better one."""
        return difference > 0 if self.higher_is_better else difference < 0

    def format_value(self, value: float) -> str:
        """A stored value with its unit."""
        return cells.format_percent(value) if self.factor == 100 else tables.format_number(value)

    def format_difference(self, value: float) -> str:
        """A stored difference with its sign, in the unit of `label`."""
        is_share = self.factor == 100
        return cells.format_points_without_unit(value) if is_share else cells.format_signed(value)


def headline_of(summary: Summary) -> Headline:
    """The headline of the task that `summary` describes."""
    if summary["task"] == "forecast":
        unit = f" ({summary['unit']})" if summary["unit"] else ""
        return Headline(
            "mae", f"test MAE{unit}", 1.0, False, summary["unit"] or "the unit of the series", "forecast"
        )
    if summary["task"] == "draw":
        label = "drawings recognised by the judge (%)"
        return Headline("recognised", label, 100.0, True, "percentage points", "drawing")
    return Headline("accuracy", "test accuracy (%)", 100.0, True, "percentage points", "sketch")


def milliseconds(model: Mapping[str, Any]) -> float | None:
    """Prediction time per example in milliseconds; None for a model without a measured speed.

    Training measures it on the validation split with the final weights, in batches, reading included.
    """
    speed = model.get("examples_per_second")
    return tables.round_significant(1000 / speed) if speed else None
