"""`spec.json` of processed data: what it holds, typed, and how it is read.

A spec is a plain mapping, because it travels as JSON beside every model; these types say what is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, cast

from strokecast.common.errors import UserError
from strokecast.common.files import read_json

SPLITS = ("train", "valid", "test")


class _Spec(TypedDict):
    """What the specs of all tasks have in common.

    Attributes:
        files: split → the files of its records.
        digest: of the training and validation files and the scaling.
        source: of the raw data.
    """

    task: str
    files: dict[str, list[str]]
    digest: str
    source: str


class _SketchSpec(_Spec):
    """What those of drawings have in common.

    Attributes:
        classes: in the order of their numbers.
        scale: what dx and dy were divided by.
        class_counts: class → training drawings.
        length: median and maximum of the points of a training drawing.
    """

    classes: list[str]
    scale: float
    class_counts: dict[str, int]
    length: dict[str, float]


class _PaddedSpec(_SketchSpec):
    """What those of padded drawings have in common.

    Attributes:
        bounds: the length buckets, in points.
        time: whether each record also holds `time`.
        counts: split → bound → drawings.
    """

    features: dict[str, list[int | None]]
    dtype: str
    bounds: list[int]
    time: bool
    counts: dict[str, dict[str, int]]


class ClassifySpec(_PaddedSpec):
    """Padded drawings: `data/processed/classify/spec.json`."""


class WatchSpec(_SketchSpec):
    """Videos of drawings: `data/processed/watch/spec.json`.

    Attributes:
        frames, height, width: of every video: N, H, W.
        steps_per_frame: steps of the pen's track a frame.
        by: `ink` or `time`: what frames and steps are equal shares of.
        pen: pixels; width of the drawn lines.
        scale: what dx and dy of the track were divided by: the standard deviation of dx and dy, as drawn, on train.
        counts: split → drawings.
    """

    features: dict[str, list[int]]
    frames: int
    height: int
    width: int
    steps_per_frame: int
    by: str
    pen: float
    counts: dict[str, int]


class DrawSpec(_PaddedSpec):
    """Padded drawings, none cropped: `data/processed/draw/spec.json`.

    Attributes:
        left_out: split → drawings longer than the last bound.
        max_points: of the longest training drawing: where generated ones are cut off.
    """

    left_out: dict[str, int]
    max_points: int


class SplitDays(TypedDict):
    """The days of one split, and the windows whose whole target lies in it."""

    first: str
    last: str
    days: int
    windows: int


class _LookingBack(TypedDict, total=False):
    """What a spec of an earlier version lacks: nothing of the kind was read then.

    Attributes:
        lag_calendar: whether the holidays and the day type of the days that `lags` and `difference` look back to
            are features, too.
    """

    lag_calendar: bool


class ForecastSpec(_Spec, _LookingBack):
    """Windows of a daily series: `data/processed/forecast/spec.json`.

    Attributes:
        window, horizon: W and H, days.
        targets: columns that are forecast, D; the first is judged.
        covariates: further columns, read as past values.
        future: features known of every day, F.
        channels: of the past: targets, covariates and features.
        transforms: column → the numbers of its `transforms.Transform`.
        calendar: the fields of a `calendar.Calendar`.
        lags: days; the last features are the first target so long before.
        difference: days; forecasts are changes against so long before; None: values.
        counts: no training value of a target is below 0, and so no forecast is.
        splits: split → its days and windows.
        digest: of the training and validation files and the transforms.

    Of several series learned by one model there are also `series` (id → its `name`, `transforms`, `counts` and
    `splits`; `transforms` above is empty then, see `features.days.several`) and `series_ids` (those that have a flag
    among the features; [] without `series_id`).
    """

    window: int
    horizon: int
    targets: list[str]
    covariates: list[str]
    future: list[str]
    channels: list[str]
    transforms: dict[str, dict[str, Any]]
    calendar: dict[str, Any]
    lags: list[int]
    difference: int | None
    counts: bool
    name: str
    unit: str
    splits: dict[str, SplitDays]


_KINDS: dict[str, Any] = {
    "classify": ClassifySpec,
    "watch": WatchSpec,
    "draw": DrawSpec,
    "forecast": ForecastSpec,
}


def load(folder: Path, task: str) -> dict[str, Any]:
    """Read `folder`/spec.json and check that it is of `task`.

    Raises:
        UserError: if it is missing or of another task.
    """
    path = folder / "spec.json"
    try:
        spec = read_json(path)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), fix=f"run `dvc repro preprocess@{task}`") from None
    missing = sorted(_KINDS[task].__required_keys__ - set(spec))
    if spec.get("task") != task or missing:
        raise UserError(
            f"is no spec of {task}" + (f" (no {', '.join(missing)})" if missing else ""),
            where=str(path),
            fix=_remedy(folder, task),
        )
    return cast(dict[str, Any], spec)


def _remedy(folder: Path, task: str) -> str:
    """What makes a spec anew: preprocessing, or the training beside whose model it lies."""
    try:
        name = read_json(folder / "config.json")["name"]
    except (FileNotFoundError, KeyError):
        return f"run `dvc repro preprocess@{task}`"
    return f"the model is of an earlier version; train it again: `dvc repro train-{task}@{name}`"
