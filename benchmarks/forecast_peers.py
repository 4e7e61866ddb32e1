"""One row of another forecasting library, run by `forecast.py` with the Python of `.venv-peers`.

    .venv-peers/bin/python benchmarks/forecast_peers.py AutoETS FOLDER

Reads `FOLDER/series.parquet` (ds, y) and `FOLDER/request.json`; writes `FOLDER/<name>.parquet` (origin, ds, forecast) and
`FOLDER/<name>.json` (seconds, fitted, version). An origin is the first forecast day: its history are the days before it. This
file imports nothing of strokecast. Its settings are frozen: a change of one changes every published figure.

Refits are those of each library's `cross_validation` by default. statsforecast and mlforecast are fitted at each origin on all days
before it. neuralforecast is fitted once, on all days before the first origin, and reads the newer days when it forecasts.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

EACH_ORIGIN = "at each origin"
ONCE = "once, on all days before the first origin"


@dataclass(frozen=True)
class Request:
    """What is to be forecast.

    Attributes:
        series: consecutive days, columns unique_id, ds, y.
        origins: first forecast days, rising.
        horizon: days to forecast.
        season: days of the period.
        input_size: days of the past that a network reads.
    """

    series: pd.DataFrame
    origins: list[pd.Timestamp]
    horizon: int
    season: int
    input_size: int

    def history(self, origin: pd.Timestamp) -> pd.DataFrame:
        """The days before `origin`."""
        return self.series[self.series["ds"] < origin]


Forecaster = Callable[[pd.DataFrame], pd.DataFrame]
"""Days before an origin → its forecasts in the last column."""


@dataclass(frozen=True)
class Peer:
    """A row of another library.

    Attributes:
        library: name of the package.
        fitted: when it is fitted.
        start: imports the library; returns a function that makes the forecaster, which is what is timed.
    """

    library: str
    fitted: str
    start: Callable[[Request], Callable[[], Forecaster]]


def statsforecast(name: str) -> Peer:
    """A model of statsforecast with the season given and nothing else."""

    def start(request: Request) -> Callable[[], Forecaster]:
        module = importlib.import_module("statsforecast")
        model = getattr(importlib.import_module("statsforecast.models"), name)
        return lambda: (
            lambda history: module.StatsForecast(
                models=[model(season_length=request.season)], freq="D"
            ).forecast(df=history, h=request.horizon)
        )

    return Peer("statsforecast", EACH_ORIGIN, start)


def mlforecast_lightgbm() -> Peer:
    """mlforecast with LightGBM, lags and transforms as in "How to use" of its README."""

    def start(request: Request) -> Callable[[], Forecaster]:
        lightgbm = importlib.import_module("lightgbm")
        module = importlib.import_module("mlforecast")
        lag_transforms = importlib.import_module("mlforecast.lag_transforms")
        target_transforms = importlib.import_module("mlforecast.target_transforms")

        def forecast(history: pd.DataFrame) -> pd.DataFrame:
            model = module.MLForecast(
                models=[lightgbm.LGBMRegressor(random_state=0, verbosity=-1)],
                freq="D",
                lags=[7, 14],
                lag_transforms={
                    1: [lag_transforms.ExpandingMean()],
                    7: [lag_transforms.RollingMean(window_size=28)],
                },
                date_features=["dayofweek"],
                target_transforms=[target_transforms.Differences([1])],
            )
            return model.fit(history).predict(request.horizon)

        return lambda: forecast

    return Peer("mlforecast", EACH_ORIGIN, start)


def neuralforecast(name: str) -> Peer:
    """A network of neuralforecast with its defaults, on the CPU; `input_size` has no default."""

    def start(request: Request) -> Callable[[], Forecaster]:
        module = importlib.import_module("neuralforecast")
        model = getattr(importlib.import_module("neuralforecast.models"), name)
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}

        def fit() -> Forecaster:
            network = model(h=request.horizon, input_size=request.input_size, accelerator="cpu", **quiet)
            fitted = module.NeuralForecast(models=[network], freq="D")
            fitted.fit(df=request.history(request.origins[0]))
            return lambda history: fitted.predict(df=history)

        return fit

    return Peer("neuralforecast", ONCE, start)


PEERS = {
    "SeasonalNaive": statsforecast("SeasonalNaive"),
    "AutoETS": statsforecast("AutoETS"),
    "AutoTheta": statsforecast("AutoTheta"),
    "AutoCES": statsforecast("AutoCES"),
    "MSTL": statsforecast("MSTL"),
    "AutoARIMA": statsforecast("AutoARIMA"),
    "LGBMRegressor": mlforecast_lightgbm(),
    "NHITS": neuralforecast("NHITS"),
    "NBEATSx": neuralforecast("NBEATSx"),
    "TFT": neuralforecast("TFT"),
}


def read_request(folder: Path) -> Request:
    """The request in `folder`."""
    values: dict[str, Any] = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    series = pd.read_parquet(folder / "series.parquet")
    series.insert(0, "unique_id", "series")
    origins = [pd.Timestamp(day) for day in values.pop("origins")]
    return Request(series=series, origins=origins, **values)


def main(name: str, folder: Path) -> None:
    """Write the forecasts of `PEERS[name]` and what they took."""
    peer, request = PEERS[name], read_request(folder)
    fit = peer.start(request)
    began = time.perf_counter()
    forecaster = fit()
    tables = []
    for origin in request.origins:
        forecast = forecaster(request.history(origin))
        values = forecast[forecast.columns[-1]].to_numpy()
        tables.append(pd.DataFrame({"origin": origin, "ds": forecast["ds"].to_numpy(), "forecast": values}))
    seconds = time.perf_counter() - began
    pd.concat(tables).to_parquet(folder / f"{name}.parquet", index=False)
    facts = {
        "seconds": round(seconds, 3),
        "fitted": peer.fitted,
        "version": importlib.metadata.version(peer.library),
    }
    (folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
