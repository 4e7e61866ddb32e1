"""What forecasters of every kind say at origins of a processed series: networks, regressions and rules alike.

All are asked through the same `features.horizons` that preprocessing and serving use, and TensorFlow is imported only
for a network.

Shapes: T days of the series, O origins, W days of past, H days ahead, D targets, Q quantile levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.horizons import History, Preparer
from strokecast.features.timeseries.origins import Positions

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

_BATCH = 1024  # windows at a time


@dataclass(frozen=True)
class Series:
    """Consecutive days of splits, one after the other.

    Attributes:
        days: datetime64[D] [T].
        columns: float64 [T] each, in their own units.
        starts: position of each split's first day.
        name: its id, where there are several.
    """

    days: Days
    columns: Mapping[str, Any]
    starts: Mapping[str, int]
    name: str = series_spec.ONE


@dataclass(frozen=True)
class Said:
    """Forecasts in their own units.

    Attributes:
        point: float64 [O, H, D]; of quantiles the median. A rule has D = 1, the first target.
        quantiles: float64 [O, H, Q] of the first target; None for a point forecast.
        own: the Q levels, rising; () for a point forecast.
    """

    point: Floats
    quantiles: Floats | None = None
    own: Sequence[float] = ()


Ask = Callable[[Series, Positions], Said]
"""Forecasts at the origins, given as positions of the first forecast day."""


def series(processed: Path, splits: Sequence[str], name: str = series_spec.ONE) -> Series:
    """The days of consecutive `splits`; opens no other split's files. Of several series those of `name`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from strokecast.features.records import arrow

    parts = [arrow.read(processed / split / "series.parquet") for split in splits]
    if name:
        parts = [part.filter(pc.equal(part["unique_id"], name)).drop_columns("unique_id") for part in parts]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    whole = pa.concat_tables(parts)
    days = np.asarray(whole["ds"].to_pylist(), "datetime64[D]")
    columns = {key: arrow.values(whole[key]) for key in whole.column_names if key != "ds"}
    return Series(days, columns, dict(zip(splits, map(int, starts), strict=True)), name)


def actual(known: Series, spec: Mapping[str, Any], origins: Positions) -> Floats:
    """What came, float64 [O, H, D]."""
    days = origins[:, None] + np.arange(int(spec["horizon"]))
    return np.stack([np.asarray(known.columns[name], np.float64)[days] for name in spec["targets"]], axis=-1)


def load(kind: str, folder: Path, spec: Mapping[str, Any], where: str) -> Ask:
    """The trained forecaster in `folder`, ready to be asked.

    Args:
        kind: of the architecture: `network`, `rule` or `estimator`.
        folder: of the training.
        spec: of the data it was trained on.
        where: how a rule's errors name it.

    Raises:
        UserError: if a file is missing or cannot be read.
    """
    from strokecast.inference import networks

    if kind == "rule":
        return rules(
            {name: networks.load_rule(folder, name) for name in series_spec.names(spec)}, spec, where
        )
    if kind == "estimator":
        from strokecast.models.regression import lagged

        return regression(lagged.load(folder), spec)
    return network(networks.load_network(folder), spec)


def min_history(folder: Path, spec: Mapping[str, Any]) -> int:
    """Days of history that the trained forecaster in `folder` needs."""
    if (folder / "model.json").is_file():
        from strokecast.inference import networks

        return max(int(networks.load_rule(folder, name).min_history) for name in series_spec.names(spec))
    return Preparer(spec).min_history


def _preparers(spec: Mapping[str, Any]) -> dict[str, Preparer]:
    return {name: Preparer(series_spec.of(spec, name)) for name in series_spec.names(spec)}


def network(model: Any, spec: Mapping[str, Any]) -> Ask:
    """A trained `keras.Model` of the task."""
    from strokecast.inference import conformal, networks

    preparers, run, own = _preparers(spec), networks.forward(model), networks.levels(model)
    names, horizon = list(networks.signature(model)), int(spec["horizon"])

    def ask(known: Series, origins: Positions) -> Said:
        preparer = preparers[known.name]
        made = preparer.inputs(known.days, known.columns, origins)
        inputs = {name: getattr(made, name) for name in names}
        rows = [
            networks.last_step(run({k: v[at : at + _BATCH] for k, v in inputs.items()}), horizon).numpy()
            for at in range(0, len(origins), _BATCH)
        ]
        said = preparer.output(np.concatenate(rows), made.base)
        if not own:
            return Said(said)
        return Said(conformal.median(said, own), said[:, :, 0], own)

    return ask


def regression(fitted: Any, spec: Mapping[str, Any]) -> Ask:
    """A fitted `models.peers.lagged.Lagged`."""
    preparers = _preparers(spec)

    def ask(known: Series, origins: Positions) -> Said:
        preparer = preparers[known.name]
        made = preparer.inputs(known.days, known.columns, origins)
        said = fitted.predict({"past": made.past, "future": made.future})
        return Said(preparer.output(said, made.base))

    return ask


def rules(ruled: Mapping[str, Any], spec: Mapping[str, Any], where: str) -> Ask:
    """A rule for each series, by its name; see `rule`."""
    asks = {name: rule(one, series_spec.of(spec, name), where) for name, one in ruled.items()}
    return lambda known, origins: asks[known.name](known, origins)


def rule(ruled: Any, spec: Mapping[str, Any], where: str) -> Ask:
    """A `models.peers.rules.Rule`, asked at one origin after the other; it sees the days before each alone."""
    horizon, first = int(spec["horizon"]), spec["targets"][0]

    def ask(known: Series, origins: Positions) -> Said:
        values = np.asarray(known.columns[first], np.float64)
        start = int(origins[0])
        if ruled.min_history > start:
            raise UserError(
                f"needs {ruled.min_history} days of history, the first forecast ({known.days[start]}) has {start}",
                where=where,
                fix="say enabled: false, move the splits later, or give a longer series",
            )
        rows = [
            ruled.predict(
                History(
                    days=known.days[:origin],
                    values=values[:origin],
                    columns={name: column[:origin] for name, column in known.columns.items()},
                    next_days=known.days[origin : origin + horizon],
                    spec=spec,
                )
            )
            for origin in map(int, origins)
        ]
        return Said(np.stack(rows)[..., None])

    return ask
