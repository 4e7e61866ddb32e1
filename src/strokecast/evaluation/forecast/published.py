"""Results that others published, shown beside those of this run if they are of the same windows and metrics.

Each file `published/<name>.yaml` holds a protocol and its rows. They were not computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from strokecast.common.errors import UserError, suggest
from strokecast.evaluation.forecast.results import Backtest
from strokecast.params import ForecastEvaluation, Strict
from strokecast.params.base import Day, to_tuple
from strokecast.params.yaml_file import read_yaml

FOLDER = Path(__file__).parent / "published"
_LOCATION = "params.yaml: evaluation.forecast.published"


class Protocol(Strict):
    """What an evaluation must have in common with published results."""

    source: str = Field(..., description="series.source")
    horizon: int = Field(..., description="days per window")
    windows: int = Field(..., description="number of origins")
    first: Day = Field(..., description="first forecast day of the first origin")
    last: Day = Field(..., description="first forecast day of the last origin")
    mean_value: float = Field(..., description="mean of the actual values over all windows, six digits")
    mase_season: int = Field(..., description="evaluation.forecast.mase_season")
    mase_scale: str = Field(..., description="evaluation.forecast.mase_scale")
    quantile_levels: Annotated[tuple[float, ...], BeforeValidator(to_tuple)] = Field(
        ..., description="evaluation.forecast.quantile_levels"
    )


class PublishedRow(Strict):
    """One published model."""

    name: str = Field(..., description="of the model")
    mase: float = Field(..., description="without a unit")
    mean_weighted_quantile_loss: float | None = Field(None, description="without a unit; null: not published")


class Published(Strict):
    """One file of published results."""

    title: str = Field(..., description="of the benchmark")
    source: str = Field(..., description="where the figures are from")
    date: Day = Field(..., description="when they were read")
    protocol: Protocol = Field(..., description="the evaluation that they hold for")
    rows: Annotated[tuple[PublishedRow, ...], BeforeValidator(to_tuple)] = Field(
        ..., description="the models"
    )


def names() -> list[str]:
    """The names of all files."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str) -> Published:
    """The published results of that name.

    Raises:
        UserError: if there is no such file, or it is not valid.
    """
    if name not in names():
        fix = suggest(name, names())
        raise UserError(f"no file {name!r}", location=_LOCATION, allowed=[*names(), "null"], fix=fix)
    path = FOLDER / f"{name}.yaml"
    try:
        return Published.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(first["msg"], location=f"{path.name}: {'.'.join(map(str, first['loc']))}") from None


def require_settings(name: str, settings: ForecastEvaluation, source: str, horizon: int) -> None:
    """Check what is known of an evaluation before it runs.

    Raises:
        UserError: if a setting differs from that of the published results.
    """
    _require(name, load(name).protocol, _settings(settings, source, horizon))


def published_facts(test: Backtest, settings: ForecastEvaluation) -> dict[str, Any] | None:
    """The published results for `summary.json`; None if `params.yaml` names none.

    Raises:
        UserError: if the series, the windows or the metrics of this evaluation are others.
    """
    name = settings.published
    if name is None:
        return None
    published = load(name)
    evaluated = _settings(settings, test.source, test.actual.shape[1]) | {
        "windows": len(test.first_days),
        "first": str(test.first_days[0]),
        "last": str(test.first_days[-1]),
        "mean_value": float(f"{test.actual.mean():.6g}"),
    }
    _require(name, published.protocol, evaluated)
    return {
        "title": published.title,
        "source": published.source,
        "date": published.date,
        "rows": [row.model_dump() for row in published.rows],
    }


def _settings(settings: ForecastEvaluation, source: str, horizon: int) -> dict[str, Any]:
    return {
        "source": source,
        "horizon": horizon,
        "mase_season": settings.mase_season,
        "mase_scale": settings.mase_scale,
        "quantile_levels": settings.quantile_levels,
    }


def _require(name: str, protocol: Protocol, evaluated: Mapping[str, Any]) -> None:
    for key, value in evaluated.items():
        expected = getattr(protocol, key)
        if value != expected:
            raise UserError(
                f"the results of {name} are of {key} {_text(expected)}, this evaluation has {_text(value)}",
                location=_LOCATION,
                allowed="null, or the same windows and metrics",
                fix="see the preset that names it",
            )


def _text(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
