"""Cells of the leaderboard: metrics with their spread, differences and costs as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from strokecast.evaluation.common import tables

ModelSummary = Mapping[str, Any]
"""One entry of `models` in `summary.json`."""

Format = Callable[[float], str]


def format_percent(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.1f} %"


def format_points(value: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * value:+.1f} points"


def format_points_without_unit(value: float) -> str:
    """Like `format_points`, for columns whose header has the unit."""
    return f"{100 * value:+.1f}"


def format_signed(value: float) -> str:
    """A difference in its own unit, with its sign."""
    return tables.format_number(value) if value < 0 else f"+{tables.format_number(value)}"


def format_difference(model: ModelSummary, headline: str, baseline: str, format_value: Format) -> str:
    """`headline` minus that of the baseline, with its interval; `-` for the baseline itself."""
    key = f"{headline}_minus_{baseline}"
    if key not in model:
        return "-"
    value, low, high = (format_value(model[name]) for name in (key, f"{key}_low", f"{key}_high"))
    return f"{value} ({low} to {high})"


def format_with_spread(model: ModelSummary, key: str, template: str, factor: float = 1.0) -> str:
    """A metric times `factor`, ± its spread over seeds if there are several; `-` if it is undefined."""
    if model.get(key) is None:
        return "-"
    text = template.format(factor * model[key])
    spread = model.get(f"{key}_spread")
    return text if spread is None else f"{text} ± {template.format(factor * spread)}"


def format_share(model: ModelSummary, key: str) -> str:
    """A share in percent, ± its spread."""
    return format_with_spread(model, key, "{:.1f}", 100.0)


def format_metric(model: ModelSummary, key: str) -> str:
    """A metric with about three significant digits, ± its spread; `-` if it is undefined."""
    if model.get(key) is None:
        return "-"
    spread = model.get(f"{key}_spread")
    text = tables.format_number(model[key])
    return text if spread is None else f"{text} ± {tables.format_number(spread)}"


def model_cell(model: ModelSummary, champion: Mapping[str, Any] | None) -> str:
    """The name of a model; the champion is marked."""
    name = str(model["model"])
    return f"{name} (champion)" if champion is not None and champion["model"] == name else name


def cost_cells(model: ModelSummary) -> list[str]:
    """Parameters, training seconds, examples per second, seeds; `-` if a model has no such cost."""
    cells = [f"{model['parameters']:,}" if "parameters" in model else "-"]
    cells.append(f"{model['train_seconds']:,.1f}" if "train_seconds" in model else "-")
    cells.append(f"{model['examples_per_second']:,.0f}" if "examples_per_second" in model else "-")
    return [*cells, str(len(model["seeds"]))]
