"""The typed contents of `spec.json`, which describes processed data, and the function that reads it.

A spec stays a plain dictionary because it is stored as JSON beside every model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from strokecast.common.errors import UserError
from strokecast.common.files import read_json

SPLITS = ("train", "valid", "test")


class Spec(TypedDict):
    """Keys of every task's spec.

    Attributes:
        task: "classify", "watch", "draw" or "forecast".
        files: split → TFRecord files, relative to the folder of the spec.
        digest: hex sha256 of the training and validation files and of the fitted scaling.
        source: name of the raw data's source.
    """

    task: str
    files: dict[str, list[str]]
    digest: str
    source: str


class SketchSpec(Spec):
    """Keys of every spec of drawings.

    Attributes:
        classes: class names, in the order of their numbers.
        scale: divisor of dx and dy: their standard deviation on the training split.
        class_counts: class → number of training drawings.
        length: "median" and "max" of the points per training drawing.
    """

    classes: list[str]
    scale: float
    class_counts: dict[str, int]
    length: dict[str, float]


class PaddedSpec(SketchSpec):
    """Keys of every spec of padded drawings.

    Attributes:
        features: feature → shape; None: the bucket's boundary.
        dtype: of the features.
        bucket_boundaries: padded length of each bucket in points, rising.
        time: whether each record has the feature `time`.
        counts: split → bucket boundary as text → number of drawings.
    """

    features: dict[str, list[int | None]]
    dtype: str
    bucket_boundaries: list[int]
    time: bool
    counts: dict[str, dict[str, int]]


class ClassifySpec(PaddedSpec):
    """Padded drawings for classifiers: `data/processed/classify/spec.json`."""


class WatchSpec(SketchSpec):
    """Videos of drawings: `data/processed/watch/spec.json`.

    Attributes:
        features: feature → shape.
        frames: N, frames per video.
        height: H, pixels.
        width: W, pixels.
        steps_per_frame: steps of the pen track per frame.
        by: "ink" or "time": the quantity that frames and steps divide equally.
        pen: width of the drawn lines in pixels.
        scale: divisor of dx and dy of the track.
        counts: split → number of drawings.
    """

    features: dict[str, list[int]]
    frames: int
    height: int
    width: int
    steps_per_frame: int
    by: str
    pen: float
    counts: dict[str, int]


class DrawSpec(PaddedSpec):
    """Padded drawings for generators, none of them cropped: `data/processed/draw/spec.json`.

    Attributes:
        left_out: split → number of drawings longer than the last bucket boundary.
        max_points: length of the longest training drawing; generated drawings are cut off there.
    """

    left_out: dict[str, int]
    max_points: int


class SplitDays(TypedDict):
    """The days of one split, and the number of windows whose target lies in it completely."""

    first: str
    last: str
    days: int
    windows: int


class _OptionalForecastKeys(TypedDict, total=False):
    """Keys that specs of earlier versions lack or that only global models have.

    Attributes:
        lag_calendar: whether the holidays and day types of the days that `lags` and `difference` refer to are
            features; missing: False.
        levels: days; the mean of the first target over that many days, up to `horizon` days before each day, is a feature;
            missing: none.
        residual: what `residual: auto` of networks stands for (`chosen`), and the validation `errors` behind it.
        selection: what `auto` chose of `lags`, `levels`, `holiday_window` and `bridge_days`, and in which `steps`.
        series: id → the `name`, `transforms`, `counts` and `splits` of one series of a global model. The
            `transforms` of the spec itself are empty then, see `timeseries.series_spec`.
        series_ids: the series that have a flag among the features; [] without `series_id`.
        id: the series that this spec is a view of, see `timeseries.series_spec`.
        table: how the file of the series is read: names of its columns, `separator`, `thousands`, `decimal`,
            `date_format`, `timezone`, `aggregate`, `max_gap`; a missing key has the default of `series.csv`.
    """

    lag_calendar: bool
    levels: list[int]
    residual: dict[str, Any]
    selection: dict[str, Any]
    series: dict[str, dict[str, Any]]
    series_ids: list[str]
    id: str
    table: dict[str, Any]


class ForecastSpec(Spec, _OptionalForecastKeys):
    """Windows of a daily series: `data/processed/forecast/spec.json`.

    Attributes:
        input_size: W, days of the past per window.
        horizon: H, days of the target per window.
        targets: D forecast columns; metrics are computed on the first.
        past_covariates: further columns, read as past values only.
        future: names of the F features that are known of every day, past and future.
        channels: names of the C channels of the past: targets, past_covariates, then `future`.
        transforms: column → the fields of its `transforms.Transform`.
        calendar: the fields of a `calendar.Calendar`.
        lags: days; the value of the first target that many days earlier is a feature.
        difference: days; forecasts are changes against the value that many days earlier; None: values.
        counts: whether no training value of a target is negative; forecasts are clipped at 0 then.
        name: of the series.
        unit: of the first target.
        splits: split → its days and windows.
        digest: hex sha256 of the training and validation files and of the transforms.
    """

    input_size: int
    horizon: int
    targets: list[str]
    past_covariates: list[str]
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


_SPEC_TYPES: dict[str, Any] = {
    "classify": ClassifySpec,
    "watch": WatchSpec,
    "draw": DrawSpec,
    "forecast": ForecastSpec,
}

_RENAMED = {  # key of earlier versions → key
    "bounds": "bucket_boundaries",
    "window": "input_size",
    "covariates": "past_covariates",
}
_RENAMED_IN_CALENDAR = {
    "country": "holiday_country",
    "around": "holiday_window",
    "names": "holiday_names",
    "first": "trend_start",
}


def load(folder: Path, task: str) -> Any:
    """Read `folder`/spec.json and check its task and keys.

    Returns:
        The spec, of the type of `task`.

    Raises:
        UserError: if the file is missing, belongs to another task or lacks a key.
    """
    path = folder / "spec.json"
    spec = read(folder, f"run `dvc repro preprocess@{task}`")
    missing = sorted(_SPEC_TYPES[task].__required_keys__ - set(spec))
    if spec.get("task") != task or missing:
        raise UserError(
            f"is not a spec of {task}" + (f" (no {', '.join(missing)})" if missing else ""),
            location=str(path),
            fix=_remedy(folder, task),
        )
    return spec


def read(folder: Path, remedy: str = "run `dvc repro`") -> dict[str, Any]:
    """Read `folder`/spec.json of any task, with the present names of its keys.

    Args:
        folder: of processed data or of a model.
        remedy: if there is no such file.

    Raises:
        UserError: if the file is missing or is not a JSON object.
    """
    path = folder / "spec.json"
    try:
        contents = read_json(path)
    except FileNotFoundError:
        raise UserError("no such file", location=str(path), fix=remedy) from None
    if not isinstance(contents, dict):
        raise UserError(
            "is not a JSON object",
            location=str(path),
            fix="restore it with `dvc checkout`, or run the stage that writes it again",
        )
    return upgrade(contents)


def upgrade(spec: Mapping[str, Any]) -> dict[str, Any]:
    """`spec` with the present names of keys that earlier versions named differently."""
    upgraded = {_RENAMED.get(key, key): value for key, value in spec.items()}
    if isinstance(upgraded.get("calendar"), dict):
        calendar = cast(dict[str, Any], upgraded["calendar"])
        upgraded["calendar"] = {_RENAMED_IN_CALENDAR.get(key, key): value for key, value in calendar.items()}
    return upgraded


def _remedy(folder: Path, task: str) -> str:
    """The command that writes the spec again: preprocessing, or the training whose model lies beside it."""
    try:
        name = read_json(folder / "config.json")["name"]
    except (FileNotFoundError, KeyError):
        return f"run `dvc repro preprocess@{task}`"
    return f"the model is from an earlier version; train it again: `dvc repro train-{task}@{name}`"
