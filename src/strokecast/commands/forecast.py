"""`strokecast forecast`: finds a trained model, reads a series, and writes its forecast as a table and a plot."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.commands import forecast_input, history_check, model_lookup
from strokecast.commands.model_lookup import FoundModel
from strokecast.common import names, output_paths
from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.common.files import describe_os_error, new_file
from strokecast.features.records import spec as specs
from strokecast.features.records.spec import ForecastSpec
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, raw_columns
from strokecast.inference import stored_combination
from strokecast.inference.forecasting import IntervalFn, SeriesForecaster
from strokecast.inference.interval_state import IntervalState
from strokecast.inference.series_table import ID, to_series_id

DEFAULT_STATE = Path(".strokecast/intervals")  # <model>-seed-<n>.json
_PIPELINE_FOLDERS = ("data", "models", "reports", "mlruns")
_OTHER_SUFFIXES = (".xlsx", ".xls", ".ods", ".json", ".feather", ".gz", ".bz2", ".xz", ".zip", ".zst")
_PLOT_SUFFIXES = (".png", ".svg", ".pdf")
_HISTORY_DAYS = 56  # on the plot
MAX_PANELS = 12  # of the plot; with more series it shows the first ones
_INTERVALS = {"95": 0.1, "80": 0.15, "50": 0.25}  # level in per cent → opacity; the widest is drawn first


@dataclass(frozen=True)
class ForecastOptions:
    """The options of the command.

    Attributes:
        model: name of a trained model or of a combination, or `champion`.
        source: CSV or parquet file with the series, or `-` for standard input.
        horizon: days; None: the horizon of the model.
        output: CSV or parquet file to write, or `-` for standard output.
        future: file with the day types of the future days, for models that use them.
        plot: image file to write.
        seed: of the trained model; None: its lowest seed.
        state: JSON file that keeps the intervals from call to call; None: one in `DEFAULT_STATE`.
        keep_state: False: no such file is read or written, and the intervals are those of the training's calibration.
        skip_invalid: leave out each series that cannot be forecast, with a warning, instead of stopping.
    """

    model: str
    source: Path
    horizon: int | None
    output: Path
    future: Path | None = None
    plot: Path | None = None
    seed: int | None = None
    state: Path | None = None
    keep_state: bool = True
    skip_invalid: bool = False


def run(options: ForecastOptions, report: Callable[[str], None]) -> str:
    """Write the forecast; returns the outcome in one line.

    Args:
        options: of the command.
        report: receives one line per warning about the input.

    Raises:
        UserError: if the model, the input or an option is not valid. Nothing is written then.
    """
    _check_outputs(options)
    model = model_lookup.find("forecast", options.model, options.seed)
    name, model_dir = model.name, model.folder
    spec = specs.load(model_dir, "forecast")
    if options.future is not None and DAY_TYPE not in spec["calendar"]["kinds"]:
        raise UserError(
            f"{name} uses no features of future days except their dates",
            location="--future",
            fix="omit this option",
        )
    is_combination = (model_dir / stored_combination.FILE).is_file()
    combination = stored_combination.load(model_dir) if is_combination else None
    frame = forecast_input.read(options.source, spec, raw_columns(spec), report, options.skip_invalid)
    future = None
    if options.future is not None:
        future = forecast_input.read(options.future, spec, ["ds", DAY_TYPE], report)
    state = _open_state(model, int(spec["horizon"]), options, report)
    forecaster = SeriesForecaster(model_dir, spec, combination)
    intervals = None if state is None else state.intervals
    skips = options.skip_invalid and ID in frame and series_spec.SINGLE not in series_spec.names(spec)
    if skips:
        forecast = _forecast_valid_series(forecaster, frame, future, options, intervals, report)
        frame = frame[frame[ID].map(to_series_id).isin(forecast[ID].unique())]
    else:
        forecast = forecaster.forecast(frame, future, options.horizon, str(options.source), intervals)
    # A registered copy has no validation forecasts.
    warnings = [] if model.is_copy else list(history_check.warnings(frame, model_dir, spec))
    path = options.output
    try:
        with ExitStack() as outputs:
            _write(forecast, options.output, outputs.enter_context(new_file(options.output)))
            if options.plot is not None:
                from strokecast.common import figures

                figure = plot_forecast(frame, forecast, spec, name)
                path = options.plot
                temporary = outputs.enter_context(new_file(options.plot))
                figures.save(figure, temporary, options.plot.suffix[1:].lower())
            if state is not None and options.state is not None:
                path = state.path
                state.write(state.path)
    except OSError as error:
        raise UserError(
            f"cannot be written ({describe_os_error(error)})", location=str(path), fix="name another file"
        ) from None
    if state is not None and options.state is None:
        try:
            state.write(state.path)
        except OSError as error:
            report(
                f"{state.path} cannot be written ({describe_os_error(error)}); the next call starts without it"
            )
    for line in warnings:
        report(f"{options.source}: {line}")
    n_series = forecast[ID].nunique()
    series = f"{n_series} series" if n_series > 1 else forecast[ID].iloc[0]
    plot = "" if options.plot is None else f" and {options.plot}"
    if plot and n_series > MAX_PANELS:
        plot += f" (the first {MAX_PANELS} of {n_series:,} series)"
    first = str(forecast["ds"].iloc[0]).split()[0]  # pandas has no `date()` of the year 10000
    return (
        f"{model.label}: {len(forecast) // n_series} days of {series} from {first} -> {options.output}{plot}"
    )


def _open_state(
    model: FoundModel, horizon: int, options: ForecastOptions, report: Callable[[str], None]
) -> IntervalState | None:
    """The intervals from call to call; None if they are not kept."""
    if not options.keep_state:
        return None
    if model.is_copy:
        line = "the files of this registered version have no validation forecasts, from which the intervals would start"
        if options.state is not None:
            raise UserError(line, location="--state", fix="omit this option")
        report(f"{model.label}: {line}; they are those of the training's calibration")
        return None
    is_training = model.folder.name != model.name  # combinations have no seed
    label = f"{model.name}-{model.folder.name}" if is_training else model.name
    path = options.state or DEFAULT_STATE / f"{label}.json"
    return IntervalState(path, label, model.folder, horizon, report)


def _forecast_valid_series(
    forecaster: SeriesForecaster,
    frame: pd.DataFrame,
    future: pd.DataFrame | None,
    options: ForecastOptions,
    intervals: IntervalFn | None,
    report: Callable[[str], None],
) -> pd.DataFrame:
    """The forecasts of all series but those that are not valid, for each of which there is a warning."""
    forecasts = []
    groups = frame.groupby(frame[ID].map(to_series_id), sort=False)
    for series_id, rows in progress(groups, "forecasting", groups.ngroups, " series"):
        own_future = future
        if future is not None and ID in future:
            own_future = future[future[ID].map(to_series_id) == series_id]
        try:
            forecasts.append(
                forecaster.forecast(rows, own_future, options.horizon, str(options.source), intervals)
            )
        except UserError as error:
            if error.location == "--horizon":
                raise
            report(f"series {series_id} is left out: {error}")
    if not forecasts:
        raise UserError("no series can be forecast", location=str(options.source), fix="see the warnings")
    return pd.concat(forecasts, ignore_index=True)


def _check_outputs(options: ForecastOptions) -> None:
    """Raise a `UserError` if an output cannot be written, is an input or of an unknown type."""
    inputs = [os.path.realpath(path) for path in (options.source, options.future) if path is not None]
    outputs = {"--output": options.output, "--plot": options.plot, "--state": options.state}
    for option, path in outputs.items():
        if path is None:
            continue
        try:
            output_paths.check_writable(path)
        except UserError as error:
            raise UserError(f"{path} {error.what}", location=option, fix=error.fix) from None
        if os.path.realpath(path) in inputs and not output_paths.is_stream(path):
            raise UserError(f"{path} is also an input", location=option, fix="name another file")
    if options.output.suffix.lower() in _OTHER_SUFFIXES:
        raise UserError(
            f"{options.output} would not be a {options.output.suffix} file",
            location="--output",
            allowed="a .csv or .parquet file",
        )
    if options.state is not None:
        _check_state(options.state, options)
    if options.plot is not None:
        if options.plot.suffix.lower() not in _PLOT_SUFFIXES:
            raise UserError(
                f"{options.plot}", location="--plot", allowed=f"a file ending in {', '.join(_PLOT_SUFFIXES)}"
            )
        if os.path.realpath(options.plot) == os.path.realpath(options.output):
            raise UserError(f"{options.plot} is also --output", location="--plot", fix="name another file")


def _check_state(state: Path, options: ForecastOptions) -> None:
    """Raise a `UserError` if the file of the intervals is a stream, another output, or lies where stages write."""
    if not options.keep_state:
        raise UserError("contradicts --no-state", location="--state", fix="omit one of them")
    if output_paths.is_stream(state):
        raise UserError(f"{state} is not a file", location="--state", fix="name a file")
    target = Path(os.path.realpath(state))
    for option, path in (("--output", options.output), ("--plot", options.plot)):
        if path is not None and target == Path(os.path.realpath(path)):
            raise UserError(f"{state} is also {option}", location="--state", fix="name another file")
    for folder in _PIPELINE_FOLDERS:
        if target.is_relative_to(os.path.realpath(folder)):
            raise UserError(
                f"{state} lies in {folder}/, which stages replace",
                location="--state",
                fix=f"name a file outside of {', '.join(_PIPELINE_FOLDERS)}",
            )


def _write(forecast: pd.DataFrame, output: Path, temporary: Path) -> None:
    """Write the table to `temporary`, in the format that the suffix of `output` names."""
    if output.suffix.lower() == ".parquet":
        forecast.to_parquet(temporary, index=False)
    else:
        forecast.to_csv(temporary, index=False, date_format="%Y-%m-%d")


def plot_forecast(history: pd.DataFrame, forecast: pd.DataFrame, spec: ForecastSpec, name: str) -> Any:
    """Plot one panel per series: the last eight weeks of history, the forecast, and the intervals of the model.

    Only the first `MAX_PANELS` series are plotted.

    Args:
        history: the input of the command.
        forecast: columns ds, unique_id, mean or median, then lo-<level> and hi-<level> per interval.
        spec: of the model.
        name: of the model.
    """
    from strokecast.common import figures

    target, point = spec["targets"][0], forecast.columns[2]
    series_names = forecast[ID].drop_duplicates()[:MAX_PANELS]
    groups = list(forecast[forecast[ID].isin(series_names)].groupby(ID, sort=False))
    history_ids = history[ID].map(to_series_id) if ID in history.columns else None
    figure, panels = figures.create(8.0, 1.0 + 2.4 * len(groups), rows=len(groups))
    for axes, (series, future) in zip(panels, groups, strict=True):
        past = history if history_ids is None else history[history_ids == series]
        past = past.tail(_HISTORY_DAYS)
        days, values = pd.to_datetime(past["ds"]).to_numpy(), pd.to_numeric(past[target]).to_numpy()
        axes.plot(days, values, color=figures.INK, linewidth=1.2, label="history")
        future_days = np.concatenate([days[-1:], future["ds"].to_numpy()])
        future_values = np.concatenate([values[-1:], future[point].to_numpy()])
        axes.plot(
            future_days, future_values, color=figures.COLOURS[0], linewidth=1.6, label=f"forecast ({point})"
        )
        for level, opacity in _INTERVALS.items():
            if f"lo-{level}" not in future:
                continue
            low, high = (future[f"{end}-{level}"].to_numpy() for end in ("lo", "hi"))
            axes.fill_between(
                future["ds"].to_numpy(),
                low,
                high,
                color=figures.COLOURS[0],
                alpha=opacity,
                linewidth=0,
                label=f"{level} % interval",
            )
        axes.set_title(f"{names.shorten(str(series), 60)}: {name}")
        axes.set_ylabel(names.shorten(spec["unit"] or target, 30))
        figures.add_grid(axes)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
