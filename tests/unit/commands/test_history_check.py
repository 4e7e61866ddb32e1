"""Warnings about a history that is too short or of another level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.commands import history_check
from strokecast.features.records import spec as specs
from strokecast.inference import networks
from strokecast.models.pooled.pooled_forecaster import PooledForecaster


@pytest.mark.parametrize(
    ("count", "value", "learner", "messages"),
    [
        (96, 9000.0, PooledForecaster, []),
        (
            30,
            9000.0,
            PooledForecaster,
            ["rides: 30 days are few for seasonal_naive_7: the model is fitted again"],
        ),
        (30, 9000.0, networks, []),
        (96, 250.0, networks, ["rides: the median of its last 96 days is 250, that of the validation days"]),
        (96, -9000.0, networks, ["rides: the median of its last 96 days is -9000"]),
        (96, 20000.0, networks, []),
    ],
)
def test_warnings(
    naive_model: Path, monkeypatch: pytest.MonkeyPatch, count: int, value: float, learner: Any, messages: Any
) -> None:
    folder = naive_model / "models/forecast/seasonal_naive_7/seed-1"
    learns = getattr(learner, "learns_year", False)
    monkeypatch.setattr(networks, "load_statistical", lambda _: type("Model", (), {"learns_year": learns}))
    frame = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=count), "y": np.full(count, value)})
    lines = list(history_check.HistoryCheck(folder, specs.load(folder, "forecast")).warnings(frame))
    assert len(lines) == len(messages)
    assert all(message in line for message, line in zip(messages, lines, strict=True)), lines
