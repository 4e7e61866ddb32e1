"""What `forecast.py` and the Python of `.venv-peers` exchange: a series with origins there, forecasts back, as files in a folder.

Shapes: T days of the series, O origins, H days ahead.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from project import ROOT

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

SCRIPT = ROOT / "benchmarks/forecast_peers.py"
PYTHON = ROOT / ".venv-peers/bin/python"
_LONGEST = 160  # characters of an error


class PeerError(Exception):
    """Why a peer has no forecasts, in one line."""


@dataclass(frozen=True)
class PeerForecasts:
    """Forecasts of one peer.

    Attributes:
        point: float64 [O, H].
        seconds: fits and forecasts at all origins, without imports.
        fitted: when it is fitted.
        version: of its library.
    """

    point: Floats
    seconds: float
    fitted: str
    version: str


@dataclass(frozen=True)
class Question:
    """What the peers forecast.

    Attributes:
        days: datetime64[D] [T], consecutive.
        values: float64 [T].
        origins: datetime64[D] [O], first forecast days.
        horizon: H.
        season: days of the period.
        input_size: days of the past that a network reads.
    """

    days: Days
    values: Floats
    origins: Days
    horizon: int
    season: int
    input_size: int

    def write(self, folder: Path) -> None:
        """Write series.parquet and request.json. Days from the last origin on are not among them."""
        known = self.days < self.origins.max()
        table = {"ds": self.days[known].astype("datetime64[ns]"), "y": self.values[known]}
        pd.DataFrame(table).to_parquet(folder / "series.parquet", index=False)
        request = {
            "origins": [str(day) for day in self.origins],
            "horizon": self.horizon,
            "season": self.season,
            "input_size": self.input_size,
        }
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")


def run_peer(name: str, question: Question, folder: Path, limit_s: float) -> PeerForecasts:
    """Let a peer answer the question that was written to `folder`, in a process of its own.

    Args:
        name: of the peer, a key of `forecast_peers.PEERS`.
        question: what it forecasts.
        folder: with series.parquet and request.json.
        limit_s: seconds after which it is stopped.

    Raises:
        PeerError: if the environment is missing, the peer fails or is stopped, or its forecasts are not those asked for.
    """
    if not PYTHON.exists():
        raise PeerError("its environment is missing: run `make peers` (several GB)")
    command = [str(PYTHON), str(SCRIPT), name, str(folder)]
    try:
        completed = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"stopped after {limit_s / 60:.0f} minutes") from None
    if completed.returncode:
        lines = completed.stderr.strip().splitlines() or [f"exit code {completed.returncode}"]
        raise PeerError(lines[-1][:_LONGEST])
    try:
        return read_forecasts(name, question, folder)
    except (OSError, KeyError, ValueError) as error:
        raise PeerError(f"its files cannot be read: {error}"[:_LONGEST]) from None


def read_forecasts(name: str, question: Question, folder: Path) -> PeerForecasts:
    """The forecasts that a peer wrote.

    Raises:
        PeerError: if a forecast is missing or not finite.
    """
    facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / f"{name}.parquet")
    by_day = table.set_index([table["origin"], table["ds"]])["forecast"]
    ahead = np.arange(question.horizon).astype("timedelta64[D]")
    wanted = [
        (pd.Timestamp(origin), pd.Timestamp(origin + step)) for origin in question.origins for step in ahead
    ]
    found = by_day.reindex(pd.MultiIndex.from_tuples(wanted)).to_numpy(np.float64)
    if bad := int((~np.isfinite(found)).sum()):
        raise PeerError(f"{bad} of {len(found)} forecasts are missing or not finite")
    return PeerForecasts(
        found.reshape(-1, question.horizon), facts["seconds"], facts["fitted"], facts["version"]
    )
