"""`strokecast forecast`: finds a trained model, reads a series, and writes its forecast as a table and a plot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from strokecast.commands import (
    forecast_cells,
    forecast_input,
    forecast_stream,
    forecast_table,
    input_files,
    model_lookup,
)
from strokecast.commands.forecast_plot import HISTORY_DAYS, MAX_PANELS, plot_forecast
from strokecast.commands.forecast_stream import LoadedModel
from strokecast.commands.model_lookup import FoundModel
from strokecast.common import output_paths, signals
from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.common.files import describe_os_error, new_file
from strokecast.features.records import spec as specs
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.window_transformer import DAY_TYPE, raw_columns
from strokecast.inference.forecasting import InvalidSeries, OwnForecast
from strokecast.inference.interval_state import IntervalState
from strokecast.inference.series_table import ID, check_ids

DEFAULT_STATE = Path(".strokecast/intervals")  # <model>-seed-<n>.json
_PIPELINE_FOLDERS = ("data", "models", "reports", "mlruns")
_OTHER_SUFFIXES = (".xlsx", ".xls", ".ods", ".json", ".feather", ".gz", ".bz2", ".xz", ".zip", ".zst")
_PLOT_SUFFIXES = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class ForecastOptions:
    """The options of the command.

    Attributes:
        model: name of a trained model or of a combination, or `champion`.
        source: CSV or parquet file with the series, a folder of such files, or `-` for standard input.
        horizon: days; None: the horizon of the model.
        output: CSV or parquet file to write, or `-` for standard output.
        future: file with the day types of the future days, for models that use them.
        plot: image file to write.
        seed: of the trained model; None: its lowest seed.
        state: JSON file that keeps the intervals from call to call; None: one in `DEFAULT_STATE`.
        keep_state: False: no such file is read or written, and the intervals are those of the training's calibration.
        skip_invalid: leave out each series that cannot be forecast, with a warning, instead of stopping.
        jobs: processes that forecast pieces of the input.
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
    jobs: int = 1


@dataclass
class _Tally:
    """What was forecast so far.

    Attributes:
        n_series: series with a forecast.
        name: of the first one.
        first_day: its first forecast day, as text.
        histories: the last days of the first series, for the plot.
        tables: their forecasts.
    """

    n_series: int = 0
    name: str = ""
    first_day: str = ""
    histories: list[pd.DataFrame] = field(default_factory=list)
    tables: list[pd.DataFrame] = field(default_factory=list)

    def add(self, own: OwnForecast, table: pd.DataFrame, target: str) -> None:
        """Count a series."""
        if not self.n_series:
            # pandas has no `date()` of the year 10000
            self.name, self.first_day = own.name, str(table["ds"].iloc[0]).split()[0]
        self.n_series += 1
        if self.n_series <= MAX_PANELS:
            days = pd.to_datetime(own.days[-HISTORY_DAYS:])
            self.histories.append(
                pd.DataFrame({"ds": days, ID: own.name, target: own.values[-HISTORY_DAYS:]})
            )
            self.tables.append(table)

    def outcome(self, days_ahead: int, options: ForecastOptions) -> str:
        """What was forecast and where it is."""
        series = self.name if self.n_series == 1 else f"{self.n_series:,} series"
        plot = "" if options.plot is None else f" and {options.plot}"
        if plot and self.n_series > MAX_PANELS:
            plot += f" (the first {MAX_PANELS} of {self.n_series:,} series)"
        return f"{days_ahead} days of {series} from {self.first_day} -> {options.output}{plot}"


