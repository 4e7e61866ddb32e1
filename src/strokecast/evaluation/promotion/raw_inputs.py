"""Test examples as raw input of a registered model: drawings in the source's units, or days up to a forecast origin.

They go to a model that runs in its own environment, to measure its latency and, if the test set has changed since the
champion was registered, to score the champion on the present one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.evaluation.promotion.scores import existing
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, raw_columns

_ID = "unique_id"


def drawings(examples: Sequence[str], validated: Path = paths.VALIDATED) -> pd.DataFrame:
    """The test drawings with these ids, one row each, in this order.

    Returns:
        Columns `strokes` (lists of [dx, dy, pen_lift]) and, if the source has times, `times` (ms).

    Raises:
        UserError: if a drawing is missing: it was evaluated on other data.
    """
    path = existing(validated / "sketches/test.parquet")
    rows = pd.read_parquet(path, filters=[("id", "in", list(examples))]).set_index("id")
    missing = [example for example in examples if example not in rows.index]
    if missing:
        raise UserError(
            f"has no drawing {missing[0]!r}, which reports/ evaluated",
            location=str(path),
            fix="run `dvc repro`",
        )
    rows = rows.loc[list(examples)]
    inputs = {"strokes": [cell.reshape(-1, 3).tolist() for cell in rows["points"]]}
    if "times" in rows:
        inputs["times"] = [list(map(float, cell)) for cell in rows["times"]]
    return pd.DataFrame(inputs)


def histories(
    examples: Sequence[str], spec: ForecastSpec, validated: Path = paths.VALIDATED
) -> Iterator[pd.DataFrame]:
    """Per forecast origin the days before it, as `strokecast forecast` takes them.

    Args:
        examples: `<series>|<first forecast day>` each.
        spec: of the model.
        validated: folder with `series/series.parquet`.
    """
    days = pd.read_parquet(existing(validated / "series/series.parquet"))
    names = raw_columns(spec)
    dates = pd.to_datetime(days["ds"])
    future_days = int(spec["horizon"]) if DAY_TYPE in names else 0
    known_ahead = ("ds", DAY_TYPE, _ID)
    for example in examples:
        series, _, origin = example.rpartition("|")
        first = pd.Timestamp(origin)
        mask = dates < first + pd.Timedelta(days=future_days)
        if series:
            mask &= days[_ID] == series
        frame = days.loc[mask, [*names, *((_ID,) if series else ())]].copy()
        unknown = (dates[mask] >= first).to_numpy()
        for name in frame.columns:
            if name not in known_ahead:
                frame[name] = frame[name].mask(unknown)
        frame["ds"] = dates[mask].dt.strftime("%Y-%m-%d")
        yield frame.reset_index(drop=True)


def drawing_requests(classes: Sequence[str], count: int) -> Iterator[pd.DataFrame]:
    """`count` requests for one drawing each, class after class."""
    for number in range(count):
        yield pd.DataFrame({"class": [classes[number % len(classes)]], "seed": [number], "n": [1]})


def single_requests(
    task: str, spec: Mapping[str, Any], examples: Sequence[str], validated: Path = paths.VALIDATED
) -> list[pd.DataFrame]:
    """One raw input per example: a drawing, the days before an origin, or a request for a drawing."""
    if task == "forecast":
        return list(histories(examples, spec, validated))  # type: ignore[arg-type]
    if task == "draw":
        return list(drawing_requests(spec["classes"], len(examples)))
    rows = drawings(examples, validated)
    return [rows.iloc[[row]] for row in range(len(rows))]
