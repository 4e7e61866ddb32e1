"""The residual of networks follows a level that moves, and is none while the level stays."""

import numpy as np
import pytest

from strokecast.features.timeseries import residual_choice
from strokecast.features.timeseries.residual_choice import ScaledWindows

HORIZON = 9


def windows(values: np.ndarray, origins: np.ndarray, window: int) -> ScaledWindows:
    past = values[origins[:, None] + np.arange(-window, 0)]
    target = values[origins[:, None] + np.arange(HORIZON)]
    return ScaledWindows(past, np.zeros((len(origins), HORIZON, 0)), target)


def choose(shift: float, window: int = 35) -> dict[str, object]:
    """Noise around a weekly pattern; from the first validation day on, `shift` higher."""
    day = np.arange(600)
    noise = np.random.default_rng(0).normal(size=600)
    values = np.array([1, 0, 0, 0, 0, 0, -1])[day % 7] + 0.5 * noise + shift * (day >= 400)
    return residual_choice.choose(
        windows(values, np.arange(window, 391), window), windows(values, np.arange(400, 591), window)
    )


def test_none_while_the_level_stays_and_a_recent_level_if_it_moves() -> None:
    assert choose(0.0)["chosen"] == "none"
    moved = choose(4.0)
    assert moved["chosen"] == "mean_28"
    assert list(moved["errors"]) == list(residual_choice.CANDIDATES)  # type: ignore[call-overload]
    assert residual_choice.describe(moved).startswith("residual of networks with residual: auto: mean_28 (")


@pytest.mark.parametrize(("window", "expected"), [(6, ["none"]), (14, ["none", "last_week"])])
def test_a_residual_needs_a_window_that_is_long_enough(window: int, expected: list[str]) -> None:
    assert list(choose(4.0, window)["errors"]) == expected  # type: ignore[call-overload]


@pytest.mark.parametrize("residual", ["last_week", "mean_28"])
def test_a_residual_that_is_the_whole_forecast_has_no_error(residual: str) -> None:
    past = np.random.default_rng(0).normal(size=(50, 28))
    week, mean = past[:, 21:][:, np.arange(HORIZON) % 7], past.mean(axis=1, keepdims=True)
    target = week if residual == "last_week" else np.repeat(mean, HORIZON, axis=1)
    one = ScaledWindows(past, np.zeros((50, HORIZON, 0)), target)
    result = residual_choice.choose(one, one)
    assert result["chosen"] == residual
    assert result["errors"][residual] == pytest.approx(0, abs=1e-9)


def test_windows_are_subsampled_evenly_and_concatenated() -> None:
    one = windows(np.arange(100.0), np.arange(20, 80), 7)
    few = one.subsample(3)
    assert few.target[:, 0].tolist() == [20.0, 49.0, 79.0]
    both = ScaledWindows.concatenate([few, one])
    assert both.past.shape == (63, 7)
    assert one.subsample(100).target.tolist() == one.target.tolist()
