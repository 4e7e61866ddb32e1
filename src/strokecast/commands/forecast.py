"""What the command `strokecast forecast` does: find a trained model, read a file, forecast, write table and plot."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.common.errors import UserError
from strokecast.common.files import new_file, read_json
from strokecast.common.paths import MODELS, REPORTS, model_dirs
from strokecast.features.records import spec as specs
from strokecast.features.timeseries.window_transformer import DAY_TYPE
from strokecast.inference.forecasting import SeriesForecaster
from strokecast.inference.series_table import ID, to_series_id

CHAMPION = "champion"
_PLOTS = (".png", ".svg", ".pdf")
_SHOWN = 56  # days of history on the plot
_BANDS = {"95": 0.1, "80": 0.15, "50": 0.25}  # per cent: opacity; the wide ones below the narrow ones


@dataclass(frozen=True)
class Request:
    """The options of the command."""

    model: str
    source: Path
    horizon: int | None
    output: Path
    future: Path | None = None
    plot: Path | None = None
    seed: int | None = None


def run(request: Request) -> str:
    """Write the forecast; says in one line what was done.

    Raises:
        UserError: if the model, the file or a day will not do. Nothing is written then.
    """
    _check_targets(request)
    name = champion() if request.model == CHAMPION else request.model
    folder = trained(name, request.seed)
    frame = read(request.source)
    future = None if request.future is None else read(request.future)
    spec = specs.load(folder, "forecast")
    if future is not None and DAY_TYPE not in spec["calendar"]["kinds"]:
        raise UserError(
            f"{name} reads nothing of the days to come but their dates", where="--future", fix="leave it out"
        )
    made = SeriesForecaster(folder, spec).forecast(frame, future, request.horizon, str(request.source))
    try:
        with ExitStack() as both:
            _write(made, request.output, both.enter_context(new_file(request.output)))
            if request.plot is not None:
                figure = _figure(frame, made, spec, name)
                temporary = both.enter_context(new_file(request.plot))
                figure.savefig(temporary, format=request.plot.suffix[1:].lower(), dpi=110)
    except OSError as error:
        raise UserError(
            f"cannot be written ({error.strerror})", where=str(error.filename or request.output)
        ) from None
    chosen = f"{name} (the champion of reports/forecast)" if request.model == CHAMPION else name
    series = made[ID].nunique()
    told = f"{series} series" if series > 1 else made[ID].iloc[0]
    drawn = "" if request.plot is None else f" and {request.plot}"
    first = pd.Timestamp(made["ds"].iloc[0]).date()
    return f"{chosen}: {len(made) // series} days of {told} from {first} -> {request.output}{drawn}"


def champion() -> str:
    """The model of the lowest test MAE: the first of reports/forecast/summary.json, ranked before figures are rounded.

    Raises:
        UserError: if there is no such report.
    """
    path = REPORTS / "forecast/summary.json"
    try:
        ranked = read_json(path)["models"]
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), fix="run `dvc repro evaluate-forecast`") from None
    return str(ranked[0]["model"])


def trained(name: str, seed: int | None) -> Path:
    """The folder of the training with `seed`; None: with the model's lowest seed.

    Raises:
        UserError: if there is none; names those there are.
    """
    home = MODELS / "forecast"
    there = sorted({path.parents[1].name for path in home.glob("*/seed-*/config.json")})
    if name not in there:
        raise UserError(
            f"no trained model {name!r}",
            where=str(home),
            allowed=", ".join([*there, CHAMPION]) if there else "",
            fix="" if there else "run `dvc repro`",
        )
    folders = [folder for folder in model_dirs("forecast", name) if (folder / "config.json").is_file()]
    seeds = {int(read_json(folder / "config.json")["seed"]): folder for folder in folders}
    if seed is not None and seed not in seeds:
        raise UserError(
            f"{name} was not trained with seed {seed}",
            where="--seed",
            allowed=", ".join(map(str, sorted(seeds))),
        )
    folder = folders[0] if seed is None else seeds[seed]
    state = read_json(folder / "run.json")["status"] if (folder / "run.json").is_file() else "finished"
    if state != "finished":
        raise UserError(f"the training of {name} is {state!r}", where=str(folder), fix="run `dvc repro`")
    return folder


def read(path: Path) -> pd.DataFrame:
    """The cells of a CSV file (UTF-8) or, by its ending, of a parquet file.

    Raises:
        UserError: if there is no such file, or it cannot be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        text = {"ds": str, ID: str, DAY_TYPE: str}
        return pd.read_csv(path, dtype=text, encoding="utf-8-sig", float_precision="round_trip")
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except (OSError, ValueError) as error:
        told = " ".join(str(error).split())
        raise UserError(
            f"cannot be read ({told})", where=str(path), allowed="CSV (UTF-8, with a header) or .parquet"
        ) from None


def _check_targets(request: Request) -> None:
    """Whether the files to be written may be."""
    read_from = [path.resolve() for path in (request.source, request.future) if path is not None]
    written = {"--output": request.output, "--plot": request.plot}
    for option, path in written.items():
        if path is not None and path.resolve() in read_from:
            raise UserError(f"{path} is what is read", where=option, fix="name another file")
        if path is not None and path.is_dir():
            raise UserError(f"{path} is a folder", where=option, fix="name a file in it")
    if request.plot is not None:
        if request.plot.suffix.lower() not in _PLOTS:
            raise UserError(
                f"{request.plot}", where="--plot", allowed=f"a file ending in {', '.join(_PLOTS)}"
            )
        if request.plot.resolve() == request.output.resolve():
            raise UserError(f"{request.plot} is --output, too", where="--plot", fix="name another file")


def _write(made: pd.DataFrame, named: Path, temporary: Path) -> None:
    if named.suffix.lower() == ".parquet":
        made.to_parquet(temporary, index=False)
    else:
        made.to_csv(temporary, index=False, date_format="%Y-%m-%d")


def _figure(frame: pd.DataFrame, made: pd.DataFrame, spec: Any, name: str) -> Any:
    """One panel a series: its last eight weeks, the forecast, each interval that the model has."""
    from strokecast.common import figures

    target, point = spec["targets"][0], made.columns[2]
    parts = list(made.groupby(ID, sort=False))
    figure, panels = figures.create(8.0, 1.0 + 2.4 * len(parts), rows=len(parts))
    for axes, (series, ahead) in zip(panels, parts, strict=True):
        own = frame[frame[ID].map(to_series_id) == series] if ID in frame.columns else frame
        past = own.tail(_SHOWN)
        days, values = pd.to_datetime(past["ds"]).to_numpy(), pd.to_numeric(past[target]).to_numpy()
        axes.plot(days, values, color=figures.INK, linewidth=1.2, label="history")
        coming = np.concatenate([days[-1:], ahead["ds"].to_numpy()])
        joined = np.concatenate([values[-1:], ahead[point].to_numpy()])
        axes.plot(coming, joined, color=figures.COLOURS[0], linewidth=1.6, label=f"forecast ({point})")
        for band, opacity in _BANDS.items():
            if f"lo-{band}" not in ahead:
                continue
            low, high = (ahead[f"{end}-{band}"].to_numpy() for end in ("lo", "hi"))
            axes.fill_between(
                ahead["ds"].to_numpy(),
                low,
                high,
                color=figures.COLOURS[0],
                alpha=opacity,
                linewidth=0,
                label=f"{band} % interval",
            )
        axes.set_title(f"{series}: {name}")
        axes.set_ylabel(spec["unit"] or target)
        figures.add_grid(axes)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