def run(options: ForecastOptions, report: Callable[[str], None]) -> str:
    """Write the forecast; returns the outcome in one line.

    Args:
        options: of the command.
        report: receives one line per warning about the input.

    Raises:
        UserError: if the model, the input or an option is not valid. Nothing is written then.
    """
    sources = forecast_stream.find_files(options.source)
    _check_outputs(options, sources)
    model = model_lookup.find("forecast", options.model, options.seed)
    spec = specs.load(model.folder, "forecast")
    if options.future is not None and DAY_TYPE not in spec["calendar"]["kinds"]:
        raise UserError(
            f"{model.name} uses no features of future days except their dates",
            location="--future",
            fix="omit this option",
        )
    with ExitStack() as inputs:
        columns, training_table = raw_columns(spec), spec.get("table", {})
        files = [
            forecast_cells.scan(
                inputs.enter_context(input_files.local_copy(path)),
                str(path),
                training_table,
                columns,
                report,
                options.skip_invalid,
            )
            for path in sources
        ]
        series = forecast_stream.series_names(files, str(options.source))
        future = None
        if options.future is not None:
            future = forecast_input.read(options.future, spec, ["ds", DAY_TYPE], report)
        state = _open_state(model, int(spec["horizon"]), options, report)
        # A registered copy has no validation forecasts.
        loaded = forecast_stream.load(forecast_stream.Model(model.folder, checks_history=not model.is_copy))
        days_ahead = loaded.forecaster.check_horizon(options.horizon)
        is_global = series_spec.SINGLE not in series_spec.names(spec)
        skips = options.skip_invalid and is_global and series is not None
        if not skips:
            check_ids(pd.DataFrame({} if series is None else {ID: series}), future)
            loaded.forecaster.check_names(series, str(options.source))
        history_lines: list[str] = []
        forecasts = forecast_stream.forecast(
            loaded,
            files,
            future,
            days_ahead,
            options.skip_invalid,
            options.jobs,
            report,
            history_lines.append,
        )
        total = 1 if series is None else len(series)
        shown = progress(forecasts, f"forecasting {options.source.name}", total, " series")
        valid = _valid_series(shown, skips, report)
        with signals.handled_by(signals.raise_interrupted):
            tally = _write(valid, loaded, days_ahead, state, model.name, options)
    if state is not None and options.state is None:
        try:
            state.write(state.path)
        except OSError as error:
            report(
                f"{state.path} cannot be written ({describe_os_error(error)}); the next call starts without it"
            )
    for line in history_lines:
        report(line)
    return f"{model.label}: {tally.outcome(days_ahead, options)}"


def _valid_series(
    forecasts: Iterable[OwnForecast | InvalidSeries], skips: bool, report: Callable[[str], None]
) -> Iterator[OwnForecast]:
    """The series that can be forecast, with a warning for each other one, or an error if they are not skipped."""
    for one in forecasts:
        if isinstance(one, OwnForecast):
            yield one
        elif skips:
            report(f"series {one.name} is left out: {one.error}")
        else:
            raise one.error


def _write(
    forecasts: Iterable[OwnForecast],
    loaded: LoadedModel,
    days_ahead: int,
    state: IntervalState | None,
    name: str,
    options: ForecastOptions,
) -> _Tally:
    """Write the table, the plot and the file of `--state`, all or none."""
    tally, path = _Tally(), options.output
    intervals = None if state is None else state.intervals
    try:
        with ExitStack() as outputs:
            temporary = outputs.enter_context(new_file(options.output))
            with forecast_table.writer(temporary, options.output) as write:
                for one in forecasts:
                    table = loaded.forecaster.to_table(one, days_ahead, intervals)
                    write(table)
                    tally.add(one, table, loaded.spec["targets"][0])
            if not tally.n_series:
                raise UserError(
                    "no series can be forecast", location=str(options.source), fix="see the warnings"
                )
            if options.plot is not None:
                from strokecast.common import figures

                path = options.plot
                figure = plot_forecast(pd.concat(tally.histories), pd.concat(tally.tables), loaded.spec, name)
                temporary = outputs.enter_context(new_file(options.plot))
                figures.save(figure, temporary, options.plot.suffix[1:].lower())
            if state is not None and options.state is not None:
                path = state.path
                state.write(state.path)
    except OSError as error:
        raise UserError(
            f"cannot be written ({describe_os_error(error)})", location=str(path), fix="name another file"
        ) from None
    return tally


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


def _check_outputs(options: ForecastOptions, sources: Sequence[Path]) -> None:
    """Raise a `UserError` if an output cannot be written, is an input or of an unknown type."""
    inputs = [os.path.realpath(path) for path in (*sources, options.future) if path is not None]
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
